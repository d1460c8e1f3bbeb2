<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>AboutDesk</name>
    <message>
        <source>Licence of {name}</source>
        <translation>Lizenz von {name}</translation>
    </message>
    <message>
        <source>Its makers put no text beside it.</source>
        <translation>Wer es gemacht hat, hat keinen Text dazugelegt.</translation>
    </message>
</context>
<context>
    <name>AboutPage</name>
    <message>
        <source>Copy diagnostics</source>
        <translation>Diagnose kopieren</translation>
    </message>
    <message>
        <source>Open the folder of logs</source>
        <translation>Ordner mit den Protokollen öffnen</translation>
    </message>
    <message>
        <source>User guide</source>
        <translation>Benutzerhandbuch</translation>
    </message>
    <message>
        <source>All notices in one file</source>
        <translation>Alle Hinweise in einer Datei</translation>
    </message>
    <message>
        <source>Show the tour again</source>
        <translation>Rundgang noch einmal zeigen</translation>
    </message>
    <message>
        <source>Copied. It has no words of your chats; read it before you send it on.</source>
        <translation>Kopiert. Darin steht nichts aus deinen Chats; lies es, bevor du es weitergibst.</translation>
    </message>
    <message>
        <source>Engines</source>
        <translation>Engines</translation>
    </message>
    <message>
        <source>Computer</source>
        <translation>Computer</translation>
    </message>
    <message>
        <source>Licences of what comes with Tether</source>
        <translation>Lizenzen der Bestandteile von Tether</translation>
    </message>
    <message>
        <source>A private assistant on your own computer. Nothing leaves it unless you say so.</source>
        <translation>Ein privater Assistent auf deinem eigenen Computer. Nichts verlässt ihn, außer du willst es so.</translation>
    </message>
    <message>
        <source>Licences</source>
        <translation>Lizenzen</translation>
    </message>
    <message>
        <source>Enter or a double click shows the whole text.</source>
        <translation>Die Eingabetaste oder ein Doppelklick zeigt den ganzen Text.</translation>
    </message>
    <message>
        <source>Looking at everything…</source>
        <translation>Alles wird angesehen…</translation>
    </message>
</context>
<context>
    <name>Announcements</name>
    <message>
        <source>{tool} waits for your approval</source>
        <translation>{tool} wartet auf deine Zustimmung</translation>
    </message>
    <message>
        <source>The reply was stopped</source>
        <translation>Die Antwort wurde angehalten</translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation>Assistent</translation>
    </message>
</context>
<context>
    <name>AnswerDesk</name>
    <message>
        <source>Copied the answer</source>
        <translation>Antwort kopiert</translation>
    </message>
    <message>
        <source>Save code</source>
        <translation>Code speichern</translation>
    </message>
    <message>
        <source>Saved {name}</source>
        <translation>{name} gespeichert</translation>
    </message>
    <message>
        <source>{address} is neither a web page nor a mail address.</source>
        <translation>{address} ist weder eine Webseite noch eine Mailadresse.</translation>
    </message>
    <message>
        <source>Copy it if you trust it.</source>
        <translation>Kopiere die Adresse, wenn du ihr vertraust.</translation>
    </message>
    <message>
        <source>The address was not opened</source>
        <translation>Die Adresse wurde nicht geöffnet</translation>
    </message>
</context>
<context>
    <name>AnswerPane</name>
    <message>
        <source>First model</source>
        <translation>Erstes Modell</translation>
    </message>
    <message>
        <source>Second model</source>
        <translation>Zweites Modell</translation>
    </message>
    <message>
        <source>How the first one answers</source>
        <translation>Wie das erste antwortet</translation>
    </message>
    <message>
        <source>How the second one answers</source>
        <translation>Wie das zweite antwortet</translation>
    </message>
    <message>
        <source>Answer of {model}</source>
        <translation>Antwort von {model}</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Keep this answer</source>
        <translation>Diese Antwort behalten</translation>
    </message>
</context>
<context>
    <name>AnswerText</name>
    <message>
        <source>Thinking…</source>
        <translation>Denkt nach…</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>Gedanken</translation>
    </message>
</context>
<context>
    <name>AnswersPage</name>
    <message>
        <source>The one used last</source>
        <translation>Das zuletzt benutzte</translation>
    </message>
    <message>
        <source>What is loaded now still has the values from before.</source>
        <translation>Was jetzt geladen ist, hat noch die Werte von vorher.</translation>
    </message>
    <message>
        <source>Load again</source>
        <translation>Neu laden</translation>
    </message>
</context>
<context>
    <name>AppearancePage</name>
    <message>
        <source>Sample</source>
        <translation>Beispiel</translation>
    </message>
    <message>
        <source>How far is the moon?</source>
        <translation>Wie weit ist der Mond entfernt?</translation>
    </message>
    <message>
        <source>About 384,000 km on average. Light needs 1.3 seconds for the way, a car half a year.</source>
        <translation>Im Mittel etwa 384.000 km. Licht braucht für den Weg 1,3 Sekunden, ein Auto ein halbes Jahr.</translation>
    </message>
    <message>
        <source>Sample of the look</source>
        <translation>Beispiel für das Aussehen</translation>
    </message>
    <message>
        <source>Action</source>
        <translation>Aktion</translation>
    </message>
    <message>
        <source>Another</source>
        <translation>Eine andere</translation>
    </message>
</context>
<context>
    <name>AttachDesk</name>
    <message>
        <source>Attach files</source>
        <translation>Dateien anhängen</translation>
    </message>
    <message>
        <source>Pasted text</source>
        <translation>Eingefügter Text</translation>
    </message>
    <message>
        <source>Pasted text {number}</source>
        <translation>Eingefügter Text {number}</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) changed since being attached. Read again what should be newer, or send what was read.</source>
        <translation>
            <numerusform>%n Datei hat sich geändert, seit sie angehängt wurde. Lies sie neu ein, wenn sie neuer sein soll, oder sende, was gelesen wurde.</numerusform>
            <numerusform>%n Dateien haben sich geändert, seit sie angehängt wurden. Lies neu ein, was neuer sein soll, oder sende, was gelesen wurde.</numerusform>
        </translation>
    </message>
    <message>
        <source>Pictures cannot be attached: the models here read words. Attach a text, a table or a PDF instead.</source>
        <translation>Bilder lassen sich nicht anhängen: Die Modelle hier lesen Wörter. Häng stattdessen einen Text, eine Tabelle oder ein PDF an.</translation>
    </message>
</context>
<context>
    <name>Banner</name>
    <message>
        <source>Dismiss</source>
        <translation>Ausblenden</translation>
    </message>
    <message>
        <source>Restart now</source>
        <translation>Jetzt neu starten</translation>
    </message>
</context>
<context>
    <name>Catalogue</name>
    <message>
        <source>The smallest that answers at all; good for trying things out.</source>
        <translation>Das kleinste, das überhaupt antwortet; gut zum Ausprobieren.</translation>
    </message>
    <message>
        <source>Tiny, for short rewriting and sorting tasks in many languages.</source>
        <translation>Winzig, für kurze Aufgaben zum Umschreiben und Sortieren in vielen Sprachen.</translation>
    </message>
    <message>
        <source>Small and quick; simple questions in English.</source>
        <translation>Klein und schnell; einfache Fragen auf Englisch.</translation>
    </message>
    <message>
        <source>Quick on any computer; understands many languages and simple tool calls.</source>
        <translation>Schnell auf jedem Computer; versteht viele Sprachen und einfache Werkzeugaufrufe.</translation>
    </message>
    <message>
        <source>The smallest that thinks before it answers.</source>
        <translation>Das kleinste, das vor der Antwort nachdenkt.</translation>
    </message>
    <message>
        <source>Summaries and rewriting of longer texts on small computers.</source>
        <translation>Zusammenfassen und Umschreiben längerer Texte auf kleinen Computern.</translation>
    </message>
    <message>
        <source>Fluent short texts in English.</source>
        <translation>Flüssige kurze Texte auf Englisch.</translation>
    </message>
    <message>
        <source>A good first choice for 8 GB of memory: many languages, tools, some code.</source>
        <translation>Eine gute erste Wahl für 8 GB Arbeitsspeicher: viele Sprachen, Werkzeuge, etwas Code.</translation>
    </message>
    <message>
        <source>Everyday questions in English, from openly documented training.</source>
        <translation>Alltagsfragen auf Englisch, aus offen dokumentiertem Training.</translation>
    </message>
    <message>
        <source>Thinks before it answers; good at small sums and tools for its size.</source>
        <translation>Denkt vor der Antwort nach; für seine Größe gut bei kleinen Rechnungen und Werkzeugen.</translation>
    </message>
    <message>
        <source>Better answers on computers with 8 GB of memory; not for commercial use.</source>
        <translation>Bessere Antworten auf Computern mit 8 GB Arbeitsspeicher; nicht für kommerzielle Zwecke.</translation>
    </message>
    <message>
        <source>An all-round assistant for laptops with a long context window.</source>
        <translation>Ein vielseitiger Assistent für Laptops, mit langem Kontextfenster.</translation>
    </message>
    <message>
        <source>Reasoning and mathematics for its size; tools.</source>
        <translation>Für seine Größe stark in Schlussfolgern und Mathematik; Werkzeuge.</translation>
    </message>
    <message>
        <source>Reasoning over long documents; needs much memory for its context.</source>
        <translation>Schlussfolgern über lange Dokumente; braucht viel Arbeitsspeicher für seinen Kontext.</translation>
    </message>
    <message>
        <source>The best that thinks before it answers below 8 GB; many languages, tools.</source>
        <translation>Das beste unter 8 GB, das vor der Antwort nachdenkt; viele Sprachen, Werkzeuge.</translation>
    </message>
    <message>
        <source>A solid all-rounder for 16 GB of memory, with tools.</source>
        <translation>Ein solider Allrounder für 16 GB Arbeitsspeicher, mit Werkzeugen.</translation>
    </message>
    <message>
        <source>The best all-rounder here for 16 GB of memory: languages, code, tools.</source>
        <translation>Der beste Allrounder hier für 16 GB Arbeitsspeicher: Sprachen, Code, Werkzeuge.</translation>
    </message>
</context>
<context>
    <name>ChangesDialog</name>
    <message>
        <source>Changed tools of {name}</source>
        <translation>Geänderte Werkzeuge von {name}</translation>
    </message>
    <message>
        <source>Offer them to the model</source>
        <translation>Dem Modell anbieten</translation>
    </message>
    <message>
        <source>Not now</source>
        <translation>Nicht jetzt</translation>
    </message>
    <message>
        <source>These tools are kept from the model until you have looked at them: a description is read by the model, and can mislead it.</source>
        <translation>Diese Werkzeuge bekommt das Modell erst, wenn du sie angesehen hast: Eine Beschreibung wird vom Modell gelesen und kann es irreführen.</translation>
    </message>
</context>
<context>
    <name>ChatDrag</name>
    <message numerus="yes">
        <source>%n chat(s)</source>
        <translation>
            <numerusform>%n Chat</numerusform>
            <numerusform>%n Chats</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ChatMarks</name>
    <message>
        <source>collapsed</source>
        <translation>eingeklappt</translation>
    </message>
    <message>
        <source>expanded</source>
        <translation>ausgeklappt</translation>
    </message>
    <message numerus="yes">
        <source>folder, %n chat(s)</source>
        <translation>
            <numerusform>Ordner, %n Chat</numerusform>
            <numerusform>Ordner, %n Chats</numerusform>
        </translation>
    </message>
    <message>
        <source>waits for your approval</source>
        <translation>wartet auf deine Zustimmung</translation>
    </message>
    <message>
        <source>answering</source>
        <translation>antwortet gerade</translation>
    </message>
    <message>
        <source>unread</source>
        <translation>ungelesen</translation>
    </message>
    <message>
        <source>has a draft</source>
        <translation>hat einen Entwurf</translation>
    </message>
</context>
<context>
    <name>ChatMenus</name>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>Umbenennen</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>Duplizieren</translation>
    </message>
    <message>
        <source>Mark as read</source>
        <translation>Als gelesen markieren</translation>
    </message>
    <message>
        <source>Mark as unread</source>
        <translation>Als ungelesen markieren</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>Neuer Ordner</translation>
    </message>
    <message>
        <source>Delete folder</source>
        <translation>Ordner löschen</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Wiederherstellen</translation>
    </message>
    <message>
        <source>Erase for good…</source>
        <translation>Endgültig löschen…</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>Nicht mehr anheften</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>Anheften</translation>
    </message>
    <message>
        <source>Unarchive</source>
        <translation>Aus dem Archiv holen</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>Archivieren</translation>
    </message>
    <message>
        <source>Move to folder</source>
        <translation>In Ordner verschieben</translation>
    </message>
    <message>
        <source>No folder</source>
        <translation>Kein Ordner</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>JSON…</source>
        <translation>JSON…</translation>
    </message>
    <message>
        <source>Markdown…</source>
        <translation>Markdown…</translation>
    </message>
</context>
<context>
    <name>ChatSettingsDialog</name>
    <message>
        <source>Chat settings</source>
        <translation>Chat-Einstellungen</translation>
    </message>
    <message>
        <source>Reset all</source>
        <translation>Alle zurücksetzen</translation>
    </message>
    <message>
        <source>Name of the persona</source>
        <translation>Name der Persona</translation>
    </message>
    <message>
        <source>Name, such as Proofreader</source>
        <translation>Name, etwa Korrektor</translation>
    </message>
    <message>
        <source>Save as persona</source>
        <translation>Als Persona speichern</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>They hold in this chat only, from the next answer on.</source>
        <translation>Sie gelten nur in diesem Chat, ab der nächsten Antwort.</translation>
    </message>
</context>
<context>
    <name>ChatTitles</name>
    <message>
        <source>Pinned</source>
        <translation>Angeheftet</translation>
    </message>
    <message>
        <source>Folders</source>
        <translation>Ordner</translation>
    </message>
    <message>
        <source>Chats</source>
        <translation>Chats</translation>
    </message>
    <message>
        <source>Older</source>
        <translation>Älter</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>Heute</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>Gestern</translation>
    </message>
    <message>
        <source>Previous 7 days</source>
        <translation>Letzte 7 Tage</translation>
    </message>
    <message>
        <source>Previous 30 days</source>
        <translation>Letzte 30 Tage</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
</context>
<context>
    <name>ChatView</name>
    <message>
        <source>Conversation</source>
        <translation>Unterhaltung</translation>
    </message>
    <message>
        <source>Jump to the newest message</source>
        <translation>Zur neuesten Nachricht springen</translation>
    </message>
</context>
<context>
    <name>Chats</name>
    <message>
        <source>Still answering</source>
        <translation>Noch bei der Antwort</translation>
    </message>
    <message>
        <source>The changed question was not sent: an answer is being written in this chat.</source>
        <translation>Die geänderte Frage wurde nicht gesendet: In diesem Chat wird gerade eine Antwort geschrieben.</translation>
    </message>
    <message>
        <source>Send it when the answer is there, or stop that.</source>
        <translation>Sende sie, wenn die Antwort da ist, oder halte diese an.</translation>
    </message>
</context>
<context>
    <name>ClosingDesk</name>
    <message>
        <source>Keep Tether open</source>
        <translation>Tether offen lassen</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Quit anyway?</source>
        <translation>Trotzdem beenden?</translation>
    </message>
    <message>
        <source>Restart anyway?</source>
        <translation>Trotzdem neu starten?</translation>
    </message>
    <message>
        <source>Restart now</source>
        <translation>Jetzt neu starten</translation>
    </message>
    <message>
        <source>Keep in tray</source>
        <translation>Im Infobereich behalten</translation>
    </message>
    <message>
        <source>Keep Tether in the tray?</source>
        <translation>Tether im Infobereich behalten?</translation>
    </message>
    <message>
        <source>It goes on answering there, and opens at once when you need it. Quit ends it.</source>
        <translation>Dort antwortet es weiter und öffnet sich sofort, wenn du es brauchst. „Beenden“ schließt es ganz.</translation>
    </message>
    <message>
        <source>Do this from now on</source>
        <translation>Ab jetzt immer so machen</translation>
    </message>
    <message numerus="yes">
        <source>%n answer(s) are still being written. They are kept as far as they came.</source>
        <translation>
            <numerusform>%n Antwort wird noch geschrieben. Sie bleibt erhalten, so weit sie gekommen ist.</numerusform>
            <numerusform>%n Antworten werden noch geschrieben. Sie bleiben erhalten, so weit sie gekommen sind.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) wait for their turn. They are kept, and not asked.</source>
        <translation>
            <numerusform>%n Frage wartet, bis sie an der Reihe ist. Sie bleibt erhalten, wird aber nicht gestellt.</numerusform>
            <numerusform>%n Fragen warten, bis sie an der Reihe sind. Sie bleiben erhalten, werden aber nicht gestellt.</numerusform>
        </translation>
    </message>
    <message>
        <source>A model is being added. What is downloaded is kept, and the rest is done next time.</source>
        <translation>Ein Modell wird gerade hinzugefügt. Was heruntergeladen ist, bleibt erhalten; der Rest folgt beim nächsten Mal.</translation>
    </message>
</context>
<context>
    <name>CodeLine</name>
    <message>
        <source>Copy {what}</source>
        <translation>Kopieren: {what}</translation>
    </message>
</context>
<context>
    <name>CodeTools</name>
    <message>
        <source>Copy code</source>
        <translation>Code kopieren</translation>
    </message>
    <message>
        <source>Save code…</source>
        <translation>Code speichern…</translation>
    </message>
    <message>
        <source>Wrap long lines</source>
        <translation>Lange Zeilen umbrechen</translation>
    </message>
</context>
<context>
    <name>Commands</name>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>New temporary chat</source>
        <translation>Neuer temporärer Chat</translation>
    </message>
    <message>
        <source>Search chats</source>
        <translation>Chats durchsuchen</translation>
    </message>
    <message>
        <source>Find in this chat</source>
        <translation>In diesem Chat suchen</translation>
    </message>
    <message>
        <source>Next chat</source>
        <translation>Nächster Chat</translation>
    </message>
    <message>
        <source>Previous chat</source>
        <translation>Voriger Chat</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>Modell wählen</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>Dateien anhängen</translation>
    </message>
    <message>
        <source>Go to the tool call that waits</source>
        <translation>Zum wartenden Werkzeugaufruf</translation>
    </message>
    <message>
        <source>Another answer</source>
        <translation>Andere Antwort</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>Letzte Antwort kopieren</translation>
    </message>
    <message>
        <source>Show or hide the sidebar</source>
        <translation>Seitenleiste ein- oder ausblenden</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>Tastenkürzel</translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation>Antwort anhalten</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
</context>
<context>
    <name>CompareDesk</name>
    <message>
        <source>As the settings say</source>
        <translation>Wie in den Einstellungen</translation>
    </message>
    <message>
        <source>Precisely (temperature 0.2)</source>
        <translation>Genau (Temperatur 0.2)</translation>
    </message>
    <message>
        <source>Freely (temperature 1.2)</source>
        <translation>Frei (Temperatur 1.2)</translation>
    </message>
    <message>
        <source>As {persona}</source>
        <translation>Als {persona}</translation>
    </message>
</context>
<context>
    <name>CompareTab</name>
    <message>
        <source>One question for both</source>
        <translation>Eine Frage für beide</translation>
    </message>
    <message>
        <source>Ask both</source>
        <translation>Beide fragen</translation>
    </message>
    <message>
        <source>Nothing of this is stored unless you keep an answer.</source>
        <translation>Davon wird nichts gespeichert, außer du behältst eine Antwort.</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Message {model}…</source>
        <translation>Nachricht an {model}…</translation>
    </message>
    <message>
        <source>Message…</source>
        <translation>Nachricht…</translation>
    </message>
    <message>
        <source>any tool</source>
        <translation>irgendein Werkzeug</translation>
    </message>
    <message>
        <source>A file is still being read. Send again in a moment.</source>
        <translation>Eine Datei wird noch gelesen. Sende gleich noch einmal.</translation>
    </message>
</context>
<context>
    <name>ComposerNotice</name>
    <message>
        <source>Dismiss</source>
        <translation>Ausblenden</translation>
    </message>
</context>
<context>
    <name>ComposerRow</name>
    <message>
        <source>Attach files</source>
        <translation>Dateien anhängen</translation>
    </message>
    <message>
        <source>Saved prompts (/)</source>
        <translation>Gespeicherte Vorlagen (/)</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Stopp</translation>
    </message>
    <message>
        <source>Stop ({keys})</source>
        <translation>Stopp ({keys})</translation>
    </message>
    <message>
        <source>Send ({keys})</source>
        <translation>Senden ({keys})</translation>
    </message>
    <message>
        <source>Send when the answer is done ({keys})</source>
        <translation>Senden, wenn die Antwort fertig ist ({keys})</translation>
    </message>
    <message>
        <source>What the model reads of this question</source>
        <translation>Was das Modell von dieser Frage liest</translation>
    </message>
    <message>
        <source>Of {window} tokens that this model keeps in mind</source>
        <translation>Von {window} Tokens, die sich dieses Modell merkt</translation>
    </message>
    <message>
        <source>More than the {window} tokens that this model keeps in mind: it cannot be answered as a whole</source>
        <translation>Mehr als die {window} Tokens, die sich dieses Modell merkt: Im Ganzen lässt es sich nicht beantworten</translation>
    </message>
</context>
<context>
    <name>ConfirmLine</name>
    <message>
        <source>Erase</source>
        <translation>Endgültig löschen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>DataDesk</name>
    <message>
        <source>Backing up…</source>
        <translation>Wird gesichert…</translation>
    </message>
    <message>
        <source>The backup was stopped; nothing of it is left.</source>
        <translation>Die Sicherung wurde angehalten; von ihr ist nichts übrig.</translation>
    </message>
    <message>
        <source>Backed up to {file}.</source>
        <translation>Gesichert in {file}.</translation>
    </message>
    <message>
        <source>Exporting…</source>
        <translation>Wird exportiert…</translation>
    </message>
    <message>
        <source>Exported all chats to {file}.</source>
        <translation>Alle Chats exportiert in {file}.</translation>
    </message>
    <message>
        <source>Importing from {file}…</source>
        <translation>Import aus {file}…</translation>
    </message>
    <message numerus="yes">
        <source>Erased %n chat(s).</source>
        <translation>
            <numerusform>%n Chat endgültig gelöscht.</numerusform>
            <numerusform>%n Chats endgültig gelöscht.</numerusform>
        </translation>
    </message>
    <message>
        <source>Erasing…</source>
        <translation>Wird endgültig gelöscht…</translation>
    </message>
    <message numerus="yes">
        <source>Imported %n chat(s).</source>
        <translation>
            <numerusform>%n Chat importiert.</numerusform>
            <numerusform>%n Chats importiert.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Skipped %n:</source>
        <translation>
            <numerusform>%n übersprungen:</numerusform>
            <numerusform>%n übersprungen:</numerusform>
        </translation>
    </message>
    <message>
        <source>Back up</source>
        <translation>Sichern</translation>
    </message>
    <message>
        <source>Export all chats</source>
        <translation>Alle Chats exportieren</translation>
    </message>
    <message>
        <source>Import chats</source>
        <translation>Chats importieren</translation>
    </message>
    <message>
        <source>Conversations (*.json *.zip)</source>
        <translation>Unterhaltungen (*.json *.zip)</translation>
    </message>
    <message>
        <source>Backing up… {percent} %</source>
        <translation>Wird gesichert… {percent} %</translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message>
        <source>Looking…</source>
        <translation>Wird nachgesehen…</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Back up…</source>
        <translation>Sichern…</translation>
    </message>
    <message>
        <source>Export all…</source>
        <translation>Alle exportieren…</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>Importieren…</translation>
    </message>
    <message>
        <source>Empty bin…</source>
        <translation>Papierkorb leeren…</translation>
    </message>
    <message>
        <source>Erase all chats…</source>
        <translation>Alle Chats endgültig löschen…</translation>
    </message>
    <message numerus="yes">
        <source>%n chat(s)</source>
        <translation>
            <numerusform>%n Chat</numerusform>
            <numerusform>%n Chats</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n in the bin</source>
        <translation>
            <numerusform>%n im Papierkorb</numerusform>
            <numerusform>%n im Papierkorb</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n message(s)</source>
        <translation>
            <numerusform>%n Nachricht</numerusform>
            <numerusform>%n Nachrichten</numerusform>
        </translation>
    </message>
    <message>
        <source>Chats</source>
        <translation>Chats</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Logs</source>
        <translation>Protokolle</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>Open the folder: {name}</source>
        <translation>Diesen Ordner öffnen: {name}</translation>
    </message>
    <message>
        <source>Copies</source>
        <translation>Kopien</translation>
    </message>
    <message>
        <source>A backup is the whole database. An export is a file that any program can read.</source>
        <translation>Eine Sicherung ist die ganze Datenbank. Ein Export ist eine Datei, die jedes Programm lesen kann.</translation>
    </message>
    <message>
        <source>Bin</source>
        <translation>Papierkorb</translation>
    </message>
    <message>
        <source>Other places</source>
        <translation>Andere Orte</translation>
    </message>
    <message>
        <source>Erase</source>
        <translation>Endgültig löschen</translation>
    </message>
    <message>
        <source>None: the program&apos;s own.</source>
        <translation>Keiner: nur der des Programms.</translation>
    </message>
    <message>
        <source>A folder that has models</source>
        <translation>Ein Ordner, der Modelle enthält</translation>
    </message>
    <message>
        <source>A file in the data folder</source>
        <translation>Eine Datei im Datenordner</translation>
    </message>
    <message numerus="yes">
        <source>Erase %n chat(s) in the bin for good?</source>
        <translation>
            <numerusform>%n Chat im Papierkorb endgültig löschen?</numerusform>
            <numerusform>%n Chats im Papierkorb endgültig löschen?</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>DemandChip</name>
    <message>
        <source>Do not demand a tool</source>
        <translation>Kein Werkzeug verlangen</translation>
    </message>
    <message>
        <source>Must use: {tool}</source>
        <translation>Muss benutzen: {tool}</translation>
    </message>
</context>
<context>
    <name>DraftDesk</name>
    <message>
        <source>What you type is kept only while Tether runs: {why}</source>
        <translation>Was du schreibst, bleibt nur erhalten, solange Tether läuft: {why}</translation>
    </message>
    <message>
        <source>The draft was not saved</source>
        <translation>Der Entwurf wurde nicht gespeichert</translation>
    </message>
</context>
<context>
    <name>EmptyChat</name>
    <message>
        <source>Explain in simple words why the sky is blue</source>
        <translation>Erkläre einfach, warum der Himmel blau ist</translation>
    </message>
    <message>
        <source>Write a short note to thank a colleague</source>
        <translation>Schreib jemandem ein kurzes Dankeschön</translation>
    </message>
    <message>
        <source>Show me how to count words in Python</source>
        <translation>Zeig mir, wie man in Python Wörter zählt</translation>
    </message>
    <message>
        <source>Give me five ideas for a rainy afternoon</source>
        <translation>Gib mir fünf Ideen für einen Regentag</translation>
    </message>
    <message>
        <source>What is on your mind?</source>
        <translation>Was beschäftigt dich?</translation>
    </message>
    <message>
        <source>This chat is never stored, and found by no search.</source>
        <translation>Dieser Chat wird nie gespeichert, und keine Suche findet ihn.</translation>
    </message>
    <message>
        <source>Everything stays on this computer.</source>
        <translation>Alles bleibt auf diesem Computer.</translation>
    </message>
</context>
<context>
    <name>EmptyHere</name>
    <message>
        <source>Add a model</source>
        <translation>Modell hinzufügen</translation>
    </message>
    <message>
        <source>No models yet</source>
        <translation>Noch keine Modelle</translation>
    </message>
    <message>
        <source>Choose one from the catalogue, or take a file that you have already.</source>
        <translation>Wähle eins aus dem Katalog, oder nimm eine Datei, die du schon hast.</translation>
    </message>
</context>
<context>
    <name>EraseCard</name>
    <message>
        <source>The word that confirms it</source>
        <translation>Das Wort, das es bestätigt</translation>
    </message>
    <message>
        <source>Erase for good</source>
        <translation>Endgültig löschen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>erase</source>
        <translation>löschen</translation>
    </message>
    <message numerus="yes">
        <source>This erases all %n chat(s), the bin and the archive too, with folders and drafts.</source>
        <translation>
            <numerusform>Das löscht %n Chat endgültig, auch Papierkorb und Archiv, samt Ordnern und Entwürfen.</numerusform>
            <numerusform>Das löscht alle %n Chats endgültig, auch Papierkorb und Archiv, samt Ordnern und Entwürfen.</numerusform>
        </translation>
    </message>
    <message>
        <source>It cannot be taken back; personas, saved prompts, settings and models stay.</source>
        <translation>Es lässt sich nicht zurücknehmen; Personas, gespeicherte Vorlagen, Einstellungen und Modelle bleiben.</translation>
    </message>
    <message>
        <source>Type “{word}” to confirm it.</source>
        <translation>Schreib „{word}“, um es zu bestätigen.</translation>
    </message>
</context>
<context>
    <name>ErrorCard</name>
    <message>
        <source>Kind</source>
        <translation>Art</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>Gerät</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>Programm</translation>
    </message>
    <message>
        <source>Log</source>
        <translation>Protokoll</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>Weiterschreiben</translation>
    </message>
    <message>
        <source>Restart now</source>
        <translation>Jetzt neu starten</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
    <message>
        <source>Open the folder of logs</source>
        <translation>Ordner mit den Protokollen öffnen</translation>
    </message>
    <message>
        <source>Copy what went wrong</source>
        <translation>Kopieren, was schiefging</translation>
    </message>
    <message>
        <source>The reply failed</source>
        <translation>Die Antwort ist fehlgeschlagen</translation>
    </message>
</context>
<context>
    <name>Errors</name>
    <message>
        <source>127.0.0.1 is this computer alone, 0.0.0.0 all of its addresses.</source>
        <translation>127.0.0.1 ist dieser Computer allein, 0.0.0.0 alle seine Adressen.</translation>
    </message>
    <message>
        <source>127.0.0.1 is this computer alone.</source>
        <translation>127.0.0.1 ist dieser Computer allein.</translation>
    </message>
    <message>
        <source>A call is demanded, but no tool is there to call.</source>
        <translation>Ein Aufruf wird verlangt, aber es gibt kein Werkzeug zum Aufrufen.</translation>
    </message>
    <message>
        <source>A model is being added already</source>
        <translation>Es wird schon ein Modell hinzugefügt</translation>
    </message>
    <message>
        <source>A number on the way has thousands of digits.</source>
        <translation>Eine Zahl auf dem Rechenweg hat Tausende von Stellen.</translation>
    </message>
    <message>
        <source>A setting cannot be used</source>
        <translation>Eine Einstellung ist nicht verwendbar</translation>
    </message>
    <message>
        <source>Add a working chat_template.jinja to the model&apos;s folder, or choose another model.</source>
        <translation>Leg eine funktionierende chat_template.jinja in den Ordner des Modells, oder wähle ein anderes Modell.</translation>
    </message>
    <message>
        <source>Add the model again.</source>
        <translation>Füge das Modell neu hinzu.</translation>
    </message>
    <message>
        <source>Add the starter model or another one.</source>
        <translation>Füge das Startmodell oder ein anderes hinzu.</translation>
    </message>
    <message>
        <source>After a ? it takes host, unix_sock, application_name, and sslmode: disable, prefer, require or verify-full.</source>
        <translation>Nach einem ? sind möglich: host, unix_sock, application_name und sslmode: disable, prefer, require oder verify-full.</translation>
    </message>
    <message>
        <source>All of them are switched off.</source>
        <translation>Alle sind ausgeschaltet.</translation>
    </message>
    <message>
        <source>Allow reading the file.</source>
        <translation>Erlaube, die Datei zu lesen.</translation>
    </message>
    <message>
        <source>Allow writing to the file and its folder, or choose another folder with TETHER_DATA_DIR.</source>
        <translation>Erlaube, in die Datei und ihren Ordner zu schreiben, oder wähle mit TETHER_DATA_DIR einen anderen Ordner.</translation>
    </message>
    <message>
        <source>Another turn</source>
        <translation>Ein anderer Durchgang</translation>
    </message>
    <message>
        <source>Another window or command is at it.</source>
        <translation>Ein anderes Fenster oder ein Befehl ist schon dabei.</translation>
    </message>
    <message>
        <source>Ask for a simpler form.</source>
        <translation>Verlange eine einfachere Form.</translation>
    </message>
    <message>
        <source>Ask for one of both, or choose another model.</source>
        <translation>Verlange nur eins von beiden, oder wähle ein anderes Modell.</translation>
    </message>
    <message>
        <source>Ask for one of both.</source>
        <translation>Verlange nur eins von beiden.</translation>
    </message>
    <message>
        <source>Ask in another way, choose another model, or allow more rounds of tools in the settings.</source>
        <translation>Frag auf andere Weise, wähle ein anderes Modell, oder erlaube in den Einstellungen mehr Werkzeugrunden.</translation>
    </message>
    <message>
        <source>Ask without it, or choose another model.</source>
        <translation>Frag ohne diese Vorgabe, oder wähle ein anderes Modell.</translation>
    </message>
    <message>
        <source>Beside tools, a format can only be a JSON schema.</source>
        <translation>Neben Werkzeugen kann ein Format nur ein JSON-Schema sein.</translation>
    </message>
    <message>
        <source>Change the settings of the reply.</source>
        <translation>Ändere die Einstellungen der Antwort.</translation>
    </message>
    <message>
        <source>Check HF_ENDPOINT.</source>
        <translation>Prüfe HF_ENDPOINT.</translation>
    </message>
    <message>
        <source>Check HTTPS_PROXY, or set NO_PROXY.</source>
        <translation>Prüfe HTTPS_PROXY, oder setze NO_PROXY.</translation>
    </message>
    <message>
        <source>Check HTTPS_PROXY.</source>
        <translation>Prüfe HTTPS_PROXY.</translation>
    </message>
    <message>
        <source>Check it.</source>
        <translation>Prüfe die Angabe.</translation>
    </message>
    <message>
        <source>Check that it is there and may be read.</source>
        <translation>Prüfe, ob sie vorhanden ist und gelesen werden darf.</translation>
    </message>
    <message>
        <source>Check that its server runs, and the host and port in MLC_SQLITE_URL.</source>
        <translation>Prüfe, ob der Server läuft, und ob Host und Port in MLC_SQLITE_URL stimmen.</translation>
    </message>
    <message>
        <source>Check that the disk has free space and is still connected; everything saved before is safe.</source>
        <translation>Prüfe, ob der Datenträger freien Platz hat und noch verbunden ist; alles vorher Gespeicherte ist sicher.</translation>
    </message>
    <message>
        <source>Check that the disk is not full, and try again.</source>
        <translation>Prüfe, ob der Datenträger voll ist, und versuche es noch einmal.</translation>
    </message>
    <message>
        <source>Check the address and its port.</source>
        <translation>Prüfe die Adresse und ihren Port.</translation>
    </message>
    <message>
        <source>Check the address, or download the file in the browser and add it.</source>
        <translation>Prüfe die Adresse, oder lade die Datei im Browser herunter und füge sie hinzu.</translation>
    </message>
    <message>
        <source>Check the address, or try again later.</source>
        <translation>Prüfe die Adresse, oder versuche es später noch einmal.</translation>
    </message>
    <message>
        <source>Check the address.</source>
        <translation>Prüfe die Adresse.</translation>
    </message>
    <message>
        <source>Check the internet connection, or the index and proxy that pip is set up for, then try again.</source>
        <translation>Prüfe die Internetverbindung oder den Index und Proxy, die für pip eingerichtet sind, und versuche es dann noch einmal.</translation>
    </message>
    <message>
        <source>Check the internet connection.</source>
        <translation>Prüfe die Internetverbindung.</translation>
    </message>
    <message>
        <source>Check the name and the network.</source>
        <translation>Prüfe den Namen und das Netzwerk.</translation>
    </message>
    <message>
        <source>Check the part after the @.</source>
        <translation>Prüfe den Teil nach dem @.</translation>
    </message>
    <message>
        <source>Check the spelling.</source>
        <translation>Prüfe die Schreibweise.</translation>
    </message>
    <message>
        <source>Choose a model or a server that calls tools.</source>
        <translation>Wähle ein Modell oder einen Server, der Werkzeuge aufruft.</translation>
    </message>
    <message>
        <source>A file in it has a name that is not safe to store: {1}.</source>
        <translation>Eine Datei darin hat einen Namen, der sich nicht sicher speichern lässt: {1}.</translation>
    </message>
    <message>
        <source>A token that begins or ends its texts is not among its {1}.</source>
        <translation>Ein Token, das seine Texte beginnt oder beendet, ist nicht unter seinen {1}.</translation>
    </message>
    <message>
        <source>Another Tether uses {1}.</source>
        <translation>Ein anderes Tether benutzt {1}.</translation>
    </message>
    <message>
        <source>Another program holds a part of {1} locked.</source>
        <translation>Ein anderes Programm hält einen Teil von {1} gesperrt.</translation>
    </message>
    <message>
        <source>Another program holds {1} locked.</source>
        <translation>Ein anderes Programm hält {1} gesperrt.</translation>
    </message>
    <message>
        <source>Another version was installed, or this one was removed. What you have written is stored.</source>
        <translation>Es wurde eine andere Version installiert oder diese entfernt. Was du geschrieben hast, ist gespeichert.</translation>
    </message>
    <message>
        <source>Another window or command asks just now.</source>
        <translation>Ein anderes Fenster oder ein Befehl fragt gerade.</translation>
    </message>
    <message>
        <source>Ask for less at once{1}, or {2}</source>
        <translation>Verlange weniger auf einmal{1}, oder {2}</translation>
    </message>
    <message>
        <source>Believe none of it for now. Look yourself: {1}</source>
        <translation>Glaub vorerst nichts davon. Sieh selbst nach: {1}</translation>
    </message>
    <message>
        <source>Check the address. {1}</source>
        <translation>Prüfe die Adresse. {1}</translation>
    </message>
    <message>
        <source>Check the internet connection, then try again.</source>
        <translation>Prüfe die Internetverbindung und versuche es noch einmal.</translation>
    </message>
    <message>
        <source>Choose a {1}.</source>
        <translation>Wähle eine {1}.</translation>
    </message>
    <message>
        <source>Choose another address or port.</source>
        <translation>Wähle eine andere Adresse oder einen anderen Port.</translation>
    </message>
    <message>
        <source>Choose another file with MLC_SQLITE_URL, or leave it empty for a file in the data folder.</source>
        <translation>Wähle mit MLC_SQLITE_URL eine andere Datei, oder lass es leer für eine Datei im Datenordner.</translation>
    </message>
    <message>
        <source>Choose another model folder in the settings.</source>
        <translation>Wähle in den Einstellungen einen anderen Modellordner.</translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation>Wähle ein anderes Modell.</translation>
    </message>
    <message>
        <source>Choose another name.</source>
        <translation>Wähle einen anderen Namen.</translation>
    </message>
    <message>
        <source>Choose in the settings who searches the web.</source>
        <translation>Wähle in den Einstellungen, wer im Web sucht.</translation>
    </message>
    <message>
        <source>Choose one of these.</source>
        <translation>Wähle eins davon.</translation>
    </message>
    <message>
        <source>Choose “always in this chat” when it asks.</source>
        <translation>Wähle „Immer in diesem Chat“, wenn es fragt.</translation>
    </message>
    <message>
        <source>Close Tether and open it again.</source>
        <translation>Schließe Tether und öffne es wieder.</translation>
    </message>
    <message>
        <source>Close other programs, choose a smaller model or a smaller context window.</source>
        <translation>Schließe andere Programme, oder wähle ein kleineres Modell oder ein kleineres Kontextfenster.</translation>
    </message>
    <message>
        <source>Close other programs.</source>
        <translation>Schließe andere Programme.</translation>
    </message>
    <message>
        <source>Close the other program (a database viewer, a backup, another Tether) and try again.</source>
        <translation>Schließe das andere Programm (eine Datenbankansicht, eine Sicherung, ein anderes Tether) und versuche es noch einmal.</translation>
    </message>
    <message>
        <source>Close what uses the model, then try again.</source>
        <translation>Schließe, was das Modell benutzt, und versuche es dann noch einmal.</translation>
    </message>
    <message>
        <source>Compile it for this computer.</source>
        <translation>Kompiliere es für diesen Computer.</translation>
    </message>
    <message>
        <source>Compile the model again.</source>
        <translation>Kompiliere das Modell neu.</translation>
    </message>
    <message>
        <source>Compile the model for this computer.</source>
        <translation>Kompiliere das Modell für diesen Computer.</translation>
    </message>
    <message>
        <source>Copy it once more from where you got it.</source>
        <translation>Kopiere ihn noch einmal von dort, wo du ihn bekommen hast.</translation>
    </message>
    <message>
        <source>Copy the address of the file itself, often the one behind a download button.</source>
        <translation>Kopiere die Adresse der Datei selbst; oft ist es die hinter einem Download-Knopf.</translation>
    </message>
    <message>
        <source>Correct HTTPS_PROXY or ALL_PROXY.</source>
        <translation>Korrigiere HTTPS_PROXY oder ALL_PROXY.</translation>
    </message>
    <message>
        <source>Correct it in mcp.json.</source>
        <translation>Korrigiere das in mcp.json.</translation>
    </message>
    <message>
        <source>Correct its models.</source>
        <translation>Korrigiere seine Modelle.</translation>
    </message>
    <message>
        <source>Correct the file, or remove it.</source>
        <translation>Korrigiere die Datei, oder entferne sie.</translation>
    </message>
    <message>
        <source>Correct the file, or remove the folder.</source>
        <translation>Korrigiere die Datei, oder entferne den Ordner.</translation>
    </message>
    <message>
        <source>Correct the schema, or ask without it.</source>
        <translation>Korrigiere das Schema, oder frag ohne es.</translation>
    </message>
    <message>
        <source>Correct the schema.</source>
        <translation>Korrigiere das Schema.</translation>
    </message>
    <message>
        <source>Do not use this model; tell whoever publishes it.</source>
        <translation>Benutze dieses Modell nicht; gib Bescheid, wo es veröffentlicht wird.</translation>
    </message>
    <message>
        <source>Download it again, or unpack it and import the conversations.json in it.</source>
        <translation>Lade sie neu herunter, oder entpacke sie und importiere die conversations.json darin.</translation>
    </message>
    <message>
        <source>Download it in the browser, then add the file.</source>
        <translation>Lade die Datei im Browser herunter und füge sie dann hinzu.</translation>
    </message>
    <message>
        <source>Download or copy the file again; it is not complete.</source>
        <translation>Lade oder kopiere die Datei neu; sie ist nicht vollständig.</translation>
    </message>
    <message>
        <source>Export fewer or shorter conversations at a time.</source>
        <translation>Exportiere weniger oder kürzere Unterhaltungen auf einmal.</translation>
    </message>
    <message>
        <source>Fetch or convert the model again.</source>
        <translation>Hole oder konvertiere das Modell neu.</translation>
    </message>
    <message>
        <source>Fetch the library for this device, or prepare the model for our engine.</source>
        <translation>Hole die Bibliothek für dieses Gerät, oder bereite das Modell für unsere Engine vor.</translation>
    </message>
    <message>
        <source>Fetch the model again.</source>
        <translation>Hole das Modell neu.</translation>
    </message>
    <message>
        <source>Free some disk space.</source>
        <translation>Gib etwas Speicherplatz frei.</translation>
    </message>
    <message>
        <source>Free some space and try again; everything saved before is safe.</source>
        <translation>Gib etwas Platz frei und versuche es noch einmal; alles vorher Gespeicherte ist sicher.</translation>
    </message>
    <message>
        <source>Free some space, or choose another model folder in the settings.</source>
        <translation>Gib etwas Platz frei, oder wähle in den Einstellungen einen anderen Modellordner.</translation>
    </message>
    <message>
        <source>Free some space, or make the data folder writable.</source>
        <translation>Gib etwas Platz frei, oder mach den Datenordner beschreibbar.</translation>
    </message>
    <message>
        <source>Free some space, then try again.</source>
        <translation>Gib etwas Platz frei, und versuche es dann noch einmal.</translation>
    </message>
    <message>
        <source>Give a GGUF file, a folder with weights, hf:org/name, an https address, or a name that `tether models offers` lists.</source>
        <translation>Gib eine GGUF-Datei, einen Ordner mit Gewichten, hf:org/name, eine https-Adresse oder einen Namen an, den `tether models offers` auflistet.</translation>
    </message>
    <message>
        <source>Give a number from {1} to {2}.</source>
        <translation>Gib eine Zahl von {1} bis {2} an.</translation>
    </message>
    <message>
        <source>Give another one with {1}.</source>
        <translation>Gib mit {1} einen anderen an.</translation>
    </message>
    <message>
        <source>Give it with {1}.</source>
        <translation>Gib ihn mit {1} an.</translation>
    </message>
    <message>
        <source>Install Tether anew.</source>
        <translation>Installiere Tether neu.</translation>
    </message>
    <message>
        <source>Install the package tether-desktop-compiler, or unpack its archive into {1}.</source>
        <translation>Installiere das Paket tether-desktop-compiler oder entpacke sein Archiv nach {1}.</translation>
    </message>
    <message>
        <source>Install {1}, or leave MLC_SQLITE_URL empty for a file in the data folder.</source>
        <translation>Installiere {1}, oder lass MLC_SQLITE_URL leer für eine Datei im Datenordner.</translation>
    </message>
    <message>
        <source>It goes when Tether is uninstalled; the edition without models takes less space.</source>
        <translation>Es verschwindet, wenn Tether deinstalliert wird; die Ausgabe ohne Modelle braucht weniger Platz.</translation>
    </message>
    <message>
        <source>It has {1} tokens; this model keeps {2} in mind.</source>
        <translation>Sie hat {1} Tokens; dieses Modell merkt sich {2}.</translation>
    </message>
    <message>
        <source>It has {1} tokens; {2} keeps {3} in mind, its reply included.</source>
        <translation>Sie hat {1} Tokens; {2} merkt sich {3}, die Antwort eingerechnet.</translation>
    </message>
    <message>
        <source>It has {1}.</source>
        <translation>Darin sind: {1}.</translation>
    </message>
    <message>
        <source>It is no text but {1}.</source>
        <translation>Es ist kein Text, sondern {1}.</translation>
    </message>
    <message>
        <source>It is open already, at {1}.</source>
        <translation>Er ist schon offen, unter {1}.</translation>
    </message>
    <message>
        <source>Its library cannot be written: {1}.</source>
        <translation>Seine Bibliothek lässt sich nicht schreiben: {1}.</translation>
    </message>
    <message>
        <source>Its library is made for {1}; this processor has {2}.</source>
        <translation>Seine Bibliothek ist für {1} gemacht; dieser Prozessor hat {2}.</translation>
    </message>
    <message>
        <source>Its library was not compiled on this computer: {1}, SHA-256 {2}.</source>
        <translation>Seine Bibliothek wurde nicht auf diesem Computer kompiliert: {1}, SHA-256 {2}.</translation>
    </message>
    <message>
        <source>Its scores for the next token are not numbers (the best is {1}).</source>
        <translation>Seine Bewertungen für das nächste Token sind keine Zahlen (die beste ist {1}).</translation>
    </message>
    <message>
        <source>Look for a newer one where you got this one.</source>
        <translation>Sieh dort nach einer neueren, wo du diese herhast.</translation>
    </message>
    <message>
        <source>Make the data folder writable, and make room on the disk.</source>
        <translation>Mach den Datenordner beschreibbar und schaffe Platz auf der Platte.</translation>
    </message>
    <message>
        <source>Message {1} is not a {2}.</source>
        <translation>Die Nachricht {1} ist keine {2}.</translation>
    </message>
    <message>
        <source>Neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can open.</source>
        <translation>Weder DISPLAY noch WAYLAND_DISPLAY ist gesetzt, also kann sich kein Fenster öffnen.</translation>
    </message>
    <message>
        <source>No MCP server is called {1}. {2}</source>
        <translation>Kein MCP-Server heißt {1}. {2}</translation>
    </message>
    <message>
        <source>No answer is being written in conversation {1}, nor was one just now.</source>
        <translation>In der Unterhaltung {1} wird keine Antwort geschrieben, und auch eben gerade wurde keine geschrieben.</translation>
    </message>
    <message>
        <source>No library for it came with Tether, and the compiler is not installed.{1}</source>
        <translation>Tether hat keine Bibliothek dafür mitgebracht, und der Compiler ist nicht installiert.{1}</translation>
    </message>
    <message>
        <source>No model is called {1}. {2}</source>
        <translation>Kein Modell heißt {1}. {2}</translation>
    </message>
    <message>
        <source>No place is called {1}.</source>
        <translation>Kein Ort heißt {1}.</translation>
    </message>
    <message>
        <source>No server is called {1}. {2}</source>
        <translation>Kein Server heißt {1}. {2}</translation>
    </message>
    <message>
        <source>No time zone is called {1}.</source>
        <translation>Keine Zeitzone heißt {1}.</translation>
    </message>
    <message>
        <source>Not a {1}</source>
        <translation>Keine {1}</translation>
    </message>
    <message>
        <source>Nothing answers at {1}.</source>
        <translation>Unter {1} antwortet nichts.</translation>
    </message>
    <message>
        <source>Other computers could reach {1}, and access from the network is off.</source>
        <translation>Andere Computer könnten {1} erreichen, und der Zugriff aus dem Netzwerk ist ausgeschaltet.</translation>
    </message>
    <message>
        <source>Settings are {1}.</source>
        <translation>Diese Einstellungen gibt es: {1}.</translation>
    </message>
    <message>
        <source>Shorten the message{1}, or {2}</source>
        <translation>Kürze die Nachricht{1}, oder {2}</translation>
    </message>
    <message>
        <source>Something unexpected happened in the engine of {1}. This is a fault of the program.</source>
        <translation>In der Engine von {1} ist etwas Unerwartetes passiert. Das ist ein Fehler des Programms.</translation>
    </message>
    <message>
        <source>Something unexpected happened while {1} was loaded. This is a fault of the program.</source>
        <translation>Beim Laden von {1} ist etwas Unerwartetes passiert. Das ist ein Fehler des Programms.</translation>
    </message>
    <message>
        <source>TVM&apos;s runtime ({1}) was not found.</source>
        <translation>Die Laufzeitbibliothek von TVM ({1}) wurde nicht gefunden.</translation>
    </message>
    <message>
        <source>The MCP server {1} gave no answer. {2}</source>
        <translation>Der MCP-Server {1} hat nicht geantwortet. {2}</translation>
    </message>
    <message>
        <source>The chat template of {1} does not work: {2}.</source>
        <translation>Die Chat-Vorlage von {1} funktioniert nicht: {2}.</translation>
    </message>
    <message>
        <source>The connection to {1} broke off.</source>
        <translation>Die Verbindung zu {1} ist abgebrochen.</translation>
    </message>
    <message>
        <source>The connection to {1} ended ({2}). What was being saved just then is not saved.</source>
        <translation>Die Verbindung zu {1} wurde beendet ({2}). Was gerade gespeichert werden sollte, ist nicht gespeichert.</translation>
    </message>
    <message>
        <source>The database server {1} does not answer ({2}).</source>
        <translation>Der Datenbankserver {1} antwortet nicht ({2}).</translation>
    </message>
    <message>
        <source>The database that MLC_SQLITE_URL names needs the Python package {1}, which is not installed.</source>
        <translation>Die Datenbank, die MLC_SQLITE_URL nennt, braucht das Python-Paket {1}, das nicht installiert ist.</translation>
    </message>
    <message>
        <source>The description of its decoder in mlc-chat-config.json cannot be used: {1}.</source>
        <translation>Die Beschreibung seines Decoders in mlc-chat-config.json ist nicht verwendbar: {1}.</translation>
    </message>
    <message>
        <source>The disk is full: {1}.</source>
        <translation>Der Datenträger ist voll: {1}.</translation>
    </message>
    <message>
        <source>The disk reports an error at {1}.</source>
        <translation>Der Datenträger meldet einen Fehler bei {1}.</translation>
    </message>
    <message>
        <source>The engine of {1} ended: {2}.</source>
        <translation>Die Engine von {1} hat sich beendet: {2}.</translation>
    </message>
    <message>
        <source>The file cannot be read ({1}).</source>
        <translation>Die Datei lässt sich nicht lesen ({1}).</translation>
    </message>
    <message>
        <source>The file has a conversation of more than {1} million characters. Nothing was imported.</source>
        <translation>Die Datei hat eine Unterhaltung mit mehr als {1} Millionen Zeichen. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The linker {1} failed: {2}</source>
        <translation>Der Linker {1} ist gescheitert: {2}</translation>
    </message>
    <message>
        <source>The models of {1} are not known yet.</source>
        <translation>Die Modelle von {1} sind noch nicht bekannt.</translation>
    </message>
    <message>
        <source>The name or the password for {1} is not the one that the server knows.</source>
        <translation>Der Name oder das Passwort für {1} stimmt nicht mit dem überein, was der Server kennt.</translation>
    </message>
    <message>
        <source>The prompt has {1} tokens; the context window has room for {2} with the reply.</source>
        <translation>Die Eingabe hat {1} Tokens; im Kontextfenster ist mit der Antwort Platz für {2}.</translation>
    </message>
    <message>
        <source>The proxy does not connect to {1}.</source>
        <translation>Der Proxy stellt keine Verbindung zu {1} her.</translation>
    </message>
    <message>
        <source>The server has no database for {1}.</source>
        <translation>Der Server hat keine Datenbank für {1}.</translation>
    </message>
    <message>
        <source>The special tokens of {1} are more, or longer, than any model needs.</source>
        <translation>Die Sondertokens von {1} sind mehr oder länger, als irgendein Modell sie braucht.</translation>
    </message>
    <message>
        <source>The tokenizer does not fit: {1}</source>
        <translation>Der Tokenizer passt nicht: {1}</translation>
    </message>
    <message>
        <source>There is no address {1}: {2}.</source>
        <translation>Es gibt keine Adresse {1}: {2}.</translation>
    </message>
    <message>
        <source>There is no conversation {1}.</source>
        <translation>Es gibt keine Unterhaltung {1}.</translation>
    </message>
    <message>
        <source>There is no message {1} in this conversation.</source>
        <translation>In dieser Unterhaltung gibt es keine Nachricht {1}.</translation>
    </message>
    <message>
        <source>There is no room left for {1}.</source>
        <translation>Für {1} ist kein Platz mehr.</translation>
    </message>
    <message>
        <source>There is no room left on the server of {1}.</source>
        <translation>Auf dem Server von {1} ist kein Platz mehr.</translation>
    </message>
    <message>
        <source>There is no {1} in the chosen folders.</source>
        <translation>In den gewählten Ordnern gibt es {1} nicht.</translation>
    </message>
    <message>
        <source>These are: {1}.</source>
        <translation>Das sind: {1}.</translation>
    </message>
    <message>
        <source>These can be: {1}.</source>
        <translation>Möglich sind: {1}.</translation>
    </message>
    <message>
        <source>Try --name {1}.</source>
        <translation>Versuche --name {1}.</translation>
    </message>
    <message>
        <source>With what this reply has called and been told so far {1}, and an answer needs at least {2} of them.</source>
        <translation>Mit dem, was diese Antwort bisher aufgerufen und erfahren hat: {1}; eine Antwort braucht davon mindestens {2}.</translation>
    </message>
    <message>
        <source>tokenizer.json: the decoder {1} is neither byte-level nor SentencePiece.</source>
        <translation>tokenizer.json: Der Decoder {1} ist weder byte-level noch SentencePiece.</translation>
    </message>
    <message>
        <source>{1} belongs to another program. Nothing was changed.</source>
        <translation>{1} gehört einem anderen Programm. Es wurde nichts geändert.</translation>
    </message>
    <message>
        <source>{1} called tools again and again and gave no answer.</source>
        <translation>{1} hat immer wieder Werkzeuge aufgerufen und keine Antwort gegeben.</translation>
    </message>
    <message>
        <source>{1} came with Tether and lies in its own folder.</source>
        <translation>{1} kam mit Tether und liegt in dessen eigenem Ordner.</translation>
    </message>
    <message>
        <source>{1} cannot be a model&apos;s name: it means something else, or not every file system takes it.</source>
        <translation>{1} kann kein Modellname sein: Es bedeutet etwas anderes, oder nicht jedes Dateisystem nimmt es an.</translation>
    </message>
    <message>
        <source>{1} cannot be connected to.</source>
        <translation>Zu {1} lässt sich keine Verbindung herstellen.</translation>
    </message>
    <message>
        <source>{1} cannot be followed: {2}.</source>
        <translation>{1} führt nicht ans Ziel: {2}.</translation>
    </message>
    <message>
        <source>{1} cannot be reached.</source>
        <translation>{1} ist nicht erreichbar.</translation>
    </message>
    <message>
        <source>{1} cannot be read: {2}.</source>
        <translation>{1} lässt sich nicht lesen: {2}.</translation>
    </message>
    <message>
        <source>{1} cannot be unloaded while it answers.</source>
        <translation>{1} lässt sich nicht entladen, solange es antwortet.</translation>
    </message>
    <message>
        <source>{1} cannot be written ({2}).</source>
        <translation>{1} lässt sich nicht schreiben ({2}).</translation>
    </message>
    <message>
        <source>{1} cannot be written: {2}.</source>
        <translation>{1} lässt sich nicht schreiben: {2}.</translation>
    </message>
    <message>
        <source>{1} cannot have a model without a printable name.</source>
        <translation>{1} kann kein Modell ohne druckbaren Namen haben.</translation>
    </message>
    <message>
        <source>{1} did not answer{2}.{3}</source>
        <translation>{1} hat nicht geantwortet{2}.{3}</translation>
    </message>
    <message>
        <source>{1} does not answer as a hub should.</source>
        <translation>{1} antwortet nicht, wie ein Hub es sollte.</translation>
    </message>
    <message>
        <source>{1} does not describe its positions.</source>
        <translation>{1} beschreibt die Positionen nicht.</translation>
    </message>
    <message>
        <source>{1} does not let this program write ({2}).</source>
        <translation>{1} lässt dieses Programm nicht schreiben ({2}).</translation>
    </message>
    <message>
        <source>{1} ends its replies after a word or two, which is too little to measure.</source>
        <translation>{1} beendet seine Antworten nach ein, zwei Wörtern; das ist zu wenig zum Messen.</translation>
    </message>
    <message>
        <source>{1} has no library that waits for it. {2}</source>
        <translation>{1} hat keine Bibliothek, die auf eine Erlaubnis wartet. {2}</translation>
    </message>
    <message>
        <source>{1} has no such file (HTTP {2}).</source>
        <translation>{1} hat keine solche Datei (HTTP {2}).</translation>
    </message>
    <message>
        <source>{1} has none that fits it.</source>
        <translation>Für {1} gibt es keine passende Bibliothek.</translation>
    </message>
    <message>
        <source>{1} has version {2}, which this Tether does not know. Nothing was changed.</source>
        <translation>{1} hat die Version {2}, die dieses Tether nicht kennt. Es wurde nichts geändert.</translation>
    </message>
    <message>
        <source>{1} holds no object.</source>
        <translation>{1} enthält kein Objekt.</translation>
    </message>
    <message>
        <source>{1} is a folder.</source>
        <translation>{1} ist ein Ordner.</translation>
    </message>
    <message>
        <source>{1} is damaged or is not a database.</source>
        <translation>{1} ist beschädigt oder keine Datenbank.</translation>
    </message>
    <message>
        <source>{1} is damaged.</source>
        <translation>{1} ist beschädigt.</translation>
    </message>
    <message>
        <source>{1} is damaged: {2}</source>
        <translation>{1} ist beschädigt: {2}</translation>
    </message>
    <message>
        <source>{1} is damaged: {2}.</source>
        <translation>{1} ist beschädigt: {2}.</translation>
    </message>
    <message>
        <source>{1} is made for {2}, which this processor does not have.</source>
        <translation>{1} ist für {2} gemacht; das hat dieser Prozessor nicht.</translation>
    </message>
    <message>
        <source>{1} is neither a file or folder that is there nor a model that we know.</source>
        <translation>{1} ist weder eine vorhandene Datei, noch ein vorhandener Ordner, noch ein Modell, das wir kennen.</translation>
    </message>
    <message>
        <source>{1} is no backup of Tether&apos;s.</source>
        <translation>{1} ist keine Sicherung von Tether.</translation>
    </message>
    <message>
        <source>{1} is no file that Tether could copy.</source>
        <translation>{1} ist keine Datei, die Tether kopieren könnte.</translation>
    </message>
    <message>
        <source>{1} is no file.</source>
        <translation>{1} ist keine Datei.</translation>
    </message>
    <message>
        <source>{1} is no folder.</source>
        <translation>{1} ist kein Ordner.</translation>
    </message>
    <message>
        <source>{1} is no number.</source>
        <translation>{1} ist keine Zahl.</translation>
    </message>
    <message>
        <source>{1} is no time of day.</source>
        <translation>{1} ist keine Uhrzeit.</translation>
    </message>
    <message>
        <source>{1} is not among the tools that were sent.</source>
        <translation>{1} ist nicht unter den Werkzeugen, die gesendet wurden.</translation>
    </message>
    <message>
        <source>{1} is not an address on the web.</source>
        <translation>{1} ist keine Adresse im Web.</translation>
    </message>
    <message>
        <source>{1} is not in the catalogue.</source>
        <translation>{1} ist nicht im Katalog.</translation>
    </message>
    <message>
        <source>{1} is not in {2}.</source>
        <translation>{1} ist nicht in {2}.</translation>
    </message>
    <message>
        <source>{1} is not the address of a server.</source>
        <translation>{1} ist nicht die Adresse eines Servers.</translation>
    </message>
    <message>
        <source>{1} is outside the folders that may be read.</source>
        <translation>{1} liegt außerhalb der Ordner, die gelesen werden dürfen.</translation>
    </message>
    <message>
        <source>{1} is the database itself.</source>
        <translation>{1} ist die Datenbank selbst.</translation>
    </message>
    <message>
        <source>{1} is the file that cannot be opened.</source>
        <translation>{1} ist die Datei, die sich nicht öffnen lässt.</translation>
    </message>
    <message>
        <source>{1} is there.</source>
        <translation>{1} ist schon vorhanden.</translation>
    </message>
    <message>
        <source>{1} is {2}, so it cannot be allowed for good.</source>
        <translation>{1} ist {2} und lässt sich deshalb nicht dauerhaft erlauben.</translation>
    </message>
    <message>
        <source>{1} leads in circles.</source>
        <translation>{1} leitet im Kreis weiter.</translation>
    </message>
    <message>
        <source>{1} names no model on the Hugging Face hub.</source>
        <translation>{1} bezeichnet kein Modell auf dem Hugging Face Hub.</translation>
    </message>
    <message>
        <source>{1} needs more memory than is free.</source>
        <translation>{1} braucht mehr Arbeitsspeicher, als frei ist.</translation>
    </message>
    <message>
        <source>{1} needs no library.</source>
        <translation>{1} braucht keine Bibliothek.</translation>
    </message>
    <message>
        <source>{1} needs {2} with a context window of {3} tokens; {4} can be had.</source>
        <translation>{1} braucht {2} mit einem Kontextfenster von {3} Tokens; {4} sind zu haben.</translation>
    </message>
    <message>
        <source>{1} of {2}: {3}.</source>
        <translation>{1} von {2}: {3}.</translation>
    </message>
    <message>
        <source>{1} other programs, or choose a smaller model.</source>
        <translation>{1} andere Programme, oder wähle ein kleineres Modell.</translation>
    </message>
    <message>
        <source>{1} refuses (HTTP {2}).</source>
        <translation>{1} lehnt ab (HTTP {2}).</translation>
    </message>
    <message>
        <source>{1} runs on a server that begins every reply anew.</source>
        <translation>{1} läuft auf einem Server, der jede Antwort von vorn beginnt.</translation>
    </message>
    <message>
        <source>{1} sends it packed in a way that was not asked for.</source>
        <translation>{1} sendet es auf eine Weise gepackt, die nicht verlangt war.</translation>
    </message>
    <message>
        <source>{1} sends on from one address to the next.</source>
        <translation>{1} leitet von einer Adresse zur nächsten weiter.</translation>
    </message>
    <message>
        <source>{1} sends on to what is no address.</source>
        <translation>{1} leitet an etwas weiter, das keine Adresse ist.</translation>
    </message>
    <message>
        <source>{1} stopped in the middle of its reply.</source>
        <translation>{1} hat mitten in der Antwort aufgehört.</translation>
    </message>
    <message>
        <source>{1} takes too long to answer.</source>
        <translation>{1} braucht zu lange, um zu antworten.</translation>
    </message>
    <message>
        <source>{1} tells nothing of releases (HTTP {2}).</source>
        <translation>{1} sagt nichts über Versionen (HTTP {2}).</translation>
    </message>
    <message>
        <source>{1} was exchanged while it was opened.</source>
        <translation>{1} wurde beim Öffnen ausgetauscht.</translation>
    </message>
    <message>
        <source>{1} was made by a newer Tether.</source>
        <translation>{1} stammt von einem neueren Tether.</translation>
    </message>
    <message>
        <source>{1} was not compiled by Tether.</source>
        <translation>{1} wurde nicht von Tether kompiliert.</translation>
    </message>
    <message>
        <source>{1} was not loaded.</source>
        <translation>{1} wurde nicht geladen.</translation>
    </message>
    <message>
        <source>{1} was unloaded.</source>
        <translation>{1} wurde entladen.</translation>
    </message>
    <message>
        <source>Give it like https://www.example.org/page.</source>
        <translation>Gib sie so an: https://www.example.org/page.</translation>
    </message>
    <message>
        <source>A name is missing</source>
        <translation>Ein Name fehlt</translation>
    </message>
    <message>
        <source>Add it again, if it is still wanted.</source>
        <translation>Füge es wieder hinzu, falls du es noch möchtest.</translation>
    </message>
    <message>
        <source>Ask for it to be made again.</source>
        <translation>Lass die Antwort neu erstellen.</translation>
    </message>
    <message>
        <source>Ask it something longer, and look at the speed beside the answer.</source>
        <translation>Frag es etwas Längeres, und sieh dir die Geschwindigkeit neben der Antwort an.</translation>
    </message>
    <message>
        <source>Ask it to go on in a message of your own, or have the reply made again.</source>
        <translation>Bitte es mit einer eigenen Nachricht, weiterzuschreiben, oder lass die Antwort neu erstellen.</translation>
    </message>
    <message>
        <source>Attach less of it, in several questions if need be{1}, or {2}</source>
        <translation>Häng weniger davon an, notfalls in mehreren Fragen{1}, oder {2}</translation>
    </message>
    <message>
        <source>Bringing {1} up to date was stopped. It is as it was.</source>
        <translation>{1} auf den neuen Stand zu bringen wurde abgebrochen. Die Datei ist, wie sie war.</translation>
    </message>
    <message>
        <source>Choose another file.</source>
        <translation>Wähle eine andere Datei.</translation>
    </message>
    <message>
        <source>Choose another one.</source>
        <translation>Wähle etwas anderes.</translation>
    </message>
    <message>
        <source>Choose one of at most {1}.</source>
        <translation>Wähle einen mit höchstens {1} Zeichen.</translation>
    </message>
    <message>
        <source>Close what uses it, then try again.</source>
        <translation>Schließe, was es benutzt, und versuche es dann noch einmal.</translation>
    </message>
    <message>
        <source>Give one of them.</source>
        <translation>Gib eins von beiden an.</translation>
    </message>
    <message>
        <source>Give the address alone, and the key with --key.</source>
        <translation>Gib nur die Adresse an, und den Schlüssel mit --key.</translation>
    </message>
    <message>
        <source>If you trust it, unpack it and import the conversations.json in it.</source>
        <translation>Wenn du ihr vertraust, entpacke sie und importiere die conversations.json darin.</translation>
    </message>
    <message>
        <source>Install Tether again, with apache-tvm.</source>
        <translation>Installiere Tether neu, mit apache-tvm.</translation>
    </message>
    <message>
        <source>Install the newest Tether and import it there.</source>
        <translation>Installiere das neueste Tether und importiere sie dort.</translation>
    </message>
    <message>
        <source>Install the newest Tether, or choose another folder with TETHER_DATA_DIR.</source>
        <translation>Installiere das neueste Tether, oder wähle mit TETHER_DATA_DIR einen anderen Ordner.</translation>
    </message>
    <message>
        <source>Install the newest Tether.</source>
        <translation>Installiere das neueste Tether.</translation>
    </message>
    <message>
        <source>It cannot go on there.</source>
        <translation>Dort kann sie nicht weitergehen.</translation>
    </message>
    <message>
        <source>It has been deleted meanwhile.</source>
        <translation>Inzwischen gelöscht.</translation>
    </message>
    <message>
        <source>It has no compiled library.</source>
        <translation>Es hat keine kompilierte Bibliothek.</translation>
    </message>
    <message>
        <source>It is a program: load it only if you trust where it comes from. Choosing the model in the window asks, and so does `tether models trust`.</source>
        <translation>Sie ist ein Programm: Lade sie nur, wenn du ihrer Herkunft vertraust. Wenn du das Modell im Fenster wählst, wirst du gefragt, und ebenso von `tether models trust`.</translation>
    </message>
    <message>
        <source>It may have been erased; choose another one from the list.</source>
        <translation>Sie wurde vielleicht endgültig gelöscht; wähle eine andere aus der Liste.</translation>
    </message>
    <message>
        <source>It may have been erased; open the conversation again.</source>
        <translation>Sie wurde vielleicht endgültig gelöscht; öffne die Unterhaltung neu.</translation>
    </message>
    <message>
        <source>It stays as it was.</source>
        <translation>Sie bleibt, wie sie war.</translation>
    </message>
    <message>
        <source>Its entry is no JSON object.</source>
        <translation>Sein Eintrag ist kein JSON-Objekt.</translation>
    </message>
    <message>
        <source>Its messages have all that was said.</source>
        <translation>In ihren Nachrichten steht alles, was gesagt wurde.</translation>
    </message>
    <message>
        <source>Its messages have what became of it.</source>
        <translation>Ihre Nachrichten zeigen, was daraus geworden ist.</translation>
    </message>
    <message>
        <source>Its processor has none of the instruction sets we compile for; the oldest is AVX2.</source>
        <translation>Sein Prozessor hat keinen der Befehlssätze, für die wir kompilieren; der älteste ist AVX2.</translation>
    </message>
    <message>
        <source>Its tensors have other names or shapes than the model&apos;s.</source>
        <translation>Ihre Tensoren haben andere Namen oder Formen als die des Modells.</translation>
    </message>
    <message>
        <source>Leave out --name and --bits.</source>
        <translation>Lass --name und --bits weg.</translation>
    </message>
    <message>
        <source>Leave something out, or choose a model with a larger context window.</source>
        <translation>Lass etwas weg, oder wähle ein Modell mit einem größeren Kontextfenster.</translation>
    </message>
    <message>
        <source>Let its administrator allow the user of MLC_SQLITE_URL to create and change tables.</source>
        <translation>Bitte die Serververwaltung, dem Konto aus MLC_SQLITE_URL das Anlegen und Ändern von Tabellen zu erlauben.</translation>
    </message>
    <message>
        <source>Let its administrator create it, or correct the name at the end of MLC_SQLITE_URL; the tables are made here.</source>
        <translation>Bitte die Serververwaltung, sie anzulegen, oder korrigiere den Namen am Ende von MLC_SQLITE_URL; die Tabellen werden hier angelegt.</translation>
    </message>
    <message>
        <source>Let its administrator free some; everything saved before is safe.</source>
        <translation>Bitte die Serververwaltung, Platz zu schaffen; alles vorher Gespeicherte ist sicher.</translation>
    </message>
    <message>
        <source>Loading was stopped</source>
        <translation>Das Laden wurde angehalten</translation>
    </message>
    <message>
        <source>Look at it again, then allow it.</source>
        <translation>Sieh sie dir noch einmal an, und erlaube sie dann.</translation>
    </message>
    <message>
        <source>Look at it again.</source>
        <translation>Sieh ihn dir noch einmal an.</translation>
    </message>
    <message>
        <source>Look at the speed beside its answers.</source>
        <translation>Sieh dir die Geschwindigkeit neben seinen Antworten an.</translation>
    </message>
    <message>
        <source>Look on the hub for the same model as GGUF.</source>
        <translation>Such auf dem Hub nach demselben Modell als GGUF.</translation>
    </message>
    <message>
        <source>MLC-LLM failed</source>
        <translation>MLC-LLM ist gescheitert</translation>
    </message>
    <message>
        <source>MLC-LLM is not installed</source>
        <translation>MLC-LLM ist nicht installiert</translation>
    </message>
    <message>
        <source>MLC_SQLITE_URL asks for something of the database server that is not known here.</source>
        <translation>MLC_SQLITE_URL verlangt vom Datenbankserver etwas, das hier nicht bekannt ist.</translation>
    </message>
    <message>
        <source>MLC_SQLITE_URL is not the address of a database.</source>
        <translation>MLC_SQLITE_URL ist nicht die Adresse einer Datenbank.</translation>
    </message>
    <message>
        <source>Make it writable, or choose another one with TETHER_DATA_DIR.</source>
        <translation>Mach ihn beschreibbar, oder wähle mit TETHER_DATA_DIR einen anderen.</translation>
    </message>
    <message>
        <source>Make room on the disk, and try again.</source>
        <translation>Schaff Platz auf dem Datenträger, und versuche es noch einmal.</translation>
    </message>
    <message>
        <source>May this library run?</source>
        <translation>Darf diese Bibliothek laufen?</translation>
    </message>
    <message>
        <source>Neither a text nor a pattern was given.</source>
        <translation>Es wurde weder ein Text noch ein Muster angegeben.</translation>
    </message>
    <message>
        <source>No answer</source>
        <translation>Keine Antwort</translation>
    </message>
    <message>
        <source>No model can be used</source>
        <translation>Kein Modell ist verwendbar</translation>
    </message>
    <message>
        <source>No model can be used any more.</source>
        <translation>Es ist kein Modell mehr verwendbar.</translation>
    </message>
    <message>
        <source>No model yet</source>
        <translation>Noch kein Modell</translation>
    </message>
    <message>
        <source>No time zone is that far from UTC.</source>
        <translation>Keine Zeitzone ist so weit von UTC entfernt.</translation>
    </message>
    <message>
        <source>No token may follow.</source>
        <translation>Es darf kein Token mehr folgen.</translation>
    </message>
    <message>
        <source>No tool was called</source>
        <translation>Kein Werkzeug wurde aufgerufen</translation>
    </message>
    <message>
        <source>Not known yet</source>
        <translation>Noch nicht bekannt</translation>
    </message>
    <message>
        <source>Nothing is being answered</source>
        <translation>Es wird nichts beantwortet</translation>
    </message>
    <message>
        <source>Nothing to search for</source>
        <translation>Nichts zu suchen</translation>
    </message>
    <message>
        <source>Nothing to send</source>
        <translation>Nichts zu senden</translation>
    </message>
    <message>
        <source>Nothing waits</source>
        <translation>Nichts wartet</translation>
    </message>
    <message>
        <source>Only addresses that begin with https:// can be fetched.</source>
        <translation>Nur Adressen, die mit https:// beginnen, lassen sich abrufen.</translation>
    </message>
    <message>
        <source>Only files can be read.</source>
        <translation>Nur Dateien lassen sich lesen.</translation>
    </message>
    <message>
        <source>Only pages and other texts can be fetched.</source>
        <translation>Nur Seiten und andere Texte lassen sich abrufen.</translation>
    </message>
    <message>
        <source>Only pages of the public internet can be fetched.</source>
        <translation>Nur Seiten des öffentlichen Internets lassen sich abrufen.</translation>
    </message>
    <message>
        <source>Only text files can be read.</source>
        <translation>Nur Textdateien lassen sich lesen.</translation>
    </message>
    <message>
        <source>Only the last reply can go on</source>
        <translation>Nur die letzte Antwort kann weitergeschrieben werden</translation>
    </message>
    <message>
        <source>Open-Meteo answers nothing that can be understood.</source>
        <translation>Open-Meteo antwortet nichts Verständliches.</translation>
    </message>
    <message>
        <source>Other messages come after this one.</source>
        <translation>Nach dieser kommen noch andere Nachrichten.</translation>
    </message>
    <message>
        <source>Put a copy of it in its place, or move the file elsewhere: a new one is made at the next start.</source>
        <translation>Leg eine Sicherungskopie an ihre Stelle, oder verschiebe die Datei: Beim nächsten Start wird eine neue angelegt.</translation>
    </message>
    <message>
        <source>Restore it first.</source>
        <translation>Stell sie zuerst wieder her.</translation>
    </message>
    <message>
        <source>Run `python -m ensurepip`.</source>
        <translation>Führe `python -m ensurepip` aus.</translation>
    </message>
    <message>
        <source>Send it as a message of a chat.</source>
        <translation>Sende den Text als Nachricht in einem Chat.</translation>
    </message>
    <message>
        <source>Send the file itself.</source>
        <translation>Sende die Datei selbst.</translation>
    </message>
    <message>
        <source>Send the message again to load it.</source>
        <translation>Sende die Nachricht noch einmal, um es zu laden.</translation>
    </message>
    <message>
        <source>Send the message again. If it happens again, the log has the details.</source>
        <translation>Sende die Nachricht noch einmal. Wenn es wieder passiert: Im Protokoll stehen die Einzelheiten.</translation>
    </message>
    <message>
        <source>Send the message again; the log has the details.</source>
        <translation>Sende die Nachricht noch einmal; im Protokoll stehen die Einzelheiten.</translation>
    </message>
    <message>
        <source>Send tools along.</source>
        <translation>Sende Werkzeuge mit.</translation>
    </message>
    <message>
        <source>Shorten the message or choose a model with a larger context window.</source>
        <translation>Kürze die Nachricht, oder wähle ein Modell mit einem größeren Kontextfenster.</translation>
    </message>
    <message>
        <source>Shorten the message, or set a larger context window.</source>
        <translation>Kürze die Nachricht, oder stell ein größeres Kontextfenster ein.</translation>
    </message>
    <message>
        <source>Shorten the message, or the conversation.</source>
        <translation>Kürze die Nachricht oder die Unterhaltung.</translation>
    </message>
    <message>
        <source>Start the program again; if it does not help, install it again.</source>
        <translation>Starte das Programm neu; wenn das nicht hilft, installiere es neu.</translation>
    </message>
    <message>
        <source>Still answering</source>
        <translation>Noch bei der Antwort</translation>
    </message>
    <message>
        <source>Stop the answer first.</source>
        <translation>Halte zuerst die Antwort an.</translation>
    </message>
    <message>
        <source>Switch some on in the settings.</source>
        <translation>Schalte in den Einstellungen welche ein.</translation>
    </message>
    <message>
        <source>Temporary chats end with it.</source>
        <translation>Temporäre Chats enden mit Tether.</translation>
    </message>
    <message>
        <source>Tether is already running</source>
        <translation>Tether läuft schon</translation>
    </message>
    <message>
        <source>Tether is closing</source>
        <translation>Tether wird geschlossen</translation>
    </message>
    <message>
        <source>Tether was replaced while it was open</source>
        <translation>Tether wurde ersetzt, während es offen war</translation>
    </message>
    <message>
        <source>That is no path.</source>
        <translation>Das ist kein Pfad.</translation>
    </message>
    <message>
        <source>That is outside the calendar.</source>
        <translation>Das liegt außerhalb des Kalenders.</translation>
    </message>
    <message>
        <source>The MCP server cannot be tried</source>
        <translation>Der MCP-Server lässt sich nicht ausprobieren</translation>
    </message>
    <message>
        <source>The MCP server cannot be used</source>
        <translation>Der MCP-Server ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The MCP server does not run</source>
        <translation>Der MCP-Server läuft nicht</translation>
    </message>
    <message>
        <source>The MCP server has changed</source>
        <translation>Der MCP-Server hat sich geändert</translation>
    </message>
    <message>
        <source>The MCP server has failed</source>
        <translation>Der MCP-Server ist gescheitert</translation>
    </message>
    <message>
        <source>The Python package index cannot be reached.</source>
        <translation>Der Python-Paketindex ist nicht erreichbar.</translation>
    </message>
    <message>
        <source>The SHA-256 to check is none: it has 64 hexadecimal digits.</source>
        <translation>Was geprüft werden soll, ist keine SHA-256: Eine solche hat 64 hexadezimale Ziffern.</translation>
    </message>
    <message>
        <source>The SearXNG server does not answer programs.</source>
        <translation>Der SearXNG-Server antwortet Programmen nicht.</translation>
    </message>
    <message>
        <source>The answer cannot be saved</source>
        <translation>Die Antwort lässt sich nicht speichern</translation>
    </message>
    <message>
        <source>The backup cannot be made</source>
        <translation>Die Sicherung lässt sich nicht erstellen</translation>
    </message>
    <message>
        <source>The backup cannot go there</source>
        <translation>Die Sicherung kann nicht dorthin</translation>
    </message>
    <message>
        <source>The body of the request is empty.</source>
        <translation>Der Inhalt der Anfrage ist leer.</translation>
    </message>
    <message>
        <source>The calculation has no result</source>
        <translation>Die Rechnung hat kein Ergebnis</translation>
    </message>
    <message>
        <source>The conversation is in the bin</source>
        <translation>Die Unterhaltung ist im Papierkorb</translation>
    </message>
    <message>
        <source>The conversation is not there</source>
        <translation>Die Unterhaltung ist nicht da</translation>
    </message>
    <message>
        <source>The conversation is too long</source>
        <translation>Die Unterhaltung ist zu lang</translation>
    </message>
    <message>
        <source>The conversation is too long for the server</source>
        <translation>Die Unterhaltung ist zu lang für den Server</translation>
    </message>
    <message>
        <source>The conversations are from a newer Tether</source>
        <translation>Die Unterhaltungen sind von einem neueren Tether</translation>
    </message>
    <message>
        <source>The conversations are in use</source>
        <translation>Die Unterhaltungen werden gerade benutzt</translation>
    </message>
    <message>
        <source>The conversations cannot be opened</source>
        <translation>Die Unterhaltungen lassen sich nicht öffnen</translation>
    </message>
    <message>
        <source>The data folder cannot be used</source>
        <translation>Der Datenordner ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The database is on a server</source>
        <translation>Die Datenbank ist auf einem Server</translation>
    </message>
    <message>
        <source>The database server cannot be reached</source>
        <translation>Der Datenbankserver ist nicht erreichbar</translation>
    </message>
    <message>
        <source>The database server has gone</source>
        <translation>Der Datenbankserver ist weg</translation>
    </message>
    <message>
        <source>The database server refuses the password</source>
        <translation>Der Datenbankserver weist das Passwort zurück</translation>
    </message>
    <message>
        <source>The demo cannot be added</source>
        <translation>Die Demo lässt sich nicht hinzufügen</translation>
    </message>
    <message>
        <source>The disk is full.</source>
        <translation>Der Datenträger ist voll.</translation>
    </message>
    <message>
        <source>The download cannot be removed</source>
        <translation>Der Download lässt sich nicht entfernen</translation>
    </message>
    <message>
        <source>The download cannot be used</source>
        <translation>Der Download ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The engine cannot be started</source>
        <translation>Die Engine lässt sich nicht starten</translation>
    </message>
    <message>
        <source>The engine failed</source>
        <translation>Die Engine ist gescheitert</translation>
    </message>
    <message>
        <source>The engine is not installed</source>
        <translation>Die Engine ist nicht installiert</translation>
    </message>
    <message>
        <source>The engine refused the request</source>
        <translation>Die Engine hat die Anfrage abgelehnt</translation>
    </message>
    <message>
        <source>The engine stopped</source>
        <translation>Die Engine hat sich beendet</translation>
    </message>
    <message>
        <source>The expression cannot be understood</source>
        <translation>Der Ausdruck ist nicht zu verstehen</translation>
    </message>
    <message>
        <source>The file cannot be read</source>
        <translation>Die Datei lässt sich nicht lesen</translation>
    </message>
    <message>
        <source>The file ends in the middle, or is empty. Nothing was imported.</source>
        <translation>Die Datei endet mittendrin oder ist leer. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The file holds no conversations of Tether or ChatGPT.</source>
        <translation>Die Datei enthält keine Unterhaltungen von Tether oder ChatGPT.</translation>
    </message>
    <message>
        <source>The file holds no text.</source>
        <translation>Die Datei enthält keinen Text.</translation>
    </message>
    <message>
        <source>The file is a damaged or encrypted zip file. Nothing was imported.</source>
        <translation>Die Datei ist eine beschädigte oder verschlüsselte Zip-Datei. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The file is nested too deeply. Nothing was imported.</source>
        <translation>Die Datei ist zu tief verschachtelt. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The file is not valid JSON. Nothing was imported.</source>
        <translation>Die Datei ist kein gültiges JSON. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The file was not allowed</source>
        <translation>Die Datei wurde nicht erlaubt</translation>
    </message>
    <message>
        <source>The file was written by a newer Tether. Nothing was imported.</source>
        <translation>Die Datei wurde von einem neueren Tether geschrieben. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The file would unpack to far more than its size allows. Nothing was imported.</source>
        <translation>Die Datei würde entpackt viel größer, als ihre Größe zulässt. Es wurde nichts importiert.</translation>
    </message>
    <message>
        <source>The files in {1} are damaged.</source>
        <translation>Die Dateien in {1} sind beschädigt.</translation>
    </message>
    <message>
        <source>The folder cannot be listed</source>
        <translation>Der Ordner lässt sich nicht auflisten</translation>
    </message>
    <message>
        <source>The folder is not there</source>
        <translation>Der Ordner ist nicht da</translation>
    </message>
    <message>
        <source>The hub&apos;s client is set to stay offline.</source>
        <translation>Der Client des Hubs ist so eingestellt, dass er offline bleibt.</translation>
    </message>
    <message>
        <source>The key cannot be used</source>
        <translation>Der Schlüssel ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The key is missing</source>
        <translation>Der Schlüssel fehlt</translation>
    </message>
    <message>
        <source>The library cannot be read</source>
        <translation>Die Bibliothek lässt sich nicht lesen</translation>
    </message>
    <message>
        <source>The library cannot be remembered</source>
        <translation>Die Erlaubnis für die Bibliothek lässt sich nicht speichern</translation>
    </message>
    <message>
        <source>The library cannot be used</source>
        <translation>Die Bibliothek ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The library does not fit the model</source>
        <translation>Die Bibliothek passt nicht zum Modell</translation>
    </message>
    <message>
        <source>The library does not fit this processor</source>
        <translation>Die Bibliothek passt nicht zu diesem Prozessor</translation>
    </message>
    <message>
        <source>The measured speed cannot be kept</source>
        <translation>Die gemessene Geschwindigkeit lässt sich nicht aufbewahren</translation>
    </message>
    <message>
        <source>The message is empty.</source>
        <translation>Die Nachricht ist leer.</translation>
    </message>
    <message>
        <source>The message is not there</source>
        <translation>Die Nachricht ist nicht da</translation>
    </message>
    <message>
        <source>The message is too long</source>
        <translation>Die Nachricht ist zu lang</translation>
    </message>
    <message>
        <source>The model cannot be called that</source>
        <translation>So kann das Modell nicht heißen</translation>
    </message>
    <message>
        <source>The model cannot be compiled</source>
        <translation>Das Modell lässt sich nicht kompilieren</translation>
    </message>
    <message>
        <source>The model cannot be downloaded</source>
        <translation>Das Modell lässt sich nicht herunterladen</translation>
    </message>
    <message>
        <source>The model cannot be loaded</source>
        <translation>Das Modell lässt sich nicht laden</translation>
    </message>
    <message>
        <source>The model cannot be packed</source>
        <translation>Das Modell lässt sich nicht packen</translation>
    </message>
    <message>
        <source>The model cannot be prepared</source>
        <translation>Das Modell lässt sich nicht vorbereiten</translation>
    </message>
    <message>
        <source>The model cannot be read</source>
        <translation>Das Modell lässt sich nicht lesen</translation>
    </message>
    <message>
        <source>The model cannot be removed</source>
        <translation>Das Modell lässt sich nicht entfernen</translation>
    </message>
    <message>
        <source>The model cannot be used</source>
        <translation>Das Modell ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The model cannot be written</source>
        <translation>Das Modell lässt sich nicht schreiben</translation>
    </message>
    <message>
        <source>The model cannot hold a conversation</source>
        <translation>Das Modell kann keine Unterhaltung führen</translation>
    </message>
    <message>
        <source>The model could not be compiled</source>
        <translation>Das Modell ließ sich nicht kompilieren</translation>
    </message>
    <message>
        <source>The model does not fit into memory</source>
        <translation>Das Modell passt nicht in den Arbeitsspeicher</translation>
    </message>
    <message>
        <source>The model failed</source>
        <translation>Das Modell ist gescheitert</translation>
    </message>
    <message>
        <source>The model file cannot be read</source>
        <translation>Die Modelldatei lässt sich nicht lesen</translation>
    </message>
    <message>
        <source>The model folder cannot be written</source>
        <translation>Der Modellordner ist nicht beschreibbar</translation>
    </message>
    <message>
        <source>The model is answering</source>
        <translation>Das Modell antwortet gerade</translation>
    </message>
    <message>
        <source>The model is gone</source>
        <translation>Das Modell ist nicht mehr da</translation>
    </message>
    <message>
        <source>The model is not loaded</source>
        <translation>Das Modell ist nicht geladen</translation>
    </message>
    <message>
        <source>The model is not prepared</source>
        <translation>Das Modell ist nicht vorbereitet</translation>
    </message>
    <message>
        <source>The model takes no plain text</source>
        <translation>Das Modell nimmt keinen reinen Text an</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer cannot be read</source>
        <translation>Der Tokenizer des Modells lässt sich nicht lesen</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer cannot be used</source>
        <translation>Der Tokenizer des Modells ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer does not fit</source>
        <translation>Der Tokenizer des Modells passt nicht</translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer is not known</source>
        <translation>Der Tokenizer des Modells ist nicht bekannt</translation>
    </message>
    <message>
        <source>The model&apos;s weights are damaged</source>
        <translation>Die Gewichte des Modells sind beschädigt</translation>
    </message>
    <message>
        <source>The name is empty.</source>
        <translation>Der Name ist leer.</translation>
    </message>
    <message>
        <source>The name is taken</source>
        <translation>Der Name ist vergeben</translation>
    </message>
    <message>
        <source>The name is too long</source>
        <translation>Der Name ist zu lang</translation>
    </message>
    <message>
        <source>The number is too large</source>
        <translation>Die Zahl ist zu groß</translation>
    </message>
    <message>
        <source>The page cannot be fetched</source>
        <translation>Die Seite lässt sich nicht abrufen</translation>
    </message>
    <message>
        <source>The persona is not there</source>
        <translation>Die Persona ist nicht da</translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation>Die Eingabe ist leer.</translation>
    </message>
    <message>
        <source>The prompt is not there</source>
        <translation>Die Vorlage ist nicht da</translation>
    </message>
    <message>
        <source>The reply broke off</source>
        <translation>Die Antwort ist abgebrochen</translation>
    </message>
    <message>
        <source>The reply cannot be held to that</source>
        <translation>Die Antwort lässt sich nicht an diese Vorgabe binden</translation>
    </message>
    <message>
        <source>The reply cannot go on</source>
        <translation>Die Antwort kann nicht weitergeschrieben werden</translation>
    </message>
    <message>
        <source>The reply is not what the schema asks for</source>
        <translation>Die Antwort ist nicht so, wie das Schema es verlangt</translation>
    </message>
    <message>
        <source>The reply was cut off</source>
        <translation>Die Antwort wurde abgeschnitten</translation>
    </message>
    <message>
        <source>The schema cannot be used</source>
        <translation>Das Schema ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The script cannot be played</source>
        <translation>Das Skript lässt sich nicht abspielen</translation>
    </message>
    <message>
        <source>The server broke off</source>
        <translation>Der Server hat abgebrochen</translation>
    </message>
    <message>
        <source>The server calls no tools</source>
        <translation>Der Server ruft keine Werkzeuge auf</translation>
    </message>
    <message>
        <source>The server cannot answer now</source>
        <translation>Der Server kann gerade nicht antworten</translation>
    </message>
    <message>
        <source>The server cannot be reached</source>
        <translation>Der Server ist nicht erreichbar</translation>
    </message>
    <message>
        <source>The server cannot be used</source>
        <translation>Der Server ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The server does not answer</source>
        <translation>Der Server antwortet nicht</translation>
    </message>
    <message>
        <source>The server does not have the model</source>
        <translation>Der Server hat das Modell nicht</translation>
    </message>
    <message>
        <source>The server does not take the key</source>
        <translation>Der Server nimmt den Schlüssel nicht an</translation>
    </message>
    <message>
        <source>The server ended the reply</source>
        <translation>Der Server hat die Antwort beendet</translation>
    </message>
    <message>
        <source>The server is not trusted</source>
        <translation>Dem Server wird nicht vertraut</translation>
    </message>
    <message>
        <source>The server is not understood</source>
        <translation>Der Server ist nicht zu verstehen</translation>
    </message>
    <message>
        <source>The server is somewhere else</source>
        <translation>Der Server ist woanders</translation>
    </message>
    <message>
        <source>The server wants a key</source>
        <translation>Der Server verlangt einen Schlüssel</translation>
    </message>
    <message>
        <source>The setting cannot be saved</source>
        <translation>Die Einstellung lässt sich nicht speichern</translation>
    </message>
    <message>
        <source>The setting cannot be used</source>
        <translation>Die Einstellung ist nicht verwendbar</translation>
    </message>
    <message>
        <source>The setting is not a conversation&apos;s</source>
        <translation>Die Einstellung gilt nicht für einzelne Unterhaltungen</translation>
    </message>
    <message>
        <source>The settings cannot be read</source>
        <translation>Die Einstellungen lassen sich nicht lesen</translation>
    </message>
    <message>
        <source>The settings cannot be saved</source>
        <translation>Die Einstellungen lassen sich nicht speichern</translation>
    </message>
    <message>
        <source>The speed cannot be measured</source>
        <translation>Die Geschwindigkeit lässt sich nicht messen</translation>
    </message>
    <message>
        <source>The starter is added as it is</source>
        <translation>Das Startmodell wird so hinzugefügt, wie es ist</translation>
    </message>
    <message>
        <source>The system library {1} is missing.</source>
        <translation>Die Systembibliothek {1} fehlt.</translation>
    </message>
    <message>
        <source>The time cannot be converted</source>
        <translation>Die Zeit lässt sich nicht umrechnen</translation>
    </message>
    <message>
        <source>The time cannot be understood</source>
        <translation>Die Zeit ist nicht zu verstehen</translation>
    </message>
    <message>
        <source>The tool cannot be called so</source>
        <translation>So lässt sich das Werkzeug nicht aufrufen</translation>
    </message>
    <message>
        <source>The tools cannot be changed</source>
        <translation>Die Werkzeuge lassen sich nicht ändern</translation>
    </message>
    <message>
        <source>The web cannot be searched</source>
        <translation>Das Web lässt sich nicht durchsuchen</translation>
    </message>
    <message>
        <source>The window cannot be opened</source>
        <translation>Das Fenster kann nicht geöffnet werden</translation>
    </message>
    <message>
        <source>There are no tools</source>
        <translation>Es gibt keine Werkzeuge</translation>
    </message>
    <message>
        <source>There is a model of that name already</source>
        <translation>Es gibt schon ein Modell mit diesem Namen</translation>
    </message>
    <message>
        <source>There is no compiled library for this model.</source>
        <translation>Für dieses Modell gibt es keine kompilierte Bibliothek.</translation>
    </message>
    <message>
        <source>There is no keyring for the key</source>
        <translation>Für den Schlüssel gibt es keinen Schlüsselbund</translation>
    </message>
    <message>
        <source>There is no library to load</source>
        <translation>Es gibt keine Bibliothek zum Laden</translation>
    </message>
    <message>
        <source>There is no model in the folder</source>
        <translation>In dem Ordner ist kein Modell</translation>
    </message>
    <message>
        <source>There is no model on this computer.</source>
        <translation>Auf diesem Computer gibt es kein Modell.</translation>
    </message>
    <message>
        <source>There is no room for an answer</source>
        <translation>Für eine Antwort ist kein Platz</translation>
    </message>
    <message>
        <source>There is no room for the conversations</source>
        <translation>Für die Unterhaltungen ist kein Platz</translation>
    </message>
    <message>
        <source>There is no screen</source>
        <translation>Es gibt keinen Bildschirm</translation>
    </message>
    <message>
        <source>There is no such MCP server</source>
        <translation>Diesen MCP-Server gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such conversation</source>
        <translation>Diese Unterhaltung gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such database</source>
        <translation>Diese Datenbank gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such file</source>
        <translation>Diese Datei gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such model</source>
        <translation>Dieses Modell gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such model to add</source>
        <translation>Ein solches Modell zum Hinzufügen gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such server</source>
        <translation>Diesen Server gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such setting</source>
        <translation>Diese Einstellung gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such time zone</source>
        <translation>Diese Zeitzone gibt es nicht</translation>
    </message>
    <message>
        <source>There is no such tool</source>
        <translation>Dieses Werkzeug gibt es nicht</translation>
    </message>
    <message>
        <source>There is not enough memory</source>
        <translation>Der Arbeitsspeicher reicht nicht</translation>
    </message>
    <message>
        <source>There is not enough memory.</source>
        <translation>Der Arbeitsspeicher reicht nicht.</translation>
    </message>
    <message>
        <source>There is not enough space for the model</source>
        <translation>Für das Modell ist nicht genug Platz</translation>
    </message>
    <message>
        <source>There is nothing to allow</source>
        <translation>Es gibt nichts zu erlauben</translation>
    </message>
    <message>
        <source>There is nothing to answer</source>
        <translation>Es gibt nichts zu beantworten</translation>
    </message>
    <message>
        <source>There is nothing to back up</source>
        <translation>Es gibt nichts zu sichern</translation>
    </message>
    <message>
        <source>There is nothing to compile</source>
        <translation>Es gibt nichts zu kompilieren</translation>
    </message>
    <message>
        <source>There is nothing to import</source>
        <translation>Es gibt nichts zu importieren</translation>
    </message>
    <message>
        <source>There is “{1}” already.</source>
        <translation>„{1}“ gibt es schon.</translation>
    </message>
    <message>
        <source>These conversations are kept nowhere.</source>
        <translation>Diese Unterhaltungen werden nirgends aufbewahrt.</translation>
    </message>
    <message>
        <source>This computer cannot run the model</source>
        <translation>Dieser Computer kann das Modell nicht ausführen</translation>
    </message>
    <message>
        <source>This conversation is still answering the last question.</source>
        <translation>Diese Unterhaltung beantwortet noch die letzte Frage.</translation>
    </message>
    <message>
        <source>This copy of Tether was built without an address that tells of releases.</source>
        <translation>Dieses Tether wurde ohne eine Adresse gebaut, die über neue Versionen Auskunft gibt.</translation>
    </message>
    <message>
        <source>This machine has no linker.</source>
        <translation>Dieser Computer hat keinen Linker.</translation>
    </message>
    <message>
        <source>This model needs the compiler</source>
        <translation>Dieses Modell braucht den Compiler</translation>
    </message>
    <message>
        <source>This tool has to ask</source>
        <translation>Dieses Werkzeug muss fragen</translation>
    </message>
    <message>
        <source>Tools and a reply format</source>
        <translation>Werkzeuge und ein Antwortformat</translation>
    </message>
    <message>
        <source>Try again in a moment.</source>
        <translation>Versuche es gleich noch einmal.</translation>
    </message>
    <message>
        <source>Try again in a moment; the server&apos;s administrator can see who holds it.</source>
        <translation>Versuche es gleich noch einmal; die Serververwaltung kann sehen, wer sie sperrt.</translation>
    </message>
    <message>
        <source>Try again later, or another page.</source>
        <translation>Versuche es später noch einmal, oder nimm eine andere Seite.</translation>
    </message>
    <message>
        <source>Try again later.</source>
        <translation>Versuche es später noch einmal.</translation>
    </message>
    <message>
        <source>Try again when the server runs; everything saved before is safe.</source>
        <translation>Versuche es noch einmal, wenn der Server läuft; alles vorher Gespeicherte ist sicher.</translation>
    </message>
    <message>
        <source>Try again, or ask in another way.</source>
        <translation>Versuche es noch einmal, oder frag auf andere Weise.</translation>
    </message>
    <message>
        <source>Try again, or ask who runs the server.</source>
        <translation>Versuche es noch einmal, oder frag die Leute, die den Server betreiben.</translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation>Versuche es noch einmal.</translation>
    </message>
    <message>
        <source>Try again. If it happens again, ask whoever runs your package index.</source>
        <translation>Versuche es noch einmal. Wenn es wieder passiert, frag die Leute, die deinen Paketindex betreiben.</translation>
    </message>
    <message>
        <source>Try again. If it happens again, do not use this model.</source>
        <translation>Versuche es noch einmal. Wenn es wieder passiert, benutze dieses Modell nicht.</translation>
    </message>
    <message>
        <source>Try again. If it happens again, look at the server.</source>
        <translation>Versuche es noch einmal. Wenn es wieder passiert, sieh beim Server nach.</translation>
    </message>
    <message>
        <source>Try again. If it happens again, the log has the details.</source>
        <translation>Versuche es noch einmal. Wenn es wieder passiert: Im Protokoll stehen die Einzelheiten.</translation>
    </message>
    <message>
        <source>Try again: it begins anew.</source>
        <translation>Versuche es noch einmal: Es beginnt von vorn.</translation>
    </message>
    <message>
        <source>Try again; if it happens again, verify the model&apos;s files.</source>
        <translation>Versuche es noch einmal; wenn es wieder passiert, prüfe die Dateien des Modells.</translation>
    </message>
    <message>
        <source>Try again; the log has the details.</source>
        <translation>Versuche es noch einmal; im Protokoll stehen die Einzelheiten.</translation>
    </message>
    <message>
        <source>Try another page.</source>
        <translation>Versuche es mit einer anderen Seite.</translation>
    </message>
    <message>
        <source>Unset HF_HUB_OFFLINE.</source>
        <translation>Entferne HF_HUB_OFFLINE aus der Umgebung.</translation>
    </message>
    <message>
        <source>Use 127.0.0.1, or allow it in the settings or with TETHER_LAN_ACCESS=on.</source>
        <translation>Benutze 127.0.0.1, oder erlaube es in den Einstellungen oder mit TETHER_LAN_ACCESS=on.</translation>
    </message>
    <message>
        <source>Use UTC-12 to UTC+14.</source>
        <translation>Benutze UTC-12 bis UTC+14.</translation>
    </message>
    <message>
        <source>Use a computer with an Intel or AMD processor from 2015 or later.</source>
        <translation>Benutze einen Computer mit einem Prozessor von Intel oder AMD von 2015 oder später.</translation>
    </message>
    <message>
        <source>Use a few words.</source>
        <translation>Benutze ein paar Wörter.</translation>
    </message>
    <message>
        <source>Use smaller numbers.</source>
        <translation>Benutze kleinere Zahlen.</translation>
    </message>
    <message>
        <source>Use that one or close it first; TETHER_DATA_DIR gives this one a folder of its own.</source>
        <translation>Benutze das andere, oder schließe es zuerst; TETHER_DATA_DIR gibt diesem hier einen eigenen Ordner.</translation>
    </message>
    <message>
        <source>Use the address that begins with https://.</source>
        <translation>Benutze die Adresse, die mit https:// beginnt.</translation>
    </message>
    <message>
        <source>Use up to 40 letters, digits, dots, hyphens and underscores.</source>
        <translation>Benutze bis zu 40 Buchstaben, Ziffern, Punkte, Bindestriche und Unterstriche.</translation>
    </message>
    <message>
        <source>Verify the model, or add it again.</source>
        <translation>Prüfe das Modell, oder füge es neu hinzu.</translation>
    </message>
    <message>
        <source>Wait for the reply, or stop it.</source>
        <translation>Warte auf die Antwort, oder halte sie an.</translation>
    </message>
    <message>
        <source>Wait until it is done.</source>
        <translation>Warte, bis es fertig ist.</translation>
    </message>
    <message>
        <source>What came is no text.</source>
        <translation>Was ankam, ist kein Text.</translation>
    </message>
    <message>
        <source>What came is not the file it should be: its SHA-256 differs.</source>
        <translation>Was ankam, ist nicht die richtige Datei: Ihre SHA-256 weicht ab.</translation>
    </message>
    <message>
        <source>What has come is kept. Ask again for the whole reply.</source>
        <translation>Was angekommen ist, bleibt erhalten. Frag noch einmal, um die ganze Antwort zu bekommen.</translation>
    </message>
    <message>
        <source>What was chosen is no file.</source>
        <translation>Was gewählt wurde, ist keine Datei.</translation>
    </message>
    <message>
        <source>What was decided about tools cannot be read</source>
        <translation>Was über Werkzeuge entschieden wurde, lässt sich nicht lesen</translation>
    </message>
    <message>
        <source>What {1} tells of releases does not fit together, or is older than before.</source>
        <translation>Was {1} über neue Versionen sagt, passt nicht zusammen oder ist älter als zuvor.</translation>
    </message>
    <message>
        <source>What {1} tells of releases has not been renewed for too long.</source>
        <translation>Was {1} über neue Versionen sagt, wurde zu lange nicht erneuert.</translation>
    </message>
    <message>
        <source>What {1} tells of releases is not signed by those who make Tether.</source>
        <translation>Was {1} über neue Versionen sagt, ist nicht von denen unterschrieben, die Tether machen.</translation>
    </message>
    <message>
        <source>Whoever looks after the server can back it up with pg_dump; exporting all conversations works here too.</source>
        <translation>Wer den Server betreut, kann sie mit pg_dump sichern; das Exportieren aller Unterhaltungen geht auch hier.</translation>
    </message>
    <message>
        <source>With its files and the system prompt{1} {2} {3}</source>
        <translation>Mit den Dateien und dem System-Prompt{1}: {2} {3}</translation>
    </message>
    <message>
        <source>With the system prompt{1} {2}</source>
        <translation>Mit dem System-Prompt{1}: {2}</translation>
    </message>
    <message>
        <source>Write a message first.</source>
        <translation>Schreib zuerst eine Nachricht.</translation>
    </message>
    <message>
        <source>Write both into MLC_SQLITE_URL as in postgresql://name:password@host/database, with %40 for @ and so on.</source>
        <translation>Schreib beides in MLC_SQLITE_URL, wie in postgresql://name:password@host/database, mit %40 für @ und so weiter.</translation>
    </message>
    <message>
        <source>Write it like sqlite:////home/me/tether.db, or leave it empty for a file in the data folder.</source>
        <translation>Schreib sie so: sqlite:////home/me/tether.db, oder lass sie leer für eine Datei im Datenordner.</translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation>Gib einen ein.</translation>
    </message>
    <message>
        <source>Write something first.</source>
        <translation>Schreib zuerst etwas.</translation>
    </message>
    <message>
        <source>`GET /approvals` shows what does.</source>
        <translation>`GET /approvals` zeigt, was wartet.</translation>
    </message>
    <message>
        <source>`GET /tools` shows what its arguments are.</source>
        <translation>`GET /tools` zeigt, welche Argumente es hat.</translation>
    </message>
    <message>
        <source>`GET /tools` shows what there is.</source>
        <translation>`GET /tools` zeigt, was es gibt.</translation>
    </message>
    <message>
        <source>`tether chat` talks in the terminal, and `tether serve` works without a screen.</source>
        <translation>`tether chat` redet im Terminal, und `tether serve` arbeitet ohne Bildschirm.</translation>
    </message>
    <message>
        <source>`tether sessions list` shows all ids.</source>
        <translation>`tether sessions list` zeigt alle IDs.</translation>
    </message>
    <message>
        <source>`tether tools list` shows them.</source>
        <translation>`tether tools list` zeigt sie.</translation>
    </message>
    <message>
        <source>pip, which fetches it, is not installed.</source>
        <translation>pip, das sie holt, ist nicht installiert.</translation>
    </message>
    <message>
        <source>{1} are needed, {2} are free in {3}.</source>
        <translation>Gebraucht werden {1}, frei sind {2} in {3}.</translation>
    </message>
</context>
<context>
    <name>FiguresPopover</name>
    <message>
        <source>What the answer took</source>
        <translation>Was die Antwort gebraucht hat</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Tokens written</source>
        <translation>Geschriebene Tokens</translation>
    </message>
    <message>
        <source>Prompt tokens</source>
        <translation>Tokens der Eingabe</translation>
    </message>
    <message>
        <source>Known already</source>
        <translation>Schon bekannt</translation>
    </message>
    <message>
        <source>Read anew</source>
        <translation>Neu gelesen</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>Geschwindigkeit</translation>
    </message>
    <message>
        <source>Time to the first token</source>
        <translation>Zeit bis zum ersten Token</translation>
    </message>
    <message>
        <source>Waited for the model</source>
        <translation>Auf das Modell gewartet</translation>
    </message>
    <message>
        <source>Reading the prompt</source>
        <translation>Eingabe lesen</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>Schreiben</translation>
    </message>
</context>
<context>
    <name>FileDrop</name>
    <message>
        <source>Drop files here to attach them</source>
        <translation>Dateien hier ablegen, um sie anzuhängen</translation>
    </message>
</context>
<context>
    <name>FileRow</name>
    <message>
        <source>Attached files</source>
        <translation>Angehängte Dateien</translation>
    </message>
    <message>
        <source>Reading…</source>
        <translation>Wird gelesen…</translation>
    </message>
    <message>
        <source>Changed since it was read</source>
        <translation>Geändert, seit sie gelesen wurde</translation>
    </message>
</context>
<context>
    <name>FileViewer</name>
    <message>
        <source>What the model reads of {name}</source>
        <translation>Was das Modell von {name} liest</translation>
    </message>
    <message>
        <source>Put into the message</source>
        <translation>In die Nachricht einsetzen</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>{facts} · the beginning is shown, the model gets all of it</source>
        <translation>{facts} · gezeigt wird der Anfang, das Modell bekommt alles</translation>
    </message>
</context>
<context>
    <name>FileWords</name>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n Token</numerusform>
            <numerusform>%n Tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FilesDesk</name>
    <message>
        <source>Import conversations</source>
        <translation>Unterhaltungen importieren</translation>
    </message>
    <message>
        <source>Conversations (*.json *.zip)</source>
        <translation>Unterhaltungen (*.json *.zip)</translation>
    </message>
    <message>
        <source>Export into a folder</source>
        <translation>In einen Ordner exportieren</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>Exportieren</translation>
    </message>
    <message>
        <source>Tether chats</source>
        <translation>Tether-Chats</translation>
    </message>
    <message>
        <source>Importing from {file}…</source>
        <translation>Import aus {file}…</translation>
    </message>
    <message>
        <source>Exporting to {file}…</source>
        <translation>Export in {file}…</translation>
    </message>
    <message numerus="yes">
        <source>Imported %n chat(s).</source>
        <translation>
            <numerusform>%n Chat importiert.</numerusform>
            <numerusform>%n Chats importiert.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>and %n more</source>
        <translation>
            <numerusform>und %n weiterer</numerusform>
            <numerusform>und %n weitere</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Skipped %n:</source>
        <translation>
            <numerusform>%n übersprungen:</numerusform>
            <numerusform>%n übersprungen:</numerusform>
        </translation>
    </message>
    <message>
        <source>Exported all chats to {file}.</source>
        <translation>Alle Chats exportiert in {file}.</translation>
    </message>
    <message numerus="yes">
        <source>Exported %n chat(s) to {file}.</source>
        <translation>
            <numerusform>%n Chat exportiert in {file}.</numerusform>
            <numerusform>%n Chats exportiert in {file}.</numerusform>
        </translation>
    </message>
    <message>
        <source>Exported {number} of {count}…</source>
        <translation>{number} von {count} exportiert…</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Find in this chat</source>
        <translation>In diesem Chat suchen</translation>
    </message>
    <message>
        <source>Previous place</source>
        <translation>Vorige Stelle</translation>
    </message>
    <message>
        <source>Next place</source>
        <translation>Nächste Stelle</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Not found</source>
        <translation>Nicht gefunden</translation>
    </message>
    <message>
        <source>{number} of {count}</source>
        <translation>{number} von {count}</translation>
    </message>
</context>
<context>
    <name>FitPill</name>
    <message>
        <source>fits</source>
        <translation>passt</translation>
    </message>
    <message>
        <source>may be slow</source>
        <translation>könnte langsam sein</translation>
    </message>
    <message>
        <source>will not fit</source>
        <translation>passt nicht</translation>
    </message>
    <message>
        <source>There is enough free memory for it.</source>
        <translation>Dafür ist genug Arbeitsspeicher frei.</translation>
    </message>
    <message>
        <source>It works, but the rest of the computer will feel it.</source>
        <translation>Es funktioniert, aber der Rest des Computers wird es spüren.</translation>
    </message>
    <message>
        <source>It needs more memory than is free.</source>
        <translation>Es braucht mehr Arbeitsspeicher, als frei ist.</translation>
    </message>
    <message>
        <source>Memory: {fit}</source>
        <translation>Arbeitsspeicher: {fit}</translation>
    </message>
</context>
<context>
    <name>FolderList</name>
    <message>
        <source>None: the file tools can read nothing.</source>
        <translation>Keiner: Die Datei-Werkzeuge können nichts lesen.</translation>
    </message>
    <message>
        <source>A folder that the file tools may read</source>
        <translation>Ein Ordner, den die Datei-Werkzeuge lesen dürfen</translation>
    </message>
    <message>
        <source>Add a folder…</source>
        <translation>Ordner hinzufügen…</translation>
    </message>
    <message>
        <source>Take off {folder}</source>
        <translation>{folder} wegnehmen</translation>
    </message>
</context>
<context>
    <name>FoldersDesk</name>
    <message>
        <source>Moved “{title}” to “{name}”.</source>
        <translation>„{title}“ nach „{name}“ verschoben.</translation>
    </message>
    <message>
        <source>Moved “{title}” out of its folder.</source>
        <translation>„{title}“ aus dem Ordner genommen.</translation>
    </message>
    <message numerus="yes">
        <source>Moved %n chat(s).</source>
        <translation>
            <numerusform>%n Chat verschoben.</numerusform>
            <numerusform>%n Chats verschoben.</numerusform>
        </translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>Neuer Ordner</translation>
    </message>
    <message>
        <source>Deleted the folder “{name}”; its chats stay.</source>
        <translation>Ordner „{name}“ gelöscht; seine Chats bleiben.</translation>
    </message>
</context>
<context>
    <name>FoundPage</name>
    <message>
        <source>Settings that were found</source>
        <translation>Gefundene Einstellungen</translation>
    </message>
    <message>
        <source>Found</source>
        <translation>Gefunden</translation>
    </message>
    <message>
        <source>No setting is called “{query}”.</source>
        <translation>Keine Einstellung heißt „{query}“.</translation>
    </message>
</context>
<context>
    <name>FoundRows</name>
    <message>
        <source>in the archive</source>
        <translation>im Archiv</translation>
    </message>
    <message>
        <source>Chats</source>
        <translation>Chats</translation>
    </message>
    <message>
        <source>Messages</source>
        <translation>Nachrichten</translation>
    </message>
    <message numerus="yes">
        <source>%n more chat(s)</source>
        <translation>
            <numerusform>%n weiterer Chat</numerusform>
            <numerusform>%n weitere Chats</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FoundView</name>
    <message>
        <source>Found</source>
        <translation>Gefunden</translation>
    </message>
</context>
<context>
    <name>GeneralPage</name>
    <message>
        <source>Among other programs</source>
        <translation>Neben anderen Programmen</translation>
    </message>
    <message>
        <source>Hold Ctrl, Alt or the Windows key with one other key.</source>
        <translation>Halte Ctrl, Alt oder die Windows-Taste zusammen mit einer anderen Taste.</translation>
    </message>
</context>
<context>
    <name>GlobalShortcut</name>
    <message>
        <source>{keys} is no shortcut: write one key with Ctrl, Alt or Meta, such as Ctrl+Alt+Space.</source>
        <translation>{keys} ist kein Tastenkürzel: Gib eine Taste zusammen mit Ctrl, Alt oder Meta an, etwa Ctrl+Alt+Space.</translation>
    </message>
    <message>
        <source>This desktop gives its keys to no program. Let it run “tether --quick” by a shortcut in its own settings.</source>
        <translation>Dieser Desktop gibt seine Tasten an kein Programm. Lass ihn „tether --quick“ mit einem Tastenkürzel aus seinen eigenen Einstellungen ausführen.</translation>
    </message>
    <message>
        <source>{keys} is taken by another program. Choose other keys.</source>
        <translation>{keys} ist von einem anderen Programm belegt. Wähle andere Tasten.</translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>up to {size}</source>
        <translation>bis zu {size}</translation>
    </message>
    <message>
        <source>{used} / {window} tokens</source>
        <translation>{used} / {window} Tokens</translation>
    </message>
    <message>
        <source>Show or hide the sidebar</source>
        <translation>Seitenleiste ein- oder ausblenden</translation>
    </message>
    <message>
        <source>Temporary chat</source>
        <translation>Temporärer Chat</translation>
    </message>
    <message>
        <source>More for this chat</source>
        <translation>Mehr für diesen Chat</translation>
    </message>
    <message>
        <source>Leave the temporary chat</source>
        <translation>Temporären Chat verlassen</translation>
    </message>
    <message>
        <source>New temporary chat</source>
        <translation>Neuer temporärer Chat</translation>
    </message>
    <message>
        <source>Memory of the model · how much of its context window this chat fills · speed of the newest answer</source>
        <translation>Arbeitsspeicher des Modells · wie viel seines Kontextfensters dieser Chat füllt · Geschwindigkeit der neuesten Antwort</translation>
    </message>
    <message>
        <source>Runs on {device}</source>
        <translation>Läuft auf {device}</translation>
    </message>
    <message>
        <source>The window is nearly full: soon the oldest messages will be left out, and you will be told.</source>
        <translation>Das Kontextfenster ist fast voll: Bald werden die ältesten Nachrichten ausgelassen, und du erfährst davon.</translation>
    </message>
</context>
<context>
    <name>HereTab</name>
    <message>
        <source>Search models</source>
        <translation>Modelle durchsuchen</translation>
    </message>
    <message>
        <source>No model is called that.</source>
        <translation>Kein Modell heißt so.</translation>
    </message>
</context>
<context>
    <name>InstallRow</name>
    <message>
        <source>{weights} of weights · {memory} of memory for {window} tokens</source>
        <translation>{weights} Gewichte · {memory} Arbeitsspeicher für {window} Tokens</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>Fortsetzen</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>OK</source>
        <translation>OK</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Pause</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Stop, and remove what was downloaded of {title}?</source>
        <translation>Anhalten und entfernen, was von {title} heruntergeladen wurde?</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Weitermachen</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Stop and remove</source>
        <translation>Anhalten und entfernen</translation>
    </message>
</context>
<context>
    <name>InstallView</name>
    <message>
        <source>Progress of adding the model</source>
        <translation>Fortschritt beim Hinzufügen des Modells</translation>
    </message>
    <message>
        <source>You are offline</source>
        <translation>Du bist offline</translation>
    </message>
    <message>
        <source>Connect to the internet, then try again: it goes on from where it stopped.</source>
        <translation>Verbinde dich mit dem Internet und versuche es dann noch einmal: Es geht dort weiter, wo es aufgehört hat.</translation>
    </message>
</context>
<context>
    <name>Installation</name>
    <message>
        <source>Downloading</source>
        <translation>Wird heruntergeladen</translation>
    </message>
    <message>
        <source>Looking at the model</source>
        <translation>Wird geprüft</translation>
    </message>
    <message>
        <source>Packing the weights</source>
        <translation>Wird gepackt</translation>
    </message>
    <message>
        <source>Compiling for this processor</source>
        <translation>Wird kompiliert</translation>
    </message>
    <message>
        <source>Finishing</source>
        <translation>Wird abgeschlossen</translation>
    </message>
    <message>
        <source>Waits until the one before it is done.</source>
        <translation>Wartet, bis das davor fertig ist.</translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation>Beginnt…</translation>
    </message>
    <message>
        <source>Step {number} of {count}: {stage}</source>
        <translation>Schritt {number} von {count}: {stage}</translation>
    </message>
    <message>
        <source>{title} was not prepared</source>
        <translation>{title} wurde nicht vorbereitet</translation>
    </message>
    <message>
        <source>{title} was not added</source>
        <translation>{title} wurde nicht hinzugefügt</translation>
    </message>
    <message>
        <source>{title} is ready</source>
        <translation>{title} ist bereit</translation>
    </message>
    <message>
        <source>{title}: paused</source>
        <translation>{title}: pausiert</translation>
    </message>
    <message>
        <source>{title}: waiting</source>
        <translation>{title}: wartet</translation>
    </message>
    <message>
        <source>starting</source>
        <translation>beginnt</translation>
    </message>
    <message>
        <source>Paused. {done} of {total} are here already.</source>
        <translation>Pausiert. {done} von {total} sind schon hier.</translation>
    </message>
    <message>
        <source>Paused. {done} are here already.</source>
        <translation>Pausiert. {done} sind schon hier.</translation>
    </message>
    <message>
        <source>Paused. {part} of it is here already.</source>
        <translation>Pausiert. {part} davon sind schon hier.</translation>
    </message>
    <message>
        <source>Not begun yet.</source>
        <translation>Noch nicht begonnen.</translation>
    </message>
    <message>
        <source>less than a minute left</source>
        <translation>noch weniger als eine Minute</translation>
    </message>
    <message numerus="yes">
        <source>about %n hour(s) left</source>
        <translation>
            <numerusform>noch etwa %n Stunde</numerusform>
            <numerusform>noch etwa %n Stunden</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>about %n minute(s) left</source>
        <translation>
            <numerusform>noch etwa %n Minute</numerusform>
            <numerusform>noch etwa %n Minuten</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>KeyEditor</name>
    <message>
        <source>Press keys…</source>
        <translation>Tasten drücken…</translation>
    </message>
    <message>
        <source>None</source>
        <translation>Keine</translation>
    </message>
</context>
<context>
    <name>LibraryDialog</name>
    <message>
        <source>Load this library?</source>
        <translation>Diese Bibliothek laden?</translation>
    </message>
    <message>
        <source>“{model}” comes with a library that was not compiled on this computer.</source>
        <translation>„{model}“ bringt eine Bibliothek mit, die nicht auf diesem Computer kompiliert wurde.</translation>
    </message>
    <message>
        <source>A model&apos;s library is a program, and can do whatever you can do on this computer. Load it only if you trust where it comes from. You are asked again if the file changes.</source>
        <translation>Die Bibliothek eines Modells ist ein Programm und kann alles tun, was du auf diesem Computer tun kannst. Lade sie nur, wenn du ihrer Herkunft vertraust. Wenn sich die Datei ändert, wirst du wieder gefragt.</translation>
    </message>
    <message>
        <source>SHA-256: {sha256}</source>
        <translation>SHA-256: {sha256}</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>Laden</translation>
    </message>
    <message>
        <source>Don&apos;t load</source>
        <translation>Nicht laden</translation>
    </message>
</context>
<context>
    <name>LinkDialog</name>
    <message>
        <source>Open this address?</source>
        <translation>Diese Adresse öffnen?</translation>
    </message>
    <message>
        <source>The model wrote this address. Open it outside Tether?</source>
        <translation>Das Modell hat diese Adresse geschrieben. Außerhalb von Tether öffnen?</translation>
    </message>
    <message>
        <source>It goes to {host}.</source>
        <translation>Sie führt zu {host}.</translation>
    </message>
    <message>
        <source>It goes to your mail program.</source>
        <translation>Sie führt zu deinem Mailprogramm.</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>Öffnen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>What stands before the @ is a name to sign in with, not where it goes.</source>
        <translation>Was vor dem @ steht, ist ein Name zum Anmelden, nicht das Ziel.</translation>
    </message>
    <message>
        <source>It has letters of other alphabets, which may look like those of a name you know.</source>
        <translation>Sie enthält Buchstaben anderer Alphabete, die aussehen können wie die eines Namens, den du kennst.</translation>
    </message>
    <message>
        <source>It goes to a number instead of a name.</source>
        <translation>Sie führt zu einer Nummer statt zu einem Namen.</translation>
    </message>
    <message>
        <source>The connection is not encrypted.</source>
        <translation>Die Verbindung ist nicht verschlüsselt.</translation>
    </message>
</context>
<context>
    <name>ListMenuButton</name>
    <message>
        <source>Order, folders and files</source>
        <translation>Reihenfolge, Ordner und Dateien</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>Neuer Ordner</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>Importieren…</translation>
    </message>
    <message>
        <source>Export all…</source>
        <translation>Alle exportieren…</translation>
    </message>
    <message>
        <source>Collapse all folders</source>
        <translation>Alle Ordner zuklappen</translation>
    </message>
    <message>
        <source>Expand all folders</source>
        <translation>Alle Ordner aufklappen</translation>
    </message>
    <message>
        <source>Sort by last activity</source>
        <translation>Nach letzter Aktivität sortieren</translation>
    </message>
    <message>
        <source>Sort by creation</source>
        <translation>Nach Erstellung sortieren</translation>
    </message>
    <message>
        <source>Sort by title</source>
        <translation>Nach Titel sortieren</translation>
    </message>
</context>
<context>
    <name>LogDialog</name>
    <message>
        <source>Log of {name}</source>
        <translation>Protokoll von {name}</translation>
    </message>
    <message>
        <source>Read again</source>
        <translation>Neu lesen</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Nothing was printed yet.</source>
        <translation>Noch wurde nichts ausgegeben.</translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Opening your conversations…</source>
        <translation>Deine Unterhaltungen werden geöffnet…</translation>
    </message>
    <message>
        <source>{model} cannot answer any more. {reason} {remedy}</source>
        <translation>{model} kann nicht mehr antworten. {reason} {remedy}</translation>
    </message>
    <message>
        <source>There is no model yet, so nothing can be answered. Start a new chat to add one.</source>
        <translation>Es gibt noch kein Modell, also kann nichts beantwortet werden. Beginne einen neuen Chat, um eins hinzuzufügen.</translation>
    </message>
</context>
<context>
    <name>MappingDetails</name>
    <message>
        <source>Weights</source>
        <translation>Gewichte</translation>
    </message>
    <message>
        <source>In the source</source>
        <translation>In der Quelle</translation>
    </message>
    <message>
        <source>Here</source>
        <translation>Hier</translation>
    </message>
    <message>
        <source>Difference</source>
        <translation>Unterschied</translation>
    </message>
    <message>
        <source>embedding</source>
        <translation>Embedding</translation>
    </message>
    <message>
        <source>query, key, value</source>
        <translation>query, key, value</translation>
    </message>
    <message>
        <source>attention output</source>
        <translation>Attention-Ausgabe</translation>
    </message>
    <message>
        <source>gate, up</source>
        <translation>gate, up</translation>
    </message>
    <message>
        <source>down</source>
        <translation>down</translation>
    </message>
    <message>
        <source>head</source>
        <translation>head</translation>
    </message>
    <message>
        <source>Its weights were packed before and are as they were.</source>
        <translation>Seine Gewichte waren schon gepackt und sind, wie sie waren.</translation>
    </message>
    <message>
        <source>All weights were taken over exactly.</source>
        <translation>Alle Gewichte wurden exakt übernommen.</translation>
    </message>
    <message>
        <source>Weights differ from those of the source by at most {error} (relative RMS).</source>
        <translation>Die Gewichte weichen von denen der Quelle um höchstens {error} ab (relativer RMS).</translation>
    </message>
    <message>
        <source>exact</source>
        <translation>exakt</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>Details</translation>
    </message>
    <message>
        <source>What became of the weights</source>
        <translation>Was aus den Gewichten wurde</translation>
    </message>
</context>
<context>
    <name>Markdown</name>
    <message>
        <source>Show all {count} lines</source>
        <translation>Alle {count} Zeilen zeigen</translation>
    </message>
    <message>
        <source>Show all {count} rows</source>
        <translation>Alle {count} Zeilen zeigen</translation>
    </message>
    <message>
        <source>… {count} more characters are not shown here. Show all of it</source>
        <translation>… {count} weitere Zeichen werden hier nicht gezeigt. Alles zeigen</translation>
    </message>
    <message>
        <source>Show all of it</source>
        <translation>Alles zeigen</translation>
    </message>
    <message>
        <source>image</source>
        <translation>Bild</translation>
    </message>
</context>
<context>
    <name>MarkdownBody</name>
    <message>
        <source>Text of the message</source>
        <translation>Text der Nachricht</translation>
    </message>
</context>
<context>
    <name>MessageEdit</name>
    <message>
        <source>Message</source>
        <translation>Nachricht</translation>
    </message>
</context>
<context>
    <name>MessageMenu</name>
    <message>
        <source>Copy what is selected</source>
        <translation>Auswahl kopieren</translation>
    </message>
    <message>
        <source>Copy as Markdown</source>
        <translation>Als Markdown kopieren</translation>
    </message>
    <message>
        <source>Copy as plain text</source>
        <translation>Als reinen Text kopieren</translation>
    </message>
    <message>
        <source>Copy tables as CSV</source>
        <translation>Tabellen als CSV kopieren</translation>
    </message>
    <message>
        <source>Branch from here</source>
        <translation>Von hier abzweigen</translation>
    </message>
    <message>
        <source>What the answer took</source>
        <translation>Was die Antwort gebraucht hat</translation>
    </message>
    <message>
        <source>Edit and send again</source>
        <translation>Bearbeiten und neu senden</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>Weiterschreiben</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>Andere Antwort</translation>
    </message>
    <message>
        <source>Answer again with</source>
        <translation>Andere Antwort mit</translation>
    </message>
</context>
<context>
    <name>MessageWidget</name>
    <message>
        <source>You said: {text}</source>
        <translation>Du hast gesagt: {text}</translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation>Assistent</translation>
    </message>
    <message>
        <source>{speaker} answered: {text}</source>
        <translation>{speaker} hat geantwortet: {text}</translation>
    </message>
    <message>
        <source>Copy message</source>
        <translation>Nachricht kopieren</translation>
    </message>
    <message>
        <source>More for this message</source>
        <translation>Mehr zu dieser Nachricht</translation>
    </message>
</context>
<context>
    <name>ModelCard</name>
    <message>
        <source>default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Use for new chats</source>
        <translation>Für neue Chats benutzen</translation>
    </message>
    <message>
        <source>Use {title} for new chats</source>
        <translation>{title} für neue Chats benutzen</translation>
    </message>
    <message>
        <source>Remove {title} from this computer? This frees {size}.</source>
        <translation>{title} von diesem Computer entfernen? Das gibt {size} frei.</translation>
    </message>
    <message>
        <source>Remove {title} and its compiled library from this computer? This frees {size}.</source>
        <translation>{title} und seine kompilierte Bibliothek von diesem Computer entfernen? Das gibt {size} frei.</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>More about {title}</source>
        <translation>Mehr zu {title}</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>Entladen</translation>
    </message>
    <message>
        <source>Allow its library…</source>
        <translation>Seine Bibliothek erlauben…</translation>
    </message>
    <message>
        <source>Prepare for this computer</source>
        <translation>Für diesen Computer vorbereiten</translation>
    </message>
    <message>
        <source>Download again</source>
        <translation>Neu herunterladen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>Laden</translation>
    </message>
    <message>
        <source>Comparing every file with its checksum…</source>
        <translation>Jede Datei wird mit ihrer Prüfsumme verglichen…</translation>
    </message>
    <message>
        <source>Removing…</source>
        <translation>Wird entfernt…</translation>
    </message>
    <message>
        <source>Waiting until the model is free…</source>
        <translation>Wartet, bis das Modell frei ist…</translation>
    </message>
    <message>
        <source>Loading it to measure how fast it answers…</source>
        <translation>Wird geladen, um zu messen, wie schnell es antwortet…</translation>
    </message>
    <message>
        <source>Measuring how fast it answers…</source>
        <translation>Misst, wie schnell es antwortet…</translation>
    </message>
    <message>
        <source>Answer with it</source>
        <translation>Damit antworten</translation>
    </message>
    <message>
        <source>Measure speed</source>
        <translation>Geschwindigkeit messen</translation>
    </message>
    <message>
        <source>Check its files</source>
        <translation>Seine Dateien prüfen</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation>Entfernen…</translation>
    </message>
</context>
<context>
    <name>ModelCare</name>
    <message>
        <source>Every file is complete and unchanged.</source>
        <translation>Alle Dateien sind vollständig und unverändert.</translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>No model</source>
        <translation>Kein Modell</translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation>Modell wählen</translation>
    </message>
    <message>
        <source>Model: none</source>
        <translation>Modell: keins</translation>
    </message>
    <message>
        <source>Model: {model}, {state}</source>
        <translation>Modell: {model}, {state}</translation>
    </message>
</context>
<context>
    <name>ModelPopup</name>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>Modelle durchsuchen</translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation>Es gibt noch kein Modell.</translation>
    </message>
    <message>
        <source>Add a model…</source>
        <translation>Modell hinzufügen…</translation>
    </message>
    <message>
        <source>Manage models…</source>
        <translation>Modelle verwalten…</translation>
    </message>
    <message>
        <source>No model is called that.</source>
        <translation>Kein Modell heißt so.</translation>
    </message>
</context>
<context>
    <name>ModelRow</name>
    <message>
        <source>{model}, {state}, chosen</source>
        <translation>{model}, {state}, gewählt</translation>
    </message>
    <message>
        <source>{model}, {state}</source>
        <translation>{model}, {state}</translation>
    </message>
    <message>
        <source>Load</source>
        <translation>Laden</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>Entladen</translation>
    </message>
    <message>
        <source>Retry</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Allow…</source>
        <translation>Erlauben…</translation>
    </message>
    <message>
        <source>Prepare</source>
        <translation>Vorbereiten</translation>
    </message>
</context>
<context>
    <name>ModelSourceForm</name>
    <message>
        <source>A file, a folder, a link or a name on Hugging Face (hf:org/name)</source>
        <translation>Eine Datei, ein Ordner, ein Link oder ein Name auf Hugging Face (hf:org/name)</translation>
    </message>
    <message>
        <source>Choose file…</source>
        <translation>Datei wählen…</translation>
    </message>
    <message>
        <source>Choose folder…</source>
        <translation>Ordner wählen…</translation>
    </message>
    <message>
        <source>Search the catalogue</source>
        <translation>Katalog durchsuchen</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>Hinzufügen</translation>
    </message>
    <message>
        <source>From the catalogue, by size</source>
        <translation>Aus dem Katalog, nach Größe</translation>
    </message>
    <message>
        <source>Models (*.gguf);;All files (*)</source>
        <translation>Modelle (*.gguf);;Alle Dateien (*)</translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation>Modelldatei wählen</translation>
    </message>
    <message>
        <source>Choose a folder of weights</source>
        <translation>Ordner mit Gewichten wählen</translation>
    </message>
</context>
<context>
    <name>ModelStatus</name>
    <message>
        <source>4-bit</source>
        <translation>4-Bit</translation>
    </message>
    <message>
        <source>5-bit</source>
        <translation>5-Bit</translation>
    </message>
    <message>
        <source>8-bit</source>
        <translation>8-Bit</translation>
    </message>
    <message>
        <source>4 to 8-bit</source>
        <translation>4- bis 8-Bit</translation>
    </message>
    <message>
        <source>{bits}-bit</source>
        <translation>{bits}-Bit</translation>
    </message>
    <message>
        <source>{quantization} weights</source>
        <translation>{quantization}-Gewichte</translation>
    </message>
    <message>
        <source>Its files are gone: the folder was deleted, or its drive was taken out.</source>
        <translation>Seine Dateien sind weg: Der Ordner wurde gelöscht, oder sein Laufwerk wurde entfernt.</translation>
    </message>
    <message>
        <source>Put them back to go on using it. What is still loaded can be unloaded.</source>
        <translation>Leg sie wieder zurück, um es weiter zu benutzen. Was noch geladen ist, lässt sich entladen.</translation>
    </message>
    <message>
        <source>Server {server}</source>
        <translation>Server {server}</translation>
    </message>
</context>
<context>
    <name>ModelWords</name>
    <message>
        <source>not loaded</source>
        <translation>nicht geladen</translation>
    </message>
    <message>
        <source>loading</source>
        <translation>lädt</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>answering</source>
        <translation>antwortet</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>gescheitert</translation>
    </message>
    <message>
        <source>files gone</source>
        <translation>Dateien weg</translation>
    </message>
    <message>
        <source>asks first</source>
        <translation>fragt zuerst</translation>
    </message>
    <message>
        <source>not prepared</source>
        <translation>nicht vorbereitet</translation>
    </message>
    <message>
        <source>not usable</source>
        <translation>nicht verwendbar</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} Tokens</translation>
    </message>
    <message>
        <source>{count} tokens of context</source>
        <translation>{count} Tokens Kontext</translation>
    </message>
    <message>
        <source>on the server {server}</source>
        <translation>auf dem Server {server}</translation>
    </message>
    <message>
        <source>up to {size} in memory</source>
        <translation>bis zu {size} im Arbeitsspeicher</translation>
    </message>
    <message>
        <source>answering now</source>
        <translation>antwortet gerade</translation>
    </message>
    <message>
        <source>unused since {since}, stays loaded</source>
        <translation>unbenutzt seit {since}, bleibt geladen</translation>
    </message>
    <message>
        <source>unused since {since}, unloads at {until}</source>
        <translation>unbenutzt seit {since}, wird um {until} entladen</translation>
    </message>
    <message>
        <source>{size} on disk</source>
        <translation>{size} auf dem Datenträger</translation>
    </message>
</context>
<context>
    <name>ModelsDesk</name>
    <message>
        <source>The starter model</source>
        <translation>Das Startmodell</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models</source>
        <translation>Modelle</translation>
    </message>
    <message>
        <source>Back to the chat</source>
        <translation>Zurück zum Chat</translation>
    </message>
    <message>
        <source>Sections of the models page</source>
        <translation>Abschnitte der Modellseite</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>Auf diesem Computer</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>Hinzufügen</translation>
    </message>
    <message>
        <source>Compare</source>
        <translation>Vergleichen</translation>
    </message>
    <message>
        <source>Speed</source>
        <translation>Geschwindigkeit</translation>
    </message>
</context>
<context>
    <name>NoticePage</name>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Restore a backup…</source>
        <translation>Sicherung zurückholen…</translation>
    </message>
    <message>
        <source>Begin with no chats</source>
        <translation>Ohne Chats beginnen</translation>
    </message>
    <message>
        <source>Open the folder</source>
        <translation>Ordner öffnen</translation>
    </message>
</context>
<context>
    <name>Notifier</name>
    <message>
        <source>Tether</source>
        <translation>Tether</translation>
    </message>
    <message>
        <source>The answer is done.</source>
        <translation>Die Antwort ist fertig.</translation>
    </message>
    <message>
        <source>A tool waits for your approval.</source>
        <translation>Ein Werkzeug wartet auf deine Zustimmung.</translation>
    </message>
</context>
<context>
    <name>Numbers</name>
    <message>
        <source>{rate} tok/s</source>
        <translation>{rate} Tok/s</translation>
    </message>
    <message>
        <source>{milliseconds} ms</source>
        <translation>{milliseconds} ms</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} s</translation>
    </message>
    <message>
        <source>{minutes} min {seconds} s</source>
        <translation>{minutes} min {seconds} s</translation>
    </message>
</context>
<context>
    <name>OfferList</name>
    <message>
        <source>{size} to download · {memory} of memory · {licence}</source>
        <translation>{size} Download · {memory} Arbeitsspeicher · {licence}</translation>
    </message>
    <message>
        <source>{name} terms</source>
        <translation>Bedingungen von {name}</translation>
    </message>
    <message>
        <source>Models to choose from</source>
        <translation>Modelle zur Auswahl</translation>
    </message>
</context>
<context>
    <name>OpeningDesk</name>
    <message>
        <source>One moment…</source>
        <translation>Einen Moment…</translation>
    </message>
    <message>
        <source>The backup is restored.</source>
        <translation>Die Sicherung ist zurückgeholt.</translation>
    </message>
    <message>
        <source>Tether begins with no chats.</source>
        <translation>Tether beginnt ohne Chats.</translation>
    </message>
    <message>
        <source>The file that could not be opened is kept as {name}.</source>
        <translation>Die Datei, die sich nicht öffnen ließ, bleibt als {name} erhalten.</translation>
    </message>
    <message>
        <source>Restore a backup</source>
        <translation>Sicherung zurückholen</translation>
    </message>
    <message>
        <source>Trying…</source>
        <translation>Wird versucht…</translation>
    </message>
</context>
<context>
    <name>OpeningPage</name>
    <message>
        <source>Getting your chats ready…</source>
        <translation>Deine Chats werden vorbereitet…</translation>
    </message>
    <message>
        <source>This takes longer than usual. There is nothing for you to do.</source>
        <translation>Das dauert länger als sonst. Du musst nichts tun.</translation>
    </message>
    <message>
        <source>They are from an older Tether and are brought up to date once. With very many chats that can take some minutes. A copy of the file as it was is kept beside it.</source>
        <translation>Sie stammen von einem älteren Tether und werden einmal auf den neuen Stand gebracht. Bei sehr vielen Chats kann das einige Minuten dauern. Eine Kopie der Datei, wie sie war, bleibt daneben liegen.</translation>
    </message>
</context>
<context>
    <name>OverrideField</name>
    <message>
        <source>This has to be {allowed}.</source>
        <translation>Das muss {allowed} sein.</translation>
    </message>
    <message>
        <source>Take the value of the settings: {value}</source>
        <translation>Wert der Einstellungen übernehmen: {value}</translation>
    </message>
    <message>
        <source>{title}: as in the settings</source>
        <translation>{title}: wie in den Einstellungen</translation>
    </message>
</context>
<context>
    <name>OwnFileRow</name>
    <message>
        <source>allowed</source>
        <translation>erlaubt</translation>
    </message>
    <message>
        <source>not allowed yet</source>
        <translation>noch nicht erlaubt</translation>
    </message>
    <message>
        <source>changed since you allowed it</source>
        <translation>geändert, seit du sie erlaubt hast</translation>
    </message>
    <message>
        <source>broken</source>
        <translation>defekt</translation>
    </message>
    <message>
        <source>It is a program, and can do whatever you can do on this computer. Allow it only if you know what is in it.</source>
        <translation>Sie ist ein Programm und kann alles tun, was du auf diesem Computer tun kannst. Erlaube sie nur, wenn du weißt, was darin steht.</translation>
    </message>
    <message>
        <source>Allow this file</source>
        <translation>Diese Datei erlauben</translation>
    </message>
    <message>
        <source>Do not allow any more</source>
        <translation>Nicht mehr erlauben</translation>
    </message>
    <message>
        <source>Allow {name}</source>
        <translation>{name} erlauben</translation>
    </message>
    <message>
        <source>Do not allow {name} any more</source>
        <translation>{name} nicht mehr erlauben</translation>
    </message>
</context>
<context>
    <name>PageList</name>
    <message>
        <source>Pages of the settings</source>
        <translation>Seiten der Einstellungen</translation>
    </message>
</context>
<context>
    <name>PersonaButton</name>
    <message>
        <source>Custom</source>
        <translation>Eigene Werte</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Persona: {name}</source>
        <translation>Persona: {name}</translation>
    </message>
</context>
<context>
    <name>PersonaCard</name>
    <message>
        <source>Edit</source>
        <translation>Bearbeiten</translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation>Duplizieren</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Persona {name}</source>
        <translation>Persona {name}</translation>
    </message>
    <message>
        <source>Really delete</source>
        <translation>Wirklich löschen</translation>
    </message>
    <message>
        <source>As the settings say</source>
        <translation>Wie in den Einstellungen</translation>
    </message>
    <message numerus="yes">
        <source>%n value(s) of its own</source>
        <translation>
            <numerusform>%n eigener Wert</numerusform>
            <numerusform>%n eigene Werte</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PersonaDesk</name>
    <message>
        <source>Default</source>
        <translation>Standard</translation>
    </message>
    <message>
        <source>Chat settings…</source>
        <translation>Chat-Einstellungen…</translation>
    </message>
    <message>
        <source>Edit personas…</source>
        <translation>Personas bearbeiten…</translation>
    </message>
    <message>
        <source>Saved as the persona “{name}”.</source>
        <translation>Als Persona „{name}“ gespeichert.</translation>
    </message>
</context>
<context>
    <name>PersonaForm</name>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Proofreader</source>
        <translation>Korrektor</translation>
    </message>
    <message>
        <source>The chat&apos;s own</source>
        <translation>Das des Chats</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>PersonasPage</name>
    <message>
        <source>There are none yet.</source>
        <translation>Es gibt noch keine.</translation>
    </message>
    <message>
        <source>Add a persona…</source>
        <translation>Persona hinzufügen…</translation>
    </message>
    <message>
        <source>A persona is a name for a model, a system prompt and other values. Choose one in a chat, beside the field where you write.</source>
        <translation>Eine Persona ist ein Name für ein Modell, einen System-Prompt und andere Werte. Wähle sie in einem Chat neben dem Feld, in das du schreibst.</translation>
    </message>
    <message>
        <source>{name} (copy)</source>
        <translation>{name} (Kopie)</translation>
    </message>
</context>
<context>
    <name>PortCard</name>
    <message>
        <source>Closed</source>
        <translation>Geschlossen</translation>
    </message>
    <message>
        <source>Opening…</source>
        <translation>Wird geöffnet…</translation>
    </message>
    <message>
        <source>Open at {url}</source>
        <translation>Offen unter {url}</translation>
    </message>
    <message>
        <source>Closing…</source>
        <translation>Wird geschlossen…</translation>
    </message>
    <message>
        <source>Copy the address</source>
        <translation>Adresse kopieren</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>Use {port} instead</source>
        <translation>Stattdessen {port} benutzen</translation>
    </message>
    <message>
        <source>Local port: {state}. {about}</source>
        <translation>Lokaler Port: {state}. {about}</translation>
    </message>
    <message>
        <source>No program can reach this window.</source>
        <translation>Kein Programm kann dieses Fenster erreichen.</translation>
    </message>
    <message>
        <source>Only programs on this computer reach it, and only with the token.</source>
        <translation>Nur Programme auf diesem Computer erreichen es, und nur mit dem Zugangstoken.</translation>
    </message>
    <message>
        <source>Other computers reach it too, at this computer&apos;s address and with the token. What they send is not encrypted.</source>
        <translation>Auch andere Computer erreichen es, unter der Adresse dieses Computers und mit dem Zugangstoken. Was sie senden, ist nicht verschlüsselt.</translation>
    </message>
</context>
<context>
    <name>PortPage</name>
    <message>
        <source>Offer these conversations to programs on this computer</source>
        <translation>Diese Unterhaltungen Programmen auf diesem Computer anbieten</translation>
    </message>
    <message>
        <source>Let other computers in the network reach it</source>
        <translation>Andere Computer im Netzwerk darauf zugreifen lassen</translation>
    </message>
    <message>
        <source>the command</source>
        <translation>der Befehl</translation>
    </message>
    <message>
        <source>the address for OpenAI clients</source>
        <translation>die Adresse für OpenAI-Clients</translation>
    </message>
    <message>
        <source>the address of the description</source>
        <translation>die Adresse der Beschreibung</translation>
    </message>
    <message>
        <source>Scripts, editors and programs that know OpenAI&apos;s API can then read and write here, and use the models. What they write appears in this window as it comes.</source>
        <translation>Skripte, Editoren und Programme, die die API von OpenAI kennen, können dann hier lesen und schreiben und die Modelle benutzen. Was sie schreiben, erscheint sofort in diesem Fenster.</translation>
    </message>
    <message>
        <source>They need the token, but what is sent is not encrypted: whoever can listen in this network can read all of it, the token too. Do this only in a network you trust.</source>
        <translation>Sie brauchen das Zugangstoken, aber was gesendet wird, ist nicht verschlüsselt: Wer in diesem Netzwerk mithören kann, kann alles lesen, auch das Zugangstoken. Tu das nur in einem Netzwerk, dem du vertraust.</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>Zugangstoken</translation>
    </message>
    <message>
        <source>For programs</source>
        <translation>Für Programme</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>In a terminal</source>
        <translation>In einem Terminal</translation>
    </message>
    <message>
        <source>Base URL for programs that know OpenAI&apos;s API; the key is the token</source>
        <translation>Basis-URL für Programme, die die API von OpenAI kennen; der Schlüssel ist das Zugangstoken</translation>
    </message>
    <message>
        <source>All requests, to read and to try, in a browser</source>
        <translation>Alle Anfragen, zum Lesen und Ausprobieren, in einem Browser</translation>
    </message>
    <message>
        <source>All requests are described in docs/api.md, what is kept safe and how in docs/security.md.</source>
        <translation>Alle Anfragen sind in docs/api.md beschrieben; was wie geschützt ist, steht in docs/security.md.</translation>
    </message>
    <message>
        <source>Set by the environment variable {name}.</source>
        <translation>Durch die Umgebungsvariable {name} festgelegt.</translation>
    </message>
</context>
<context>
    <name>PortSign</name>
    <message>
        <source>Programs can reach this window at {place}</source>
        <translation>Programme können dieses Fenster unter {place} erreichen</translation>
    </message>
</context>
<context>
    <name>PromptDialog</name>
    <message>
        <source>Insert</source>
        <translation>Einfügen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>{name} (optional)</source>
        <translation>{name} (optional)</translation>
    </message>
    <message>
        <source>From the MCP server {server}.</source>
        <translation>Vom MCP-Server {server}.</translation>
    </message>
</context>
<context>
    <name>PromptMenu</name>
    <message>
        <source>Prompts</source>
        <translation>Vorlagen</translation>
    </message>
    <message>
        <source>Edit prompts…</source>
        <translation>Vorlagen bearbeiten…</translation>
    </message>
    <message>
        <source>No prompt is called so. Enter sends what is typed.</source>
        <translation>Keine Vorlage heißt so. Die Eingabetaste sendet, was du geschrieben hast.</translation>
    </message>
    <message>
        <source>No prompts are saved yet. Keep what you often ask, and call it up by typing a slash.</source>
        <translation>Noch sind keine Vorlagen gespeichert. Bewahre auf, was du oft fragst, und ruf es mit einem Schrägstrich auf.</translation>
    </message>
</context>
<context>
    <name>PromptsDialog</name>
    <message>
        <source>Saved prompts</source>
        <translation>Gespeicherte Vorlagen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Name, such as Summarise</source>
        <translation>Name, etwa Zusammenfassen</translation>
    </message>
    <message>
        <source>Prompt</source>
        <translation>Vorlage</translation>
    </message>
    <message>
        <source>What to ask. {{Blanks like this}} are filled in when it is used.</source>
        <translation>Was du fragen willst. {{Lücken wie diese}} füllst du beim Benutzen aus.</translation>
    </message>
    <message>
        <source>New prompt</source>
        <translation>Neue Vorlage</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
    <message>
        <source>Type / in an empty message to call one up.</source>
        <translation>Schreib / in eine leere Nachricht, um eine aufzurufen.</translation>
    </message>
</context>
<context>
    <name>QuestionEditor</name>
    <message>
        <source>Edit the message</source>
        <translation>Nachricht bearbeiten</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>Senden</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>QueueCard</name>
    <message>
        <source>Move up</source>
        <translation>Nach oben</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>Nach unten</translation>
    </message>
    <message>
        <source>Send now</source>
        <translation>Jetzt senden</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>Bearbeiten</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Files only</source>
        <translation>Nur Dateien</translation>
    </message>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation>
            <numerusform>%n Datei</numerusform>
            <numerusform>%n Dateien</numerusform>
        </translation>
    </message>
    <message>
        <source>Question {place} of {count}: {text}</source>
        <translation>Frage {place} von {count}: {text}</translation>
    </message>
    <message>
        <source>Change the question</source>
        <translation>Frage ändern</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>Speichern</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
</context>
<context>
    <name>QueueList</name>
    <message>
        <source>Send next</source>
        <translation>Nächste senden</translation>
    </message>
    <message>
        <source>Questions that wait</source>
        <translation>Wartende Fragen</translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) waiting for you</source>
        <translation>
            <numerusform>%n Frage wartet auf dich</numerusform>
            <numerusform>%n Fragen warten auf dich</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) will be sent when the answer is done</source>
        <translation>
            <numerusform>%n Frage wird gesendet, wenn die Antwort fertig ist</numerusform>
            <numerusform>%n Fragen werden gesendet, wenn die Antwort fertig ist</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>QuickDesk</name>
    <message>
        <source>There is no model yet.</source>
        <translation>Es gibt noch kein Modell.</translation>
    </message>
</context>
<context>
    <name>QuickWindow</name>
    <message>
        <source>Quick question</source>
        <translation>Schnelle Frage</translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation>Frag, was du willst…</translation>
    </message>
    <message>
        <source>Ask (Enter)</source>
        <translation>Fragen (Enter)</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Open in Tether</source>
        <translation>In Tether öffnen</translation>
    </message>
    <message>
        <source>Stop the answer (Esc)</source>
        <translation>Antwort anhalten (Esc)</translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation>Denkt nach…</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>Antwort</translation>
    </message>
</context>
<context>
    <name>RemovableChip</name>
    <message>
        <source>Read the file again</source>
        <translation>Datei neu lesen</translation>
    </message>
    <message>
        <source>Turn back into text</source>
        <translation>Wieder in Text verwandeln</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>Remove {name}</source>
        <translation>{name} entfernen</translation>
    </message>
    <message>
        <source>Read {name} again</source>
        <translation>{name} neu lesen</translation>
    </message>
</context>
<context>
    <name>Replies</name>
    <message>
        <source>The answer was interrupted</source>
        <translation>Die Antwort wurde unterbrochen</translation>
    </message>
    <message>
        <source>What was said until then is kept.</source>
        <translation>Was bis dahin gesagt wurde, bleibt erhalten.</translation>
    </message>
    <message>
        <source>Ask for the answer again.</source>
        <translation>Verlange die Antwort noch einmal.</translation>
    </message>
    <message numerus="yes">
        <source>%n earlier message(s) left out: the chat no longer fits the {window} tokens this model keeps in mind. It reads the newest {kept}.</source>
        <translation>
            <numerusform>%n frühere Nachricht ausgelassen: Der Chat passt nicht mehr in die {window} Tokens, die dieses Modell im Sinn behält. Es liest die neuesten {kept}.</numerusform>
            <numerusform>%n frühere Nachrichten ausgelassen: Der Chat passt nicht mehr in die {window} Tokens, die dieses Modell im Sinn behält. Es liest die neuesten {kept}.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ReplyMessage</name>
    <message>
        <source>Thinking…</source>
        <translation>Denkt nach…</translation>
    </message>
    <message>
        <source>Thinking for {seconds} s…</source>
        <translation>Denkt seit {seconds} s nach…</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>Gedanken</translation>
    </message>
    <message>
        <source>Thought for {duration}</source>
        <translation>{duration} nachgedacht</translation>
    </message>
    <message>
        <source>Waiting for the model…</source>
        <translation>Wartet auf das Modell…</translation>
    </message>
    <message>
        <source>Loading model</source>
        <translation>Modell wird geladen</translation>
    </message>
    <message>
        <source>Reading prompt</source>
        <translation>Eingabe wird gelesen</translation>
    </message>
    <message>
        <source>Writing…</source>
        <translation>Schreibt…</translation>
    </message>
    <message>
        <source>Preparing a tool call…</source>
        <translation>Bereitet einen Werkzeugaufruf vor…</translation>
    </message>
    <message>
        <source>Cut off at the longest length of a reply</source>
        <translation>Bei der größten Länge einer Antwort abgeschnitten</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>{what} {percent} %</source>
        <translation>{what} {percent} %</translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation>Andere Antwort</translation>
    </message>
    <message>
        <source>What the answer took</source>
        <translation>Was die Antwort gebraucht hat</translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation>Assistent</translation>
    </message>
</context>
<context>
    <name>RequestLog</name>
    <message>
        <source>Clear</source>
        <translation>Leeren</translation>
    </message>
    <message>
        <source>Requests of the local port</source>
        <translation>Anfragen des lokalen Ports</translation>
    </message>
    <message numerus="yes">
        <source>Paused; %n request(s) came meanwhile.</source>
        <translation>
            <numerusform>Pausiert; inzwischen kam %n Anfrage.</numerusform>
            <numerusform>Pausiert; inzwischen kamen %n Anfragen.</numerusform>
        </translation>
    </message>
    <message>
        <source>The newest first; what was asked and answered is not kept.</source>
        <translation>Die neuesten zuerst; was gefragt und geantwortet wurde, wird nicht aufbewahrt.</translation>
    </message>
    <message>
        <source>No program has asked for anything yet.</source>
        <translation>Noch hat kein Programm etwas angefragt.</translation>
    </message>
    <message>
        <source>Go on</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>Pause</translation>
    </message>
</context>
<context>
    <name>RequestModel</name>
    <message>
        <source>Time</source>
        <translation>Zeit</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>Programm</translation>
    </message>
    <message>
        <source>Request</source>
        <translation>Anfrage</translation>
    </message>
    <message>
        <source>Status</source>
        <translation>Status</translation>
    </message>
    <message>
        <source>Took</source>
        <translation>Dauer</translation>
    </message>
    <message>
        <source>own token</source>
        <translation>eigenes Zugangstoken</translation>
    </message>
    <message>
        <source>no token</source>
        <translation>kein Zugangstoken</translation>
    </message>
</context>
<context>
    <name>SearchField</name>
    <message>
        <source>Search chats</source>
        <translation>Chats durchsuchen</translation>
    </message>
</context>
<context>
    <name>SearchPage</name>
    <message>
        <source>Nothing found for “{query}”.</source>
        <translation>Nichts gefunden für „{query}“.</translation>
    </message>
</context>
<context>
    <name>ServerCard</name>
    <message>
        <source>off</source>
        <translation>aus</translation>
    </message>
    <message>
        <source>needs your approval</source>
        <translation>braucht deine Erlaubnis</translation>
    </message>
    <message>
        <source>starting…</source>
        <translation>startet…</translation>
    </message>
    <message>
        <source>ready</source>
        <translation>bereit</translation>
    </message>
    <message>
        <source>its tools have changed</source>
        <translation>seine Werkzeuge haben sich geändert</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>fehlgeschlagen</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>angehalten</translation>
    </message>
    <message>
        <source>Allow and start</source>
        <translation>Erlauben und starten</translation>
    </message>
    <message>
        <source>See what changed…</source>
        <translation>Änderungen ansehen…</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>Testen</translation>
    </message>
    <message>
        <source>Restart</source>
        <translation>Neu starten</translation>
    </message>
    <message>
        <source>Log…</source>
        <translation>Protokoll…</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>Entfernen</translation>
    </message>
    <message>
        <source>MCP server {name}</source>
        <translation>MCP-Server {name}</translation>
    </message>
    <message>
        <source>MCP server {name}, {state}</source>
        <translation>MCP-Server {name}, {state}</translation>
    </message>
    <message>
        <source>What the model asks this server leaves your computer. Allow it only if you trust who runs it.</source>
        <translation>Was das Modell diesen Server fragt, verlässt deinen Computer. Erlaube ihn nur, wenn du dem vertraust, der ihn betreibt.</translation>
    </message>
    <message>
        <source>This is exactly what will be started. A server is a program, and can do whatever you can do on this computer. Allow it only if you trust where it comes from; you are asked again if it changes.</source>
        <translation>Genau das wird gestartet. Ein Server ist ein Programm und kann auf diesem Computer alles, was du auch kannst. Erlaube ihn nur, wenn du seiner Herkunft vertraust; ändert er sich, wirst du wieder gefragt.</translation>
    </message>
    <message>
        <source>Really remove</source>
        <translation>Wirklich entfernen</translation>
    </message>
    <message>
        <source>Headers</source>
        <translation>Kopfzeilen</translation>
    </message>
    <message>
        <source>Variables</source>
        <translation>Variablen</translation>
    </message>
    <message>
        <source>Started in {folder}</source>
        <translation>Gestartet in {folder}</translation>
    </message>
    <message numerus="yes">
        <source>%n tool(s)</source>
        <translation>
            <numerusform>%n Werkzeug</numerusform>
            <numerusform>%n Werkzeuge</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n resource(s)</source>
        <translation>
            <numerusform>%n Ressource</numerusform>
            <numerusform>%n Ressourcen</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n prompt(s)</source>
        <translation>
            <numerusform>%n Vorlage</numerusform>
            <numerusform>%n Vorlagen</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ServerForm</name>
    <message>
        <source>uvx mcp-server-time   or   https://example.org/mcp</source>
        <translation>uvx mcp-server-time   oder   https://example.org/mcp</translation>
    </message>
    <message>
        <source>API_KEY=…   one in a line; of an address, these are headers</source>
        <translation>API_KEY=…   eine je Zeile; bei einer Adresse sind es Kopfzeilen</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>Hinzufügen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>Name</translation>
    </message>
    <message>
        <source>Command or address</source>
        <translation>Befehl oder Adresse</translation>
    </message>
    <message>
        <source>Variables</source>
        <translation>Variablen</translation>
    </message>
    <message>
        <source>Or paste JSON</source>
        <translation>Oder JSON einfügen</translation>
    </message>
    <message>
        <source>Nothing is started before you have seen the exact command and allowed it.</source>
        <translation>Nichts startet, bevor du den genauen Befehl gesehen und erlaubt hast.</translation>
    </message>
</context>
<context>
    <name>ServersPage</name>
    <message>
        <source>There are none yet.</source>
        <translation>Es gibt noch keine.</translation>
    </message>
    <message>
        <source>Add a server…</source>
        <translation>Server hinzufügen…</translation>
    </message>
    <message>
        <source>Open the file</source>
        <translation>Datei öffnen</translation>
    </message>
    <message>
        <source>Read it again</source>
        <translation>Neu lesen</translation>
    </message>
    <message>
        <source>MCP servers are other people&apos;s programs that bring tools, started and asked only as far as you allow.</source>
        <translation>MCP-Server sind Programme anderer Leute, die Werkzeuge mitbringen; sie werden nur so weit gestartet und gefragt, wie du es erlaubst.</translation>
    </message>
</context>
<context>
    <name>SessionDelegate</name>
    <message>
        <source>Folder name</source>
        <translation>Name des Ordners</translation>
    </message>
    <message>
        <source>Chat title</source>
        <translation>Titel des Chats</translation>
    </message>
</context>
<context>
    <name>SessionList</name>
    <message>
        <source>Your chats will be listed here.</source>
        <translation>Hier werden deine Chats aufgelistet.</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>Archiv</translation>
    </message>
    <message>
        <source>Bin</source>
        <translation>Papierkorb</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
</context>
<context>
    <name>SessionView</name>
    <message>
        <source>Chats</source>
        <translation>Chats</translation>
    </message>
</context>
<context>
    <name>SessionsDesk</name>
    <message>
        <source>Archived “{title}”.</source>
        <translation>„{title}“ archiviert.</translation>
    </message>
    <message numerus="yes">
        <source>Archived %n chat(s).</source>
        <translation>
            <numerusform>%n Chat archiviert.</numerusform>
            <numerusform>%n Chats archiviert.</numerusform>
        </translation>
    </message>
    <message>
        <source>Deleted “{title}”.</source>
        <translation>„{title}“ gelöscht.</translation>
    </message>
    <message numerus="yes">
        <source>Deleted %n chat(s).</source>
        <translation>
            <numerusform>%n Chat gelöscht.</numerusform>
            <numerusform>%n Chats gelöscht.</numerusform>
        </translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
</context>
<context>
    <name>SettingField</name>
    <message>
        <source>Restart now</source>
        <translation>Jetzt neu starten</translation>
    </message>
    <message>
        <source>This has to be {allowed}.</source>
        <translation>Das muss {allowed} sein.</translation>
    </message>
    <message>
        <source>empty</source>
        <translation>leer</translation>
    </message>
    <message>
        <source>Changed. Reset to the default: {value}</source>
        <translation>Geändert. Auf den Standard zurücksetzen: {value}</translation>
    </message>
    <message>
        <source>Reset to the default: {title}</source>
        <translation>Auf den Standard zurücksetzen: {title}</translation>
    </message>
    <message>
        <source>Set by the environment variable {name}.</source>
        <translation>Durch die Umgebungsvariable {name} festgelegt.</translation>
    </message>
</context>
<context>
    <name>Settings</name>
    <message>
        <source>Model folders</source>
        <translation>Modellordner</translation>
    </message>
    <message>
        <source>Folders that hold models, separated like PATH; new ones go to the first. A relative one lies in the checkout, or in the data folder of an installed program.</source>
        <translation>Ordner, die Modelle enthalten, getrennt wie in PATH; neue Modelle kommen in den ersten. Ein relativer liegt im Checkout oder, bei einem installierten Programm, im Datenordner.</translation>
    </message>
    <message>
        <source>Database</source>
        <translation>Datenbank</translation>
    </message>
    <message>
        <source>SQLAlchemy URL of the conversation database; empty means a file in the data folder.</source>
        <translation>SQLAlchemy-URL der Datenbank für die Unterhaltungen; leer bedeutet eine Datei im Datenordner.</translation>
    </message>
    <message>
        <source>Local port</source>
        <translation>Lokaler Port</translation>
    </message>
    <message>
        <source>Whether the window also offers its conversations to programs, at the address below.</source>
        <translation>Ob das Fenster seine Unterhaltungen auch Programmen anbietet, unter der Adresse unten.</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>Adresse</translation>
    </message>
    <message>
        <source>The address the local port listens at; any but this computer&apos;s own needs access from the network.</source>
        <translation>Die Adresse, an der der lokale Port lauscht; jede andere als die dieses Computers braucht den Zugriff aus dem Netzwerk.</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>Port</translation>
    </message>
    <message>
        <source>The number of the local port; 0 takes any that is free.</source>
        <translation>Die Nummer des lokalen Ports; 0 nimmt irgendeine freie.</translation>
    </message>
    <message>
        <source>Access from the network</source>
        <translation>Zugriff aus dem Netzwerk</translation>
    </message>
    <message>
        <source>Whether the local port may listen at an address that other computers reach; they need a token, and what they send and get is not encrypted.</source>
        <translation>Ob der lokale Port an einer Adresse lauschen darf, die andere Computer erreichen; sie brauchen ein Zugangstoken, und was sie senden und bekommen, ist nicht verschlüsselt.</translation>
    </message>
    <message>
        <source>Names of this computer</source>
        <translation>Namen dieses Computers</translation>
    </message>
    <message>
        <source>Names, besides localhost and addresses, by which programs may ask for the local port, separated by commas.</source>
        <translation>Namen, außer localhost und Adressen, unter denen Programme den lokalen Port anfragen dürfen, durch Kommas getrennt.</translation>
    </message>
    <message>
        <source>Web pages that may ask</source>
        <translation>Webseiten, die anfragen dürfen</translation>
    </message>
    <message>
        <source>Origins of web pages that may use the local port, such as http://localhost:3000, separated by commas; empty allows none.</source>
        <translation>Ursprünge von Webseiten, die den lokalen Port benutzen dürfen, etwa http://localhost:3000, durch Kommas getrennt; leer erlaubt keine.</translation>
    </message>
    <message>
        <source>Requests per minute</source>
        <translation>Anfragen pro Minute</translation>
    </message>
    <message>
        <source>How many requests each token may make on the local port; 0 is no limit.</source>
        <translation>Wie viele Anfragen jedes Zugangstoken am lokalen Port stellen darf; 0 heißt keine Grenze.</translation>
    </message>
    <message>
        <source>Summaries</source>
        <translation>Zusammenfassungen</translation>
    </message>
    <message>
        <source>Whether the model sums up what no longer fits its context window, and reads that in its place.</source>
        <translation>Ob das Modell zusammenfasst, was nicht mehr in sein Kontextfenster passt, und stattdessen das liest.</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>Modell</translation>
    </message>
    <message>
        <source>The model new conversations use; empty takes the last one used.</source>
        <translation>Das Modell, das neue Unterhaltungen benutzen; leer nimmt das zuletzt benutzte.</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>Design</translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation>Hell, dunkel oder wie im System.</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>Sprache</translation>
    </message>
    <message>
        <source>The language of the window: English, German, or as the system says.</source>
        <translation>Die Sprache des Fensters: Englisch, Deutsch oder wie im System.</translation>
    </message>
    <message>
        <source>Text size</source>
        <translation>Textgröße</translation>
    </message>
    <message>
        <source>Pixels of ordinary text, before the screen&apos;s own scale.</source>
        <translation>Pixel von gewöhnlichem Text, vor der Skalierung des Bildschirms.</translation>
    </message>
    <message>
        <source>Density</source>
        <translation>Dichte</translation>
    </message>
    <message>
        <source>How much room there is between messages, rows and buttons.</source>
        <translation>Wie viel Platz zwischen Nachrichten, Zeilen und Knöpfen ist.</translation>
    </message>
    <message>
        <source>Reduced motion</source>
        <translation>Weniger Bewegung</translation>
    </message>
    <message>
        <source>Whether nothing moves in the window but the text that comes.</source>
        <translation>Ob sich im Fenster nichts bewegt außer dem Text, der kommt.</translation>
    </message>
    <message>
        <source>Send with</source>
        <translation>Senden mit</translation>
    </message>
    <message>
        <source>The key that sends a question: Enter, or Ctrl+Enter so that Enter begins a new line.</source>
        <translation>Die Taste, die eine Frage sendet: Enter, oder Ctrl+Enter, damit Enter eine neue Zeile beginnt.</translation>
    </message>
    <message>
        <source>Chat titles</source>
        <translation>Chat-Titel</translation>
    </message>
    <message>
        <source>Whether the model finds a title when it has answered first, or the question&apos;s own words stay.</source>
        <translation>Ob das Modell nach seiner ersten Antwort einen Titel findet, oder ob die Worte der Frage bleiben.</translation>
    </message>
    <message>
        <source>Keep deleted chats</source>
        <translation>Gelöschte Chats aufbewahren</translation>
    </message>
    <message>
        <source>Days after which a chat in the bin is erased; 0 keeps it until you erase it.</source>
        <translation>Tage, nach denen ein Chat im Papierkorb endgültig gelöscht wird; 0 behält ihn, bis du ihn endgültig löschst.</translation>
    </message>
    <message>
        <source>Closing the window</source>
        <translation>Schließen des Fensters</translation>
    </message>
    <message>
        <source>Whether closing the window ends Tether or leaves it in the tray; it can ask once.</source>
        <translation>Ob das Schließen des Fensters Tether beendet oder es im Infobereich lässt; es kann einmal fragen.</translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation>Benachrichtigungen</translation>
    </message>
    <message>
        <source>Whether the desktop tells you of an answer that is done while the window is out of sight.</source>
        <translation>Ob der Desktop dir Bescheid gibt, wenn eine Antwort fertig ist, während das Fenster nicht zu sehen ist.</translation>
    </message>
    <message>
        <source>Quick window</source>
        <translation>Schnellfenster</translation>
    </message>
    <message>
        <source>A shortcut that opens a small window for one question from anywhere, such as Ctrl+Alt+Space; empty for none.</source>
        <translation>Ein Tastenkürzel, das von überall ein kleines Fenster für eine Frage öffnet, etwa Ctrl+Alt+Space; leer für keins.</translation>
    </message>
    <message>
        <source>Shortcuts</source>
        <translation>Tastenkürzel</translation>
    </message>
    <message>
        <source>Keys that were changed, as new_chat=Ctrl+T with spaces between them; nothing behind = is no key.</source>
        <translation>Geänderte Tasten, etwa new_chat=Ctrl+T, mit Leerzeichen dazwischen; nichts hinter = heißt keine Taste.</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>System-Prompt</translation>
    </message>
    <message>
        <source>What every conversation tells the model first; empty tells it nothing.</source>
        <translation>Was jede Unterhaltung dem Modell zuerst sagt; leer sagt ihm nichts.</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>Temperatur</translation>
    </message>
    <message>
        <source>0 is always the most likely word.</source>
        <translation>0 ist immer das wahrscheinlichste Wort.</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Choose among the most likely words up to this probability.</source>
        <translation>Unter den wahrscheinlichsten Wörtern bis zu dieser Wahrscheinlichkeit wählen.</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Choose among this many words; 0 is no limit.</source>
        <translation>Unter so vielen Wörtern wählen; 0 heißt keine Grenze.</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Drop words less likely than this fraction of the best.</source>
        <translation>Wörter weglassen, die weniger wahrscheinlich sind als dieser Bruchteil des besten.</translation>
    </message>
    <message>
        <source>Repetition penalty</source>
        <translation>Strafe für Wiederholungen</translation>
    </message>
    <message>
        <source>Above 1 discourages repeating.</source>
        <translation>Über 1 wirkt Wiederholungen entgegen.</translation>
    </message>
    <message>
        <source>Longest reply</source>
        <translation>Längste Antwort</translation>
    </message>
    <message>
        <source>Tokens after which a reply is cut off.</source>
        <translation>Tokens, nach denen eine Antwort abgeschnitten wird.</translation>
    </message>
    <message>
        <source>Context window</source>
        <translation>Kontextfenster</translation>
    </message>
    <message>
        <source>Tokens a model keeps in mind; 0 takes the model&apos;s own as far as memory allows.</source>
        <translation>Tokens, die sich ein Modell merkt; 0 nimmt den Wert des Modells, soweit der Arbeitsspeicher reicht.</translation>
    </message>
    <message>
        <source>Compute threads</source>
        <translation>Rechen-Threads</translation>
    </message>
    <message>
        <source>0 lets the engine choose.</source>
        <translation>0 lässt die Engine wählen.</translation>
    </message>
    <message>
        <source>Loaded models</source>
        <translation>Geladene Modelle</translation>
    </message>
    <message>
        <source>Models kept loaded, as far as memory allows; the least recently used goes first.</source>
        <translation>Modelle, die geladen bleiben, soweit der Arbeitsspeicher reicht; das am längsten nicht benutzte geht zuerst.</translation>
    </message>
    <message>
        <source>Unload after</source>
        <translation>Entladen nach</translation>
    </message>
    <message>
        <source>Minutes after which a model that nobody uses is unloaded; 0 keeps it.</source>
        <translation>Minuten, nach denen ein Modell, das niemand benutzt, entladen wird; 0 behält es.</translation>
    </message>
    <message>
        <source>Memory for chats</source>
        <translation>Speicher für Chats</translation>
    </message>
    <message>
        <source>Megabytes in which each model keeps the chats it has read, so that none is read again; 0 takes a quarter of what is free.</source>
        <translation>Megabyte, in denen jedes Modell die gelesenen Chats behält, damit es keinen noch einmal lesen muss; 0 nimmt ein Viertel dessen, was frei ist.</translation>
    </message>
    <message>
        <source>Thinking</source>
        <translation>Nachdenken</translation>
    </message>
    <message>
        <source>Whether models that can think first do so, where their chat template lets it be chosen.</source>
        <translation>Ob Modelle, die zuerst nachdenken können, das tun, sofern ihre Chat-Vorlage die Wahl lässt.</translation>
    </message>
    <message>
        <source>Longest thinking</source>
        <translation>Längstes Nachdenken</translation>
    </message>
    <message>
        <source>Tokens after which a model has to stop thinking and answer; 0 is no limit.</source>
        <translation>Tokens, nach denen ein Modell aufhören muss nachzudenken und antwortet; 0 heißt keine Grenze.</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>Whether models are told of the tools: always, never, or those whose chat template knows tools.</source>
        <translation>Ob Modelle von den Werkzeugen erfahren: immer, nie, oder nur die, deren Chat-Vorlage Werkzeuge kennt.</translation>
    </message>
    <message>
        <source>Tool rounds</source>
        <translation>Werkzeugrunden</translation>
    </message>
    <message>
        <source>How often in one reply a model may call tools before it has to answer.</source>
        <translation>Wie oft ein Modell in einer Antwort Werkzeuge aufrufen darf, bevor es antworten muss.</translation>
    </message>
    <message>
        <source>Tool timeout</source>
        <translation>Zeitlimit für Werkzeuge</translation>
    </message>
    <message>
        <source>Seconds after which a tool is ended.</source>
        <translation>Sekunden, nach denen ein Werkzeug beendet wird.</translation>
    </message>
    <message>
        <source>Folders for tools</source>
        <translation>Ordner für Werkzeuge</translation>
    </message>
    <message>
        <source>Folders that the file tools may read, separated like PATH; empty lets them read none.</source>
        <translation>Ordner, die die Datei-Werkzeuge lesen dürfen, getrennt wie in PATH; leer lässt sie keinen lesen.</translation>
    </message>
    <message>
        <source>Tools from the internet</source>
        <translation>Werkzeuge aus dem Internet</translation>
    </message>
    <message>
        <source>Whether tools may fetch pages, ask for the weather and search the web.</source>
        <translation>Ob Werkzeuge Seiten abrufen, nach dem Wetter fragen und im Web suchen dürfen.</translation>
    </message>
    <message>
        <source>Web search</source>
        <translation>Websuche</translation>
    </message>
    <message>
        <source>Who searches the web for the tools, where these may use the internet: Brave or Tavily with a key of your own, or a SearXNG server.</source>
        <translation>Wer für die Werkzeuge im Web sucht, sofern sie das Internet benutzen dürfen: Brave oder Tavily mit deinem eigenen Schlüssel, oder ein SearXNG-Server.</translation>
    </message>
    <message>
        <source>SearXNG server</source>
        <translation>SearXNG-Server</translation>
    </message>
    <message>
        <source>The address of the SearXNG server that searches the web, such as https://searx.example.org.</source>
        <translation>Die Adresse des SearXNG-Servers, der im Web sucht, etwa https://searx.example.org.</translation>
    </message>
    <message>
        <source>System</source>
        <translation>System</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>Hell</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>Dunkel</translation>
    </message>
    <message>
        <source>As the system</source>
        <translation>Wie im System</translation>
    </message>
    <message>
        <source>Comfortable</source>
        <translation>Bequem</translation>
    </message>
    <message>
        <source>Compact</source>
        <translation>Kompakt</translation>
    </message>
    <message>
        <source>Enter</source>
        <translation>Enter</translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation>Ctrl+Enter</translation>
    </message>
    <message>
        <source>Found by the model</source>
        <translation>Vom Modell gefunden</translation>
    </message>
    <message>
        <source>The question&apos;s words</source>
        <translation>Die Worte der Frage</translation>
    </message>
    <message>
        <source>Ask once</source>
        <translation>Einmal fragen</translation>
    </message>
    <message>
        <source>Ends Tether</source>
        <translation>Beendet Tether</translation>
    </message>
    <message>
        <source>Leaves it in the tray</source>
        <translation>Lässt es im Infobereich</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>Automatisch</translation>
    </message>
    <message>
        <source>Always</source>
        <translation>Immer</translation>
    </message>
    <message>
        <source>Never</source>
        <translation>Nie</translation>
    </message>
    <message>
        <source>Nobody</source>
        <translation>Niemand</translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation>eine ganze Zahl</translation>
    </message>
    <message>
        <source>a whole number from {low}</source>
        <translation>eine ganze Zahl ab {low}</translation>
    </message>
    <message>
        <source>a whole number from {low} up to {high}</source>
        <translation>eine ganze Zahl von {low} bis {high}</translation>
    </message>
    <message>
        <source>a number</source>
        <translation>eine Zahl</translation>
    </message>
    <message>
        <source>a number from {low}</source>
        <translation>eine Zahl ab {low}</translation>
    </message>
    <message>
        <source>a number from {low} up to {high}</source>
        <translation>eine Zahl von {low} bis {high}</translation>
    </message>
    <message>
        <source>a number above {low}</source>
        <translation>eine Zahl über {low}</translation>
    </message>
    <message>
        <source>a number above {low} up to {high}</source>
        <translation>eine Zahl über {low} bis {high}</translation>
    </message>
    <message>
        <source>a text</source>
        <translation>ein Text</translation>
    </message>
    <message>
        <source>Holds for models that are loaded from now on.</source>
        <translation>Gilt für Modelle, die ab jetzt geladen werden.</translation>
    </message>
    <message>
        <source>Holds when Tether is started again.</source>
        <translation>Gilt, wenn Tether neu gestartet wird.</translation>
    </message>
</context>
<context>
    <name>SettingsDialog</name>
    <message>
        <source>Settings</source>
        <translation>Einstellungen</translation>
    </message>
    <message>
        <source>Close the settings</source>
        <translation>Einstellungen schließen</translation>
    </message>
    <message>
        <source>Find a setting</source>
        <translation>Einstellung suchen</translation>
    </message>
</context>
<context>
    <name>SettingsPages</name>
    <message>
        <source>General</source>
        <translation>Allgemein</translation>
    </message>
    <message>
        <source>Among other programs</source>
        <translation>Neben anderen Programmen</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>Aussehen</translation>
    </message>
    <message>
        <source>Models and answers</source>
        <translation>Modelle und Antworten</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>Antworten</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>Sampling</translation>
    </message>
    <message>
        <source>Memory and speed</source>
        <translation>Speicher und Geschwindigkeit</translation>
    </message>
    <message>
        <source>Personas</source>
        <translation>Personas</translation>
    </message>
    <message>
        <source>Add a persona</source>
        <translation>Persona hinzufügen</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>Werkzeuge</translation>
    </message>
    <message>
        <source>Limits</source>
        <translation>Grenzen</translation>
    </message>
    <message>
        <source>Your own tools</source>
        <translation>Deine eigenen Werkzeuge</translation>
    </message>
    <message>
        <source>Ask again for every tool</source>
        <translation>Für jedes Werkzeug wieder fragen</translation>
    </message>
    <message>
        <source>MCP servers</source>
        <translation>MCP-Server</translation>
    </message>
    <message>
        <source>Add a server</source>
        <translation>Server hinzufügen</translation>
    </message>
    <message>
        <source>Paste JSON of servers</source>
        <translation>JSON von Servern einfügen</translation>
    </message>
    <message>
        <source>Local port</source>
        <translation>Lokaler Port</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>Token</source>
        <translation>Zugangstoken</translation>
    </message>
    <message>
        <source>Requests</source>
        <translation>Anfragen</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>Daten</translation>
    </message>
    <message>
        <source>Bin</source>
        <translation>Papierkorb</translation>
    </message>
    <message>
        <source>Other places</source>
        <translation>Andere Orte</translation>
    </message>
    <message>
        <source>Back up</source>
        <translation>Sichern</translation>
    </message>
    <message>
        <source>Export all chats</source>
        <translation>Alle Chats exportieren</translation>
    </message>
    <message>
        <source>Import chats</source>
        <translation>Chats importieren</translation>
    </message>
    <message>
        <source>Empty bin</source>
        <translation>Papierkorb leeren</translation>
    </message>
    <message>
        <source>Erase all chats</source>
        <translation>Alle Chats endgültig löschen</translation>
    </message>
    <message>
        <source>Where everything lies</source>
        <translation>Wo alles liegt</translation>
    </message>
    <message>
        <source>Shortcuts</source>
        <translation>Tastenkürzel</translation>
    </message>
    <message>
        <source>About</source>
        <translation>Über Tether</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>Version</translation>
    </message>
    <message>
        <source>Licences</source>
        <translation>Lizenzen</translation>
    </message>
    <message>
        <source>Copy diagnostics</source>
        <translation>Diagnose kopieren</translation>
    </message>
    <message>
        <source>Show the tour again</source>
        <translation>Rundgang noch einmal zeigen</translation>
    </message>
</context>
<context>
    <name>ShelfPage</name>
    <message>
        <source>Back to the chats</source>
        <translation>Zurück zu den Chats</translation>
    </message>
    <message>
        <source>Empty bin</source>
        <translation>Papierkorb leeren</translation>
    </message>
    <message>
        <source>Bin</source>
        <translation>Papierkorb</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>Archiv</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Wiederherstellen</translation>
    </message>
    <message>
        <source>Unarchive</source>
        <translation>Aus dem Archiv holen</translation>
    </message>
    <message>
        <source>Erase now</source>
        <translation>Jetzt endgültig löschen</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>Löschen</translation>
    </message>
    <message>
        <source>These chats stay out of the list and are found by searching.</source>
        <translation>Diese Chats stehen nicht in der Liste und werden durch Suchen gefunden.</translation>
    </message>
    <message>
        <source>The bin is empty.</source>
        <translation>Der Papierkorb ist leer.</translation>
    </message>
    <message numerus="yes">
        <source>Erased after %n day(s).</source>
        <translation>
            <numerusform>Nach %n Tag endgültig gelöscht.</numerusform>
            <numerusform>Nach %n Tagen endgültig gelöscht.</numerusform>
        </translation>
    </message>
    <message>
        <source>Kept until you erase them.</source>
        <translation>Aufbewahrt, bis du sie endgültig löschst.</translation>
    </message>
    <message>
        <source>Nothing is archived.</source>
        <translation>Nichts ist archiviert.</translation>
    </message>
    <message>
        <source>Archived chats stay out of the list and are found by searching.</source>
        <translation>Archivierte Chats stehen nicht in der Liste; die Suche findet sie.</translation>
    </message>
    <message>
        <source>Deleted chats come here.</source>
        <translation>Hierher kommen gelöschte Chats.</translation>
    </message>
    <message numerus="yes">
        <source>Erase %n chat(s) for good? This cannot be undone.</source>
        <translation>
            <numerusform>%n Chat endgültig löschen? Das lässt sich nicht rückgängig machen.</numerusform>
            <numerusform>%n Chats endgültig löschen? Das lässt sich nicht rückgängig machen.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ShortcutRow</name>
    <message>
        <source>Reset the keys of: {title}</source>
        <translation>Tasten zurücksetzen: {title}</translation>
    </message>
    <message>
        <source>Use them here</source>
        <translation>Hier benutzen</translation>
    </message>
    <message>
        <source>{keys} already does: {title}.</source>
        <translation>{keys} ist schon belegt: {title}.</translation>
    </message>
    <message>
        <source>These keys edit text. Choose others.</source>
        <translation>Diese Tasten bearbeiten Text. Wähle andere.</translation>
    </message>
    <message>
        <source>Hold Ctrl or Alt with it, or take a function key.</source>
        <translation>Halte Ctrl oder Alt dazu, oder nimm eine Funktionstaste.</translation>
    </message>
</context>
<context>
    <name>ShortcutsPage</name>
    <message>
        <source>Reset all</source>
        <translation>Alle zurücksetzen</translation>
    </message>
    <message>
        <source>Press a button and then the new keys. Backspace takes the keys away, Esc leaves them.</source>
        <translation>Drücke einen Knopf und dann die neuen Tasten. Die Rücktaste nimmt die Tasten weg, Esc lässt sie, wie sie sind.</translation>
    </message>
    <message>
        <source>Set by the environment variable {name}.</source>
        <translation>Durch die Umgebungsvariable {name} festgelegt.</translation>
    </message>
</context>
<context>
    <name>SideAnswer</name>
    <message>
        <source>Starting…</source>
        <translation>Beginnt…</translation>
    </message>
    <message>
        <source>Waits until the model is free…</source>
        <translation>Wartet, bis das Modell frei ist…</translation>
    </message>
    <message>
        <source>Loading the model…</source>
        <translation>Modell wird geladen…</translation>
    </message>
    <message>
        <source>Reading the question…</source>
        <translation>Frage wird gelesen…</translation>
    </message>
    <message>
        <source>Answering…</source>
        <translation>Antwortet…</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>Angehalten</translation>
    </message>
    <message>
        <source>First word after {time}</source>
        <translation>Erstes Wort nach {time}</translation>
    </message>
    <message numerus="yes">
        <source>%n token(s) in {time}</source>
        <translation>
            <numerusform>%n Token in {time}</numerusform>
            <numerusform>%n Tokens in {time}</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SideScroll</name>
    <message>
        <source>Scroll the code sideways</source>
        <translation>Code seitwärts scrollen</translation>
    </message>
    <message>
        <source>Scroll the table sideways</source>
        <translation>Tabelle seitwärts scrollen</translation>
    </message>
</context>
<context>
    <name>SizeText</name>
    <message>
        <source>{count} bytes</source>
        <translation>{count} Bytes</translation>
    </message>
</context>
<context>
    <name>SpeedTab</name>
    <message>
        <source>Model to measure</source>
        <translation>Modell, das gemessen wird</translation>
    </message>
    <message>
        <source>Models, by how fast they write</source>
        <translation>Modelle, danach, wie schnell sie schreiben</translation>
    </message>
    <message>
        <source>This model, measured before</source>
        <translation>Frühere Messungen dieses Modells</translation>
    </message>
    <message>
        <source>Not measured yet</source>
        <translation>Noch nicht gemessen</translation>
    </message>
    <message>
        <source>It takes less than a minute with most models. Chats go first: it waits its turn.</source>
        <translation>Bei den meisten Modellen dauert es weniger als eine Minute. Chats gehen vor: Es wartet, bis es an der Reihe ist.</translation>
    </message>
    <message>
        <source>Waiting until the model is free…</source>
        <translation>Wartet, bis das Modell frei ist…</translation>
    </message>
    <message>
        <source>Loading the model…</source>
        <translation>Modell wird geladen…</translation>
    </message>
    <message>
        <source>Reading and writing, six times…</source>
        <translation>Liest und schreibt, sechsmal…</translation>
    </message>
    <message>
        <source>Progress of the measurement</source>
        <translation>Fortschritt der Messung</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>Anhalten</translation>
    </message>
    <message>
        <source>Measure speed</source>
        <translation>Geschwindigkeit messen</translation>
    </message>
</context>
<context>
    <name>SpeedWords</name>
    <message>
        <source>{rate} tokens/s</source>
        <translation>{rate} Tokens/s</translation>
    </message>
    <message>
        <source>Answers more slowly than you read.</source>
        <translation>Antwortet langsamer, als du liest.</translation>
    </message>
    <message>
        <source>Answers about as fast as you read.</source>
        <translation>Antwortet etwa so schnell, wie du liest.</translation>
    </message>
    <message>
        <source>Answers faster than you read.</source>
        <translation>Antwortet schneller, als du liest.</translation>
    </message>
    <message>
        <source>Answers much faster than you read.</source>
        <translation>Antwortet viel schneller, als du liest.</translation>
    </message>
    <message>
        <source>Takes about a second to read a page.</source>
        <translation>Braucht etwa eine Sekunde, um eine Seite zu lesen.</translation>
    </message>
    <message>
        <source>Takes about {count} seconds to read a page.</source>
        <translation>Braucht etwa {count} Sekunden, um eine Seite zu lesen.</translation>
    </message>
    <message>
        <source>Takes about {count} minutes to read a page.</source>
        <translation>Braucht etwa {count} Minuten, um eine Seite zu lesen.</translation>
    </message>
    <message>
        <source>reading {rate}</source>
        <translation>Lesen {rate}</translation>
    </message>
    <message>
        <source>writing {rate}</source>
        <translation>Schreiben {rate}</translation>
    </message>
    <message>
        <source>after 512 tokens {rate}</source>
        <translation>nach 512 Tokens {rate}</translation>
    </message>
    <message>
        <source>loaded in {seconds} s</source>
        <translation>in {seconds} s geladen</translation>
    </message>
</context>
<context>
    <name>StarterCard</name>
    <message>
        <source>Add the starter model</source>
        <translation>Startmodell hinzufügen</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>Noch einmal</translation>
    </message>
    <message>
        <source>A download of about 95 MB · licence Apache-2.0 · runs on the processor</source>
        <translation>Ein Download von etwa 95 MB · Lizenz Apache-2.0 · läuft auf dem Prozessor</translation>
    </message>
    <message>
        <source>Good for: short questions, rewording and summing up a few paragraphs, trying Tether out. It answers at once, even without a graphics card.</source>
        <translation>Gut für: kurze Fragen, Umformulieren und Zusammenfassen einiger Absätze, Ausprobieren von Tether. Es antwortet sofort, auch ohne Grafikkarte.</translation>
    </message>
    <message>
        <source>Not good for: facts, arithmetic, long texts and most languages but English. It is small and often wrong; larger models can be added below, now or later.</source>
        <translation>Nicht gut für: Fakten, Rechnen, lange Texte und die meisten Sprachen außer Englisch. Es ist klein und irrt sich oft; größere Modelle kannst du unten hinzufügen, jetzt oder später.</translation>
    </message>
</context>
<context>
    <name>StatusLine</name>
    <message>
        <source>Continue</source>
        <translation>Weiterschreiben</translation>
    </message>
</context>
<context>
    <name>SystemDesk</name>
    <message numerus="yes">
        <source>%n chat(s) imported.</source>
        <translation>
            <numerusform>%n Chat importiert.</numerusform>
            <numerusform>%n Chats importiert.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TableTools</name>
    <message>
        <source>Copy table</source>
        <translation>Tabelle kopieren</translation>
    </message>
    <message>
        <source>Copy as CSV</source>
        <translation>Als CSV kopieren</translation>
    </message>
</context>
<context>
    <name>TemporaryBar</name>
    <message>
        <source>Keep it</source>
        <translation>Behalten</translation>
    </message>
    <message>
        <source>Store this chat like any other</source>
        <translation>Diesen Chat wie jeden anderen speichern</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>Ausblenden</translation>
    </message>
    <message>
        <source>Temporary chat: it is gone when you close it</source>
        <translation>Temporärer Chat: Er ist weg, wenn du ihn schließt</translation>
    </message>
    <message>
        <source>The temporary chat is closed and will be forgotten.</source>
        <translation>Der temporäre Chat ist geschlossen und wird vergessen.</translation>
    </message>
</context>
<context>
    <name>TermsNotice</name>
    <message>
        <source>Read it</source>
        <translation>Lesen</translation>
    </message>
    <message>
        <source>I accept the terms</source>
        <translation>Ich stimme den Bedingungen zu</translation>
    </message>
    <message>
        <source>{title} is free under the licence {licence}.</source>
        <translation>{title} ist frei unter der Lizenz {licence}.</translation>
    </message>
    <message>
        <source>{title} comes with terms of use: {licence}.</source>
        <translation>{title} hat Nutzungsbedingungen: {licence}.</translation>
    </message>
    <message>
        <source>Read the licence of {title} in the browser</source>
        <translation>Lizenz von {title} im Browser lesen</translation>
    </message>
    <message>
        <source>I accept the terms of use of {title}</source>
        <translation>Ich stimme den Nutzungsbedingungen von {title} zu</translation>
    </message>
</context>
<context>
    <name>TextBox</name>
    <message>
        <source>Copy: {what}</source>
        <translation>Kopieren: {what}</translation>
    </message>
    <message>
        <source>{heading} (scroll to read all of it)</source>
        <translation>{heading} (scrolle, um alles zu lesen)</translation>
    </message>
</context>
<context>
    <name>TextDialog</name>
    <message>
        <source>Close</source>
        <translation>Schließen</translation>
    </message>
</context>
<context>
    <name>TokenField</name>
    <message>
        <source>Token</source>
        <translation>Zugangstoken</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Show the token</source>
        <translation>Zugangstoken zeigen</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>Copy the token</source>
        <translation>Zugangstoken kopieren</translation>
    </message>
    <message>
        <source>Renew</source>
        <translation>Erneuern</translation>
    </message>
    <message>
        <source>Renew the token</source>
        <translation>Zugangstoken erneuern</translation>
    </message>
    <message>
        <source>Whoever has it can read and change everything here. For a program that is only to chat, make a token of its own: {command}</source>
        <translation>Wer es hat, kann hier alles lesen und ändern. Für ein Programm, das nur chatten soll, erstelle ein eigenes Zugangstoken: {command}</translation>
    </message>
    <message>
        <source>There is a new token. Programs that had the old one need it.</source>
        <translation>Es gibt ein neues Zugangstoken. Programme, die das alte hatten, brauchen es.</translation>
    </message>
    <message>
        <source>Hide</source>
        <translation>Verbergen</translation>
    </message>
    <message>
        <source>Hide the token</source>
        <translation>Zugangstoken verbergen</translation>
    </message>
    <message>
        <source>Really renew</source>
        <translation>Wirklich erneuern</translation>
    </message>
    <message>
        <source>Programs that have the token stop working until they get the new one.</source>
        <translation>Programme, die das Zugangstoken haben, funktionieren nicht mehr, bis sie das neue bekommen.</translation>
    </message>
</context>
<context>
    <name>ToolButton</name>
    <message>
        <source>There are no tools. Switch some on in Settings, Tools.</source>
        <translation>Es gibt keine Werkzeuge. Schalte welche unter Einstellungen, Werkzeuge ein.</translation>
    </message>
    <message>
        <source>Tools as the settings say</source>
        <translation>Werkzeuge wie in den Einstellungen</translation>
    </message>
    <message>
        <source>Tools on for this chat</source>
        <translation>Werkzeuge an für diesen Chat</translation>
    </message>
    <message>
        <source>Tools off for this chat</source>
        <translation>Werkzeuge aus für diesen Chat</translation>
    </message>
    <message>
        <source>Use a tool for this question</source>
        <translation>Werkzeug für diese Frage benutzen</translation>
    </message>
    <message>
        <source>Insert a prompt</source>
        <translation>Vorlage einfügen</translation>
    </message>
    <message>
        <source>Any tool (it must use one)</source>
        <translation>Irgendein Werkzeug (eins muss es benutzen)</translation>
    </message>
</context>
<context>
    <name>ToolCalls</name>
    <message>
        <source>A call that could not be understood</source>
        <translation>Ein Aufruf, der nicht zu verstehen war</translation>
    </message>
    <message>
        <source>waiting for your approval</source>
        <translation>wartet auf deine Zustimmung</translation>
    </message>
    <message>
        <source>one moment…</source>
        <translation>einen Moment…</translation>
    </message>
    <message>
        <source>running…</source>
        <translation>läuft…</translation>
    </message>
    <message>
        <source>done</source>
        <translation>fertig</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>gescheitert</translation>
    </message>
    <message>
        <source>declined</source>
        <translation>abgelehnt</translation>
    </message>
    <message>
        <source>interrupted</source>
        <translation>unterbrochen</translation>
    </message>
    <message>
        <source>not run</source>
        <translation>nicht ausgeführt</translation>
    </message>
    <message>
        <source>running {percent} %</source>
        <translation>läuft {percent} %</translation>
    </message>
    <message>
        <source>… and {count} more characters</source>
        <translation>… und {count} weitere Zeichen</translation>
    </message>
</context>
<context>
    <name>ToolCard</name>
    <message>
        <source>Allow once</source>
        <translation>Einmal erlauben</translation>
    </message>
    <message>
        <source>Run this call</source>
        <translation>Diesen Aufruf ausführen</translation>
    </message>
    <message>
        <source>Always in this chat</source>
        <translation>Immer in diesem Chat</translation>
    </message>
    <message>
        <source>Run this call and all others of this tool in this chat</source>
        <translation>Diesen Aufruf und alle anderen dieses Werkzeugs in diesem Chat ausführen</translation>
    </message>
    <message>
        <source>Deny</source>
        <translation>Ablehnen</translation>
    </message>
    <message>
        <source>Do not run this call</source>
        <translation>Diesen Aufruf nicht ausführen</translation>
    </message>
    <message>
        <source>Never in this chat</source>
        <translation>Nie in diesem Chat</translation>
    </message>
    <message>
        <source>Run no call of this tool in this chat</source>
        <translation>Keinen Aufruf dieses Werkzeugs in diesem Chat ausführen</translation>
    </message>
    <message>
        <source>What the model wrote</source>
        <translation>Was das Modell geschrieben hat</translation>
    </message>
    <message>
        <source>Arguments</source>
        <translation>Argumente</translation>
    </message>
    <message>
        <source>Result</source>
        <translation>Ergebnis</translation>
    </message>
    <message>
        <source>What the model is told</source>
        <translation>Was dem Modell gesagt wird</translation>
    </message>
</context>
<context>
    <name>ToolRow</name>
    <message>
        <source>Ask every time</source>
        <translation>Jedes Mal fragen</translation>
    </message>
    <message>
        <source>Always allow</source>
        <translation>Immer erlauben</translation>
    </message>
    <message>
        <source>Never allow</source>
        <translation>Nie erlauben</translation>
    </message>
    <message>
        <source>Description</source>
        <translation>Beschreibung</translation>
    </message>
    <message>
        <source>Permission of {title}</source>
        <translation>Erlaubnis für {title}</translation>
    </message>
    <message>
        <source>Description of {title}</source>
        <translation>Beschreibung von {title}</translation>
    </message>
    <message>
        <source>Only built-in tools can be allowed for good; this one can for a chat, when it asks.</source>
        <translation>Nur eingebaute Werkzeuge lassen sich für immer erlauben; dieses hier für einen Chat, wenn es fragt.</translation>
    </message>
</context>
<context>
    <name>Tools</name>
    <message>
        <source>Built in</source>
        <translation>Eingebaut</translation>
    </message>
    <message>
        <source>Search the web</source>
        <translation>Im Web suchen</translation>
    </message>
    <message>
        <source>Time in a place</source>
        <translation>Uhrzeit an einem Ort</translation>
    </message>
    <message>
        <source>Time elsewhere</source>
        <translation>Uhrzeit umrechnen</translation>
    </message>
    <message>
        <source>Calculator</source>
        <translation>Rechner</translation>
    </message>
    <message>
        <source>Search my conversations</source>
        <translation>Meine Unterhaltungen durchsuchen</translation>
    </message>
    <message>
        <source>List my files</source>
        <translation>Meine Dateien auflisten</translation>
    </message>
    <message>
        <source>Read a file of mine</source>
        <translation>Eine Datei von mir lesen</translation>
    </message>
    <message>
        <source>Search my files</source>
        <translation>Meine Dateien durchsuchen</translation>
    </message>
    <message>
        <source>Read a page of the internet</source>
        <translation>Eine Seite aus dem Internet lesen</translation>
    </message>
    <message>
        <source>Weather now</source>
        <translation>Wetter jetzt</translation>
    </message>
    <message>
        <source>Weather forecast</source>
        <translation>Wettervorhersage</translation>
    </message>
</context>
<context>
    <name>ToolsDesk</name>
    <message>
        <source>Testing…</source>
        <translation>Wird getestet…</translation>
    </message>
</context>
<context>
    <name>ToolsPage</name>
    <message>
        <source>No files yet. A Python file in this folder can bring tools of your own.</source>
        <translation>Noch keine Dateien. Eine Python-Datei in diesem Ordner kann eigene Werkzeuge mitbringen.</translation>
    </message>
    <message>
        <source>None: the file tools can read nothing.</source>
        <translation>Keiner: Die Datei-Werkzeuge können nichts lesen.</translation>
    </message>
    <message>
        <source>A folder that the file tools may read</source>
        <translation>Ein Ordner, den die Datei-Werkzeuge lesen dürfen</translation>
    </message>
    <message>
        <source>Limits</source>
        <translation>Grenzen</translation>
    </message>
    <message>
        <source>Ask again for every tool</source>
        <translation>Für jedes Werkzeug wieder fragen</translation>
    </message>
    <message>
        <source>Each tool asks again as it does by itself.</source>
        <translation>Jedes Werkzeug fragt wieder so, wie es das von sich aus tut.</translation>
    </message>
    <message>
        <source>Your own tools</source>
        <translation>Deine eigenen Werkzeuge</translation>
    </message>
    <message>
        <source>Open the folder</source>
        <translation>Ordner öffnen</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Noch einmal nachsehen</translation>
    </message>
</context>
<context>
    <name>Tour</name>
    <message>
        <source>Everything stays here</source>
        <translation>Alles bleibt hier</translation>
    </message>
    <message>
        <source>Your chats are kept in one file on this computer, and models run on its own processor.</source>
        <translation>Deine Chats liegen in einer einzigen Datei auf diesem Computer, und Modelle laufen auf seinem eigenen Prozessor.</translation>
    </message>
    <message>
        <source>Once a model is here, no internet is needed. Nobody counts or reads what you do.</source>
        <translation>Sobald ein Modell hier ist, braucht es kein Internet. Niemand zählt oder liest, was du tust.</translation>
    </message>
    <message>
        <source>A model answers</source>
        <translation>Ein Modell antwortet</translation>
    </message>
    <message>
        <source>Tether talks with language models that you choose. A small one is added with one click.</source>
        <translation>Tether spricht mit Sprachmodellen, die du auswählst. Ein kleines ist mit einem Klick hinzugefügt.</translation>
    </message>
    <message>
        <source>You can add others any time, from the catalogue or from a file, and change between them.</source>
        <translation>Weitere kannst du jederzeit hinzufügen, aus dem Katalog oder aus einer Datei, und zwischen ihnen wechseln.</translation>
    </message>
    <message>
        <source>You decide</source>
        <translation>Du entscheidest</translation>
    </message>
    <message>
        <source>Tools ask before they do anything, and you can allow or deny each call.</source>
        <translation>Werkzeuge fragen, bevor sie etwas tun, und du kannst jeden Aufruf erlauben oder ablehnen.</translation>
    </message>
    <message>
        <source>The local port, by which other programs reach your chats, is off until you turn it on.</source>
        <translation>Der lokale Port, über den andere Programme deine Chats erreichen, ist aus, bis du ihn einschaltest.</translation>
    </message>
</context>
<context>
    <name>TourPage</name>
    <message>
        <source>Skip</source>
        <translation>Überspringen</translation>
    </message>
    <message>
        <source>Back</source>
        <translation>Zurück</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>Weiter</translation>
    </message>
    <message>
        <source>Begin</source>
        <translation>Beginnen</translation>
    </message>
    <message>
        <source>Page {number} of {count}</source>
        <translation>Seite {number} von {count}</translation>
    </message>
</context>
<context>
    <name>Tray</name>
    <message>
        <source>Copy {address}</source>
        <translation>{address} kopieren</translation>
    </message>
    <message>
        <source>Open Tether</source>
        <translation>Tether öffnen</translation>
    </message>
    <message>
        <source>New chat</source>
        <translation>Neuer Chat</translation>
    </message>
    <message>
        <source>Quick question</source>
        <translation>Schnelle Frage</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>Tether is answering</source>
        <translation>Tether antwortet gerade</translation>
    </message>
    <message>
        <source>Tether waits for your approval</source>
        <translation>Tether wartet auf deine Zustimmung</translation>
    </message>
</context>
<context>
    <name>UndoBar</name>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>Undo ({keys})</source>
        <translation>Rückgängig ({keys})</translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation>Ausblenden</translation>
    </message>
</context>
<context>
    <name>UpdateCard</name>
    <message>
        <source>Tether asks for newer releases only when you do, and installs nothing.</source>
        <translation>Tether fragt nur dann nach neueren Versionen, wenn du es willst, und installiert nichts.</translation>
    </message>
    <message>
        <source>Check for updates</source>
        <translation>Nach neuer Version fragen</translation>
    </message>
    <message>
        <source>You have the newest Tether, {version}.</source>
        <translation>Du hast das neueste Tether, {version}.</translation>
    </message>
    <message>
        <source>Tether {version} of {day} is there. You have {installed}.</source>
        <translation>Tether {version} vom {day} ist da. Du hast {installed}.</translation>
    </message>
    <message>
        <source>Open {site}</source>
        <translation>{site} öffnen</translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation>Fragt…</translation>
    </message>
</context>
<context>
    <name>UserMessage</name>
    <message>
        <source>Show less</source>
        <translation>Weniger zeigen</translation>
    </message>
    <message>
        <source>Show more</source>
        <translation>Mehr zeigen</translation>
    </message>
    <message>
        <source>Edit and send again</source>
        <translation>Bearbeiten und neu senden</translation>
    </message>
</context>
<context>
    <name>VersionSwitch</name>
    <message>
        <source>Previous version</source>
        <translation>Vorige Version</translation>
    </message>
    <message>
        <source>Next version</source>
        <translation>Nächste Version</translation>
    </message>
    <message>
        <source>Version {number} of {count}</source>
        <translation>Version {number} von {count}</translation>
    </message>
</context>
<context>
    <name>WelcomePage</name>
    <message>
        <source>Add a model…</source>
        <translation>Modell hinzufügen…</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Noch einmal nachsehen</translation>
    </message>
    <message>
        <source>Welcome</source>
        <translation>Willkommen</translation>
    </message>
    <message>
        <source>Have a model already? Put its folder into {folder}.</source>
        <translation>Hast du schon ein Modell? Leg seinen Ordner hier hinein: {folder}.</translation>
    </message>
    <message>
        <source>the model folder</source>
        <translation>der Modellordner</translation>
    </message>
    <message>
        <source>Found, but not usable:</source>
        <translation>Gefunden, aber nicht verwendbar:</translation>
    </message>
    <message>
        <source>Or another one: from the catalogue, a file, a link or Hugging Face.</source>
        <translation>Oder ein anderes: aus dem Katalog, einer Datei, einem Link oder von Hugging Face.</translation>
    </message>
    <message>
        <source>Welcome to Tether</source>
        <translation>Willkommen bei Tether</translation>
    </message>
    <message>
        <source>An assistant on this computer. What you write stays here. It needs a model first.</source>
        <translation>Ein Assistent auf diesem Computer. Was du schreibst, bleibt hier. Zuerst braucht er ein Modell.</translation>
    </message>
</context>
<context>
    <name>WindowWiring</name>
    <message>
        <source>Waiting for your approval - Tether</source>
        <translation>Wartet auf deine Zustimmung - Tether</translation>
    </message>
    <message>
        <source>“{title}” was deleted by another program.</source>
        <translation>„{title}“ wurde von einem anderen Programm gelöscht.</translation>
    </message>
    <message>
        <source>{model} cannot answer any more</source>
        <translation>{model} kann nicht mehr antworten</translation>
    </message>
    <message>
        <source>{model} answers from now on.</source>
        <translation>Von jetzt an antwortet {model}.</translation>
    </message>
</context>
<context>
    <name>row</name>
    <message>
        <source>{title} is ready</source>
        <translation>{title} ist bereit</translation>
    </message>
    <message>
        <source>Preparing {title}</source>
        <translation>{title} wird vorbereitet</translation>
    </message>
    <message>
        <source>Adding {title}</source>
        <translation>{title} wird hinzugefügt</translation>
    </message>
</context>
</TS>
