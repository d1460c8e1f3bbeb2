<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>AboutDesk</name>
    <message>
        <source>Licence of {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its makers put no text beside it.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AboutPage</name>
    <message>
        <source>Copy diagnostics</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open the folder of logs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>User guide</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copied. It has no words of your chats; read it before you send it on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Engines</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Licences of what comes with Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A private assistant on your own computer. Nothing leaves it unless you say so.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Licences</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter or a double click shows the whole text.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at everything…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Announcements</name>
    <message>
        <source>{tool} waits for your approval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply was stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswerDesk</name>
    <message>
        <source>Copied the answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is in no list, so there is no place for a branch of it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask in another temporary chat instead.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A temporary chat has no branches</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save code</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Saved {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{address} is neither a web page nor a mail address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy it if you trust it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The address was not opened</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswerPane</name>
    <message>
        <source>First model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Second model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How the first one answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How the second one answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer of {model}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep this answer</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswerText</name>
    <message>
        <source>Thinking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AnswersPage</name>
    <message>
        <source>The one used last</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is loaded now still has the values from before.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load again</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AppearancePage</name>
    <message>
        <source>Sample</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How far is the moon?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>About 384,000 km on average. Light needs 1.3 seconds for the way, a car half a year.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sample of the look</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Action</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>AttachDesk</name>
    <message>
        <source>Attach files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pasted text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pasted text {number}</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n file(s) changed since being attached. Read again what should be newer, or send what was read.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Pictures cannot be attached: the models here read words. Attach a text, a table or a PDF instead.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Banner</name>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Catalogue</name>
    <message>
        <source>The smallest that answers at all; good for trying things out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tiny, for short rewriting and sorting tasks in many languages.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Small and quick; simple questions in English.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quick on any computer; understands many languages and simple tool calls.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The smallest that thinks before it answers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Summaries and rewriting of longer texts on small computers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fluent short texts in English.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A good first choice for 8 GB of memory: many languages, tools, some code.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Everyday questions in English, from openly documented training.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thinks before it answers; good at small sums and tools for its size.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Better answers on computers with 8 GB of memory; not for commercial use.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>An all-round assistant for laptops with a long context window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reasoning and mathematics for its size; tools.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reasoning over long documents; needs much memory for its context.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The best that thinks before it answers below 8 GB; many languages, tools.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A solid all-rounder for 16 GB of memory, with tools.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The best all-rounder here for 16 GB of memory: languages, code, tools.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChatMarks</name>
    <message>
        <source>collapsed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>expanded</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>folder, %n chat(s)</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>waits for your approval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>unread</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>has a draft</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChatMenus</name>
    <message>
        <source>Open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Rename</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mark as read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Mark as unread</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restore</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Erase for good…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unarchive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Archive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move to folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>JSON…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Markdown…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChatSettingsDialog</name>
    <message>
        <source>Chat settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reset all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name of the persona</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name, such as Proofreader</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save as persona</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>They hold in this chat only, from the next answer on.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChatTitles</name>
    <message>
        <source>Pinned</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Older</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Today</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Previous 7 days</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Previous 30 days</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New chat</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ChatView</name>
    <message>
        <source>Conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Jump to the newest message</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ClosingDesk</name>
    <message>
        <source>Keep Tether open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit anyway?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep in tray</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep Tether in the tray?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It goes on answering there, and opens at once when you need it. Quit ends it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do this from now on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>An answer is being written. It is kept as far as it came.</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) wait for their turn. They are kept, and not asked.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>A model is being added. What is downloaded is kept, and the rest is done next time.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CodeLine</name>
    <message>
        <source>Copy {what}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CodeTools</name>
    <message>
        <source>Copy code</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save code…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wrap long lines</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Commands</name>
    <message>
        <source>New chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New temporary chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Find in this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Previous chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go to the tool call that waits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show or hide the sidebar</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop the answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CompareDesk</name>
    <message>
        <source>As the settings say</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Precisely (temperature 0.2)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Freely (temperature 1.2)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As {persona}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>CompareTab</name>
    <message>
        <source>One question for both</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask both</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing of this is stored unless you keep an answer.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Message {model}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Message…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>any tool</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A file is still being read. Send again in a moment.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ComposerNotice</name>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ComposerRow</name>
    <message>
        <source>Attach files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Saved prompts (/)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send ({keys})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop (Esc)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send when the answer is done ({keys})</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the model reads of this question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Of {window} tokens that this model keeps in mind</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More than the {window} tokens that this model keeps in mind: it cannot be answered as a whole</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ConfirmLine</name>
    <message>
        <source>Erase</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DataDesk</name>
    <message>
        <source>Backing up…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The backup was stopped; nothing of it is left.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Backed up to {file}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Exporting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Exported all chats to {file}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Importing from {file}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Erased %n chat(s).</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Erasing…</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Imported %n chat(s).</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Skipped %n:</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Back up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export all chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Conversations (*.json *.zip)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Backing up… {percent} %</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message>
        <source>Looking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back up…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export all…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Empty bin…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Erase all chats…</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n chat(s)</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n in the bin</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n message(s)</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Logs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open the folder: {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copies</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A backup is the whole database. An export is a file that any program can read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Erase</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None: the program&apos;s own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder that has models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A file in the data folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Erase %n chat(s) in the bin for good?</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
</context>
<context>
    <name>DemandChip</name>
    <message>
        <source>Do not demand a tool</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Must use: {tool}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>DraftDesk</name>
    <message>
        <source>What you type is kept only while Tether runs: {why}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The draft was not saved</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Durations</name>
    <message>
        <source>{seconds} s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{minutes} min {seconds} s</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>EmptyChat</name>
    <message>
        <source>Explain in simple words why the sky is blue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write a short note to thank a colleague</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show me how to count words in Python</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give me five ideas for a rainy afternoon</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What is on your mind?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This chat is never stored, and found by no search.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Everything stays on this computer.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>EmptyHere</name>
    <message>
        <source>Add a model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No models yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one from the catalogue, or take a file that you have already.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>EraseCard</name>
    <message>
        <source>The word that confirms it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Erase for good</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>erase</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>This erases all %n chat(s), the bin and the archive too, with folders and drafts.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>It cannot be taken back; personas, saved prompts, settings and models stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Type “{word}” to confirm it.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ErrorCard</name>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy what went wrong</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Errors</name>
    <message>
        <source>127.0.0.1 is this computer alone, 0.0.0.0 all of its addresses.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>127.0.0.1 is this computer alone.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A call is demanded, but no tool is there to call.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A model is being added already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A number on the way has thousands of digits.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A setting cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a working chat_template.jinja to the model&apos;s folder, or choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add the starter model or another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>After a ? it takes host, unix_sock, application_name, and sslmode: disable, prefer, require or verify-full.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All of them are switched off.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allow reading the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allow writing to the file and its folder, or choose another folder with TETHER_DATA_DIR.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another turn</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another window or command is at it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask for a simpler form.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask for one of both, or choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask for one of both.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask in another way, choose another model, or allow more rounds of tools in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask without it, or choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Beside tools, a format can only be a JSON schema.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change the settings of the reply.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check HF_ENDPOINT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check HTTPS_PROXY, or set NO_PROXY.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check HTTPS_PROXY.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check that it is there and may be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check that its server runs, and the host and port in MLC_SQLITE_URL.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check that the disk has free space and is still connected; everything saved before is safe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check that the disk is not full, and try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the address and its port.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the address, or download the file in the browser and add it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the address, or try again later.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the internet connection, or the index and proxy that pip is set up for, then try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the internet connection.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the name and the network.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the part after the @.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the spelling.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model or a server that calls tools.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A file in it has a name that is not safe to store: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A token that begins or ends its texts is not among its {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another Tether uses {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another program holds a part of {1} locked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Another program holds {1} locked.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask for less at once{1}, or {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check the address. {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another address or port.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another file with MLC_SQLITE_URL, or leave it empty for a file in the data folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another model folder in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose in the settings who searches the web.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one of these.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose “always in this chat” when it asks.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close other programs, choose a smaller model or a smaller context window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close other programs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close the other program (a database viewer, a backup, another Tether) and try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close what uses the model, then try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compile it for this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compile the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compile the model for this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy it once more from where you got it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the address of the file itself, often the one behind a download button.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct HTTPS_PROXY or ALL_PROXY.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct it in mcp.json.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct its models.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the file, or remove it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the file, or remove the folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the schema, or ask without it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Correct the schema.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do not use this model; tell whoever publishes it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download it again, or unpack it and import the conversations.json in it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download it in the browser, then add the file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download or copy the file again; it is not complete.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export fewer or shorter conversations at a time.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fetch or convert the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fetch the library for this device, or prepare the model for our engine.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Fetch the model again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some disk space.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space and try again; everything saved before is safe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space, or choose another model folder in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space, or make the data folder writable.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Free some space, then try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give a GGUF file, a folder with weights, hf:org/name, an https address, or a name that `tether models offers` lists.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give a number from {1} to {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give another one with {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give it with {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install {1}, or leave MLC_SQLITE_URL empty for a file in the data folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It has {1} tokens; this model keeps {2} in mind.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It has {1} tokens; {2} keeps {3} in mind, its reply included.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It has {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is no text but {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is open already, at {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its library cannot be written: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its library is made for {1}; this processor has {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its library was not compiled on this computer: {1}, SHA-256 {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its scores for the next token are not numbers (the best is {1}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Message {1} is not a {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No MCP server is called {1}. {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No answer is being written in conversation {1}, nor was one just now.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model is called {1}. {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No place is called {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No server is called {1}. {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No time zone is called {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not a {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing answers at {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other computers could reach {1}, and access from the network is off.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings are {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shorten the message{1}, or {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Something unexpected happened in the engine of {1}. This is a fault of the program.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Something unexpected happened while {1} was loaded. This is a fault of the program.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>TVM&apos;s runtime ({1}) was not found.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The MCP server {1} gave no answer. {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The chat template of {1} does not work: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The connection to {1} broke off.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The connection to {1} ended ({2}). What was being saved just then is not saved.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The database server {1} does not answer ({2}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The database that MLC_SQLITE_URL names needs the Python package {1}, which is not installed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The description of its decoder in mlc-chat-config.json cannot be used: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk is full: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk reports an error at {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine of {1} ended: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file cannot be read ({1}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file has a conversation of more than {1} million characters. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The linker {1} failed: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The models of {1} are not known yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The name or the password for {1} is not the one that the server knows.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The prompt has {1} tokens; the context window has room for {2} with the reply.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The proxy does not connect to {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server has no database for {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The special tokens of {1} are more, or longer, than any model needs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The tokenizer does not fit: {1}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no address {1}: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no conversation {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no message {1} in this conversation.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no room left for {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no room left on the server of {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no {1} in the chosen folders.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These are: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These can be: {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try --name {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With what this reply has called and been told so far {1}, and an answer needs at least {2} of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>tokenizer.json: the decoder {1} is neither byte-level nor SentencePiece.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} MB are needed, {2} MB are free in {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} belongs to another program. Nothing was changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} called tools again and again and gave no answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be a model&apos;s name: it means something else, or not every file system takes it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be connected to.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be followed: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be read: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be unloaded while it answers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be written ({2}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot be written: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} cannot have a model without a printable name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} did not answer{2}.{3}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} does not answer as a hub should.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} does not describe its positions.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} does not let this program write ({2}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} ends its replies after a word or two, which is too little to measure.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} has no library that waits for it. {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} has no such file (HTTP {2}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} has none that fits it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} has version {2}, which this Tether does not know. Nothing was changed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} holds no object.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is a folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is damaged or is not a database.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is damaged: {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is damaged: {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is made for {2}, which this processor does not have.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is neither a file or folder that is there nor a model that we know.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is no file that Tether could copy.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is no file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is no folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is no number.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is no time of day.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is not among the tools that were sent.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is not an address on the web.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is not in the catalogue.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is not in {2}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is not the address of a server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is outside the folders that may be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is the database itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} is {2}, so it cannot be allowed for good.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} leads in circles.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} names no model on the Hugging Face hub.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} needs more memory than is free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} needs no library.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} needs {2} with a context window of {3} tokens; {4} can be had.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} of {2}: {3}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} other programs, or choose a smaller model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} refuses (HTTP {2}).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} runs on a server that begins every reply anew.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} sends it packed in a way that was not asked for.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} sends on from one address to the next.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} sends on to what is no address.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} stopped in the middle of its reply.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} takes too long to answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} was exchanged while it was opened.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} was not compiled by Tether.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} was not loaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{1} was unloaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give it like https://www.example.org/page.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A name is missing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask for it to be made again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask it something longer, and look at the speed beside the answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask it to go on in a message of your own, or have the reply made again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Attach less of it, in several questions if need be{1}, or {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose another one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose one of at most {1}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close what uses it, then try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give one of them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Give the address alone, and the key with --key.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>If you trust it, unpack it and import the conversations.json in it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install Tether again, with apache-tvm.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install the newest Tether and import it there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Install the newest Tether, or choose another folder with TETHER_DATA_DIR.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It cannot go on there.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It has been deleted meanwhile.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It has no compiled library.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is a program: load it only if you trust where it comes from. Choosing the model in the window asks, and so does `tether models trust`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It may have been erased; choose another one from the list.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It may have been erased; open the conversation again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It stays as it was.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its entry is no JSON object.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its messages have all that was said.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its messages have what became of it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its processor has none of the instruction sets we compile for; the oldest is AVX2.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its tensors have other names or shapes than the model&apos;s.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave out --name and --bits.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave something out, or choose a model with a larger context window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Let its administrator allow the user of MLC_SQLITE_URL to create and change tables.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Let its administrator create it, or correct the name at the end of MLC_SQLITE_URL; the tables are made here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Let its administrator free some; everything saved before is safe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading was stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at it again, then allow it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look at the speed beside its answers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look on the hub for the same model as GGUF.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>MLC-LLM failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>MLC-LLM is not installed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>MLC_SQLITE_URL asks for something of the database server that is not known here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>MLC_SQLITE_URL is not the address of a database.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Make it writable, or choose another one with TETHER_DATA_DIR.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Make room on the disk, and try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>May this library run?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Neither a text nor a pattern was given.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model can be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model can be used any more.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No time zone is that far from UTC.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No token may follow.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No tool was called</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not known yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is being answered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing to search for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing to send</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing waits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>On Debian and Ubuntu: apt install binutils. Elsewhere: pip install ziglang.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only addresses that begin with https:// can be fetched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only files can be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only pages and other texts can be fetched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only pages of the public internet can be fetched.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only text files can be read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only the last reply can go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open-Meteo answers nothing that can be understood.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other messages come after this one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Put a copy of it in its place, or move the file elsewhere: a new one is made at the next start.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restore it first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run `python -m ensurepip`.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send it as a message of a chat.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send the file itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send the message again to load it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send the message again. If it happens again, the log has the details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send the message again; the log has the details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send tools along.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shorten the message or choose a model with a larger context window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shorten the message, or set a larger context window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shorten the message, or the conversation.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Start the program again; if it does not help, install it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Still answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop the answer first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Switch some on in the settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tether is already running</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tether is closing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>That is no path.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>That is outside the calendar.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The MCP server cannot be tried</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The MCP server cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The MCP server does not run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The MCP server has changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The MCP server has failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The Python package index cannot be reached.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The SHA-256 to check is none: it has 64 hexadecimal digits.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The SearXNG server does not answer programs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The answer cannot be saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The backup cannot be made</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The backup cannot go there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The body of the request is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The calculation has no result</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversation is in the bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversation is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversation is too long</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversation is too long for the server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversations are from a newer Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversations are in use</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The conversations cannot be opened</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The data folder cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The database is on a server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The database server cannot be reached</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The database server has gone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The database server refuses the password</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The demo cannot be added</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The disk is full.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The download cannot be removed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The download cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine cannot be started</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine is not installed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine refused the request</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The engine stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The expression cannot be understood</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file ends in the middle, or is empty. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file holds no conversations of Tether or ChatGPT.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file holds no text.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file is a damaged or encrypted zip file. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file is nested too deeply. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file is not valid JSON. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file was not allowed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file was written by a newer Tether. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The file would unpack to far more than its size allows. Nothing was imported.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The folder cannot be listed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The folder is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The hub&apos;s client is set to stay offline.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The key cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The key is missing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The library cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The library cannot be remembered</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The library cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The library does not fit the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The library does not fit this processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The measured speed cannot be kept</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The message is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The message is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The message is too long</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be called that</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be compiled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be downloaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be packed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be prepared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be removed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model cannot hold a conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model could not be compiled</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model does not fit into memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model file cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model folder cannot be written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is not loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model is not prepared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model takes no plain text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer does not fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model&apos;s tokenizer is not known</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model&apos;s weights are damaged</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The name is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The name is taken</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The name is too long</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The number is too large</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The page cannot be fetched</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The persona is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The prompt is not there</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply broke off</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply cannot be held to that</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply cannot go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply is not what the schema asks for</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply was cut off</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The schema cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The script cannot be played</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server broke off</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server calls no tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server cannot answer now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server cannot be reached</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server does not answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server does not have the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server does not take the key</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server ended the reply</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server is not trusted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server is not understood</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server is somewhere else</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The server wants a key</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The setting cannot be saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The setting cannot be used</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The setting is not a conversation&apos;s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The settings cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The settings cannot be saved</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The speed cannot be measured</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The starter is added as it is</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The time cannot be converted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The time cannot be understood</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The tool cannot be called so</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The tools cannot be changed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The web cannot be searched</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There are no tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is a model of that name already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no compiled library for this model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no keyring for the key</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no library to load</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no model in the folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no model on this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no room for an answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no room for the conversations</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such MCP server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such conversation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such model to add</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such setting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such time zone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no such tool</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is not enough memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is not enough memory.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is not enough space for the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to allow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to back up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to compile</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to import</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is “{1}” already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These conversations are kept nowhere.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This computer cannot run the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This conversation is still answering the last question.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This machine has no linker.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This tool has to ask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools and a reply format</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again in a moment; the server&apos;s administrator can see who holds it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again later, or another page.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again later.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again when the server runs; everything saved before is safe.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again, or ask in another way.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again, or ask who runs the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again. If it happens again, ask whoever runs your package index.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again. If it happens again, do not use this model.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again. If it happens again, look at the server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again. If it happens again, the log has the details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again; if it happens again, verify the model&apos;s files.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again; the log has the details.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try another page.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unset HF_HUB_OFFLINE.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use 127.0.0.1, or allow it in the settings or with TETHER_LAN_ACCESS=on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use UTC-12 to UTC+14.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use a computer with an Intel or AMD processor from 2015 or later.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use a few words.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use smaller numbers.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use that one or close it first; TETHER_DATA_DIR gives this one a folder of its own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use the address that begins with https://.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use up to 40 letters, digits, dots, hyphens and underscores.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Verify the model, or add it again.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wait for the reply, or stop it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Wait until it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What came is no text.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What came is not the file it should be: its SHA-256 differs.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What has come is kept. Ask again for the whole reply.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What was chosen is no file.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What was decided about tools cannot be read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whoever looks after the server can back it up with pg_dump; exporting all conversations works here too.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With its files and the system prompt{1} {2} {3}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>With the system prompt{1} {2}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write a message first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write both into MLC_SQLITE_URL as in postgresql://name:password@host/database, with %40 for @ and so on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write it like sqlite:////home/me/tether.db, or leave it empty for a file in the data folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write one.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Write something first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`GET /approvals` shows what does.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`GET /tools` shows what its arguments are.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`GET /tools` shows what there is.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`tether sessions list` shows all ids.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>`tether tools list` shows them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>pip, which fetches it, is not installed.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FiguresPopover</name>
    <message>
        <source>What the answer took</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens written</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Prompt tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Known already</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read anew</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Speed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Time to the first token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waited for the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading the prompt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writing</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FileDrop</name>
    <message>
        <source>Drop files here to attach them</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FileRow</name>
    <message>
        <source>Attached files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Changed since it was read</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FileViewer</name>
    <message>
        <source>What the model reads of {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Put into the message</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{facts} · the beginning is shown, the model gets all of it</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FileWords</name>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FilesDesk</name>
    <message>
        <source>Import conversations</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Conversations (*.json *.zip)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export into a folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tether chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Importing from {file}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Exporting to {file}…</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Imported %n chat(s).</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>and %n more</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Skipped %n:</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Exported all chats to {file}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Exported %n chat(s) to {file}.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Exported {number} of {count}…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>Find in this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Previous place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next place</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{number} of {count}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FitPill</name>
    <message>
        <source>fits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>may be slow</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>will not fit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is enough free memory for it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It works, but the rest of the computer will feel it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It needs more memory than is free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory: {fit}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FolderList</name>
    <message>
        <source>None: the file tools can read nothing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder that the file tools may read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a folder…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take off {folder}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FoldersDesk</name>
    <message>
        <source>New folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Deleted the folder “{name}”; its chats stay.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FoundPage</name>
    <message>
        <source>Settings that were found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Found</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No setting is called “{query}”.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FoundRows</name>
    <message>
        <source>in the archive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Messages</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>FoundView</name>
    <message>
        <source>Found</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GeneralPage</name>
    <message>
        <source>Among other programs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hold Ctrl, Alt or the Windows key with one other key.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>GlobalShortcut</name>
    <message>
        <source>{keys} is no shortcut: write one key with Ctrl, Alt or Meta, such as Ctrl+Alt+Space.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This desktop gives its keys to no program. Let it run “tether --quick” by a shortcut in its own settings.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{keys} is taken by another program. Choose other keys.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>up to {size}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{used} / {window} tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{rate} tok/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show or hide the sidebar</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temporary chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More for this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leave the temporary chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New temporary chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory of the model · how much of its context window this chat fills · speed of the newest answer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Runs on {device}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The window is nearly full: soon the oldest messages will be left out, and you will be told.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>HereTab</name>
    <message>
        <source>Search models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model is called that.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>InstallRow</name>
    <message>
        <source>{weights} of weights · {memory} of memory for {window} tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Resume</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>OK</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop, and remove what was downloaded of {title}?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop and remove</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>InstallView</name>
    <message>
        <source>Progress of adding the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>You are offline</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Connect to the internet, then try again: it goes on from where it stopped.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Installation</name>
    <message>
        <source>Downloading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Looking at the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Packing the weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compiling for this processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Finishing</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waits until the one before it is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Starting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Step {number} of {count}: {stage}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title} was not prepared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title} was not added</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title} is ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title}: paused</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title}: waiting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>starting</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Paused. {done} of {total} are here already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Paused. {done} are here already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Paused. {part} of it is here already.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not begun yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>less than a minute left</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>KeyEditor</name>
    <message>
        <source>Press keys…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>LibraryDialog</name>
    <message>
        <source>Load this library?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{model}” comes with a library that was not compiled on this computer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A model&apos;s library is a program, and can do whatever you can do on this computer. Load it only if you trust where it comes from. You are asked again if the file changes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SHA-256: {sha256}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Don&apos;t load</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>LinkDialog</name>
    <message>
        <source>Open this address?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model wrote this address. Open it outside Tether?</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It goes to {host}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It goes to your mail program.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What stands before the @ is a name to sign in with, not where it goes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It has letters of other alphabets, which may look like those of a name you know.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It goes to a number instead of a name.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The connection is not encrypted.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ListMenuButton</name>
    <message>
        <source>Order, folders and files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export all…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sort by last activity</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sort by creation</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sort by title</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MainWindow</name>
    <message>
        <source>Opening your conversations…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no model yet, so nothing can be answered. Start a new chat to add one.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MappingDetails</name>
    <message>
        <source>Weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In the source</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Difference</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>embedding</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>query, key, value</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>attention output</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>gate, up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>down</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>head</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its weights were packed before and are as they were.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All weights were taken over exactly.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Weights differ from those of the source by at most {error} (relative RMS).</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>exact</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Details</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What became of the weights</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Markdown</name>
    <message>
        <source>Show all {count} lines</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show all {count} rows</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>… {count} more characters are not shown here. Show all of it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show all of it</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MarkdownBody</name>
    <message>
        <source>Text of the message</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MessageEdit</name>
    <message>
        <source>Message</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MessageMenu</name>
    <message>
        <source>Copy what is selected</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy as Markdown</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy as plain text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Branch from here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the answer took</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Edit and send again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Continue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer again with</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MessageWidget</name>
    <message>
        <source>You said: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{speaker} answered: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy message</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More for this message</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelCard</name>
    <message>
        <source>default</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use for new chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use {title} for new chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {title} from this computer? This frees {size}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {title} and its compiled library from this computer? This frees {size}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More about {title}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allow its library…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Prepare for this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Download again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Comparing every file with its checksum…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Removing…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting until the model is free…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading it to measure how fast it answers…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measuring how fast it answers…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer with it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measure speed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Check its files</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelCare</name>
    <message>
        <source>Every file is complete and unchanged.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>No model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model: none</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model: {model}, {state}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelPopup</name>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is no model yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Manage models…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No model is called that.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelRow</name>
    <message>
        <source>{model}, {state}, chosen</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{model}, {state}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Load</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Retry</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allow…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Prepare</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelSourceForm</name>
    <message>
        <source>A file, a folder, a link or a name on Hugging Face (hf:org/name)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose file…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose folder…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search the catalogue</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>From the catalogue, by size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models (*.gguf);;All files (*)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose a folder of weights</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelStatus</name>
    <message>
        <source>4-bit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>5-bit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>8-bit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>4 to 8-bit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{bits}-bit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{quantization} weights</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Its files are gone: the folder was deleted, or its drive was taken out.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Put them back to go on using it. What is still loaded can be unloaded.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Server {server}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelWords</name>
    <message>
        <source>not loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>loading</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>files gone</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>asks first</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not prepared</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not usable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} tokens of context</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>on the server {server}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>up to {size} in memory</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>answering now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>unused since {since}, stays loaded</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>unused since {since}, unloads at {until}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{size} on disk</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelsDesk</name>
    <message>
        <source>The starter model</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back to the chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sections of the models page</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compare</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Speed</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>NoticePage</name>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Trying…</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Notifier</name>
    <message>
        <source>Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The answer is done.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A tool waits for your approval.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>OfferList</name>
    <message>
        <source>{size} to download · {memory} of memory · {licence}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} terms</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models to choose from</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>OverrideField</name>
    <message>
        <source>This has to be {allowed}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Take the value of the settings: {value}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title}: as in the settings</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>OwnFileRow</name>
    <message>
        <source>allowed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not allowed yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>changed since you allowed it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>broken</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It is a program, and can do whatever you can do on this computer. Allow it only if you know what is in it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allow this file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do not allow any more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Allow {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do not allow {name} any more</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PageList</name>
    <message>
        <source>Pages of the settings</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PersonaButton</name>
    <message>
        <source>Custom</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Default</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Persona: {name}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PersonaCard</name>
    <message>
        <source>Edit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Duplicate</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Persona {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Really delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As the settings say</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PersonaDesk</name>
    <message>
        <source>Default</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chat settings…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Edit personas…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Saved as the persona “{name}”.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PersonaForm</name>
    <message>
        <source>Name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Proofreader</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The chat&apos;s own</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PersonasPage</name>
    <message>
        <source>There are none yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a persona…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A persona is a name for a model, a system prompt and other values. Choose one in a chat, beside the field where you write.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} (copy)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PortCard</name>
    <message>
        <source>Closed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Opening…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open at {url}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Closing…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use {port} instead</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Local port: {state}. {about}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No program can reach this window.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Only programs on this computer reach it, and only with the token.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other computers reach it too, at this computer&apos;s address and with the token. What they send is not encrypted.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PortPage</name>
    <message>
        <source>Offer these conversations to programs on this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Let other computers in the network reach it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the command</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the address for OpenAI clients</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the address of the description</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scripts, editors and programs that know OpenAI&apos;s API can then read and write here, and use the models. What they write appears in this window as it comes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>They need the token, but what is sent is not encrypted: whoever can listen in this network can read all of it, the token too. Do this only in a network you trust.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>For programs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>In a terminal</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Base URL for programs that know OpenAI&apos;s API; the key is the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All requests, to read and to try, in a browser</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>All requests are described in docs/api.md, what is kept safe and how in docs/security.md.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set by the environment variable {name}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PortSign</name>
    <message>
        <source>Programs can reach this window at {place}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PromptDialog</name>
    <message>
        <source>Insert</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{name} (optional)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>From the MCP server {server}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PromptMenu</name>
    <message>
        <source>Prompts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Edit prompts…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No prompt is called so. Enter sends what is typed.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No prompts are saved yet. Keep what you often ask, and call it up by typing a slash.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>PromptsDialog</name>
    <message>
        <source>Saved prompts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Name, such as Summarise</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Prompt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What to ask. {{Blanks like this}} are filled in when it is used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New prompt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Type / in an empty message to call one up.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>QuestionEditor</name>
    <message>
        <source>Edit the message</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>QueueCard</name>
    <message>
        <source>Move up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Move down</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Edit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Files only</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Question {place} of {count}: {text}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Change the question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Save</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>QueueList</name>
    <message>
        <source>Send next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Questions that wait</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) waiting for you</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) will be sent when the answer is done</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
</context>
<context>
    <name>QuickDesk</name>
    <message>
        <source>There is no model yet.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>QuickWindow</name>
    <message>
        <source>Quick question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask anything…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask (Enter)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open in Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop the answer (Esc)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>RemovableChip</name>
    <message>
        <source>Read the file again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Turn back into text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Remove {name}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read {name} again</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Replies</name>
    <message>
        <source>The answer was interrupted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{rate} tok/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What was said until then is kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask for the answer again.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ReplyMessage</name>
    <message>
        <source>Thinking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thinking for {seconds} s…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thought for {duration}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting for the model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading prompt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Writing…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Preparing a tool call…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cut off at the longest length of a reply</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{what} {percent} %</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the answer took</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>RequestLog</name>
    <message>
        <source>Clear</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests of the local port</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Paused; %n request(s) came meanwhile.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>The newest first; what was asked and answered is not kept.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>No program has asked for anything yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Go on</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pause</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>RequestModel</name>
    <message>
        <source>Time</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Program</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Request</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Status</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Took</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>own token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>no token</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SearchField</name>
    <message>
        <source>Search chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Search chats and messages (Ctrl+K)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SearchPage</name>
    <message>
        <source>Nothing found for “{query}”.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ServersPage</name>
    <message>
        <source>There are none yet.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a server…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open the file</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read it again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>MCP servers are other people&apos;s programs that bring tools, started and asked only as far as you allow.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SessionDelegate</name>
    <message>
        <source>Folder name</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chat title</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SessionList</name>
    <message>
        <source>Your chats will be listed here.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New chat (Ctrl+N)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Archive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Settings (Ctrl+,)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SessionView</name>
    <message>
        <source>Chats</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SessionsDesk</name>
    <message>
        <source>Archived “{title}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Archived %n chat(s).</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Deleted “{title}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Deleted %n chat(s).</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>New chat</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SettingField</name>
    <message>
        <source>This has to be {allowed}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>empty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Changed. Reset to the default: {value}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reset to the default: {title}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set by the environment variable {name}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Settings</name>
    <message>
        <source>Model folders</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folders that hold models, separated like PATH; new ones go to the first. A relative one lies in the checkout, or in the data folder of an installed program.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Database</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SQLAlchemy URL of the conversation database; empty means a file in the data folder.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Local port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether the window also offers its conversations to programs, at the address below.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Address</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The address the local port listens at; any but this computer&apos;s own needs access from the network.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The number of the local port; 0 takes any that is free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Access from the network</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether the local port may listen at an address that other computers reach; they need a token, and what they send and get is not encrypted.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Names of this computer</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Names, besides localhost and addresses, by which programs may ask for the local port, separated by commas.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Web pages that may ask</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Origins of web pages that may use the local port, such as http://localhost:3000, separated by commas; empty allows none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests per minute</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How many requests each token may make on the local port; 0 is no limit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Summaries</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether the model sums up what no longer fits its context window, and reads that in its place.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The model new conversations use; empty takes the last one used.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Theme</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Light, dark, or as the system says.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Language</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The language of the window: English, German, or as the system says.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Text size</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Pixels of ordinary text, before the screen&apos;s own scale.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Density</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How much room there is between messages, rows and buttons.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reduced motion</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether nothing moves in the window but the text that comes.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Send with</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The key that sends a question: Enter, or Ctrl+Enter so that Enter begins a new line.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Chat titles</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether the model finds a title when it has answered first, or the question&apos;s own words stay.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keep deleted chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Days after which a chat in the bin is erased; 0 keeps it until you erase it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Closing the window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether closing the window ends Tether, or leaves it in the tray; ask asks once.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Notifications</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether the desktop tells you of an answer that is done while the window is out of sight.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quick window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A shortcut that opens a small window for one question from anywhere, such as Ctrl+Alt+Space; empty for none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Keys that were changed, as new_chat=Ctrl+T with spaces between them; nothing behind = is no key.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What every conversation tells the model first; empty tells it nothing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>0 is always the most likely word.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose among the most likely words up to this probability.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Choose among this many words; 0 is no limit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Drop words less likely than this fraction of the best.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Repetition penalty</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Above 1 discourages repeating.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Longest reply</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens after which a reply is cut off.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Context window</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens a model keeps in mind; 0 takes the model&apos;s own as far as memory allows.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compute threads</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>0 lets the engine choose.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loaded models</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models kept loaded, as far as memory allows; the least recently used goes first.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unload after</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Minutes after which a model that nobody uses is unloaded; 0 keeps it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory for chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Megabytes in which each model keeps the chats it has read, so that none is read again; 0 takes a quarter of what is free.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thinking</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether models that can think first do so, where their chat template lets it be chosen.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Longest thinking</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tokens after which a model has to stop thinking and answer; 0 is no limit.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether models are told of the tools: always, never, or those whose chat template knows tools.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tool rounds</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>How often in one reply a model may call tools before it has to answer.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tool timeout</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Seconds after which a tool is ended.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folders for tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Folders that the file tools may read, separated like PATH; empty lets them read none.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools from the internet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whether tools may fetch pages, ask for the weather and search the web.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Web search</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Who searches the web for the tools, where these may use the internet: Brave or Tavily with a key of your own, or a SearXNG server.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>SearXNG server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The address of the SearXNG server that searches the web, such as https://searx.example.org.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>System</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Light</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dark</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>As the system</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Comfortable</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Compact</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ctrl+Enter</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Found by the model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The question&apos;s words</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask once</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ends Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Leaves it in the tray</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Always</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Never</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nobody</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a whole number</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a whole number from {low}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a whole number from {low} up to {high}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a number</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a number from {low}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a number from {low} up to {high}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a number above {low}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a number above {low} up to {high}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>a text</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Holds for models that are loaded from now on.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Holds when Tether is started again.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SettingsDialog</name>
    <message>
        <source>Settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Close the settings</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Find a setting</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SettingsPages</name>
    <message>
        <source>General</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Among other programs</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models and answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Memory and speed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Personas</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a persona</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Limits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Your own tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask again for every tool</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>MCP servers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Add a server</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Paste JSON of servers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Local port</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>More</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Requests</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Data</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Other places</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back up</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Export all chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Import chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Empty bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Erase all chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Where everything lies</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Shortcuts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>About</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Version</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Licences</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy diagnostics</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ShelfPage</name>
    <message>
        <source>Back to the chats</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Empty bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Bin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Archive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Restore</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Unarchive</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Erase now</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Delete</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Nothing is archived. Archived chats stay out of the list and are found by searching.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These chats stay out of the list and are found by searching.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The bin is empty.</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Erased after %n day(s).</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
    <message>
        <source>Kept until you erase them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message numerus="yes">
        <source>Erase %n chat(s) for good? This cannot be undone.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ShortcutRow</name>
    <message>
        <source>Reset the keys of: {title}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use them here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{keys} already does: {title}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>These keys edit text. Choose others.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hold Ctrl or Alt with it, or take a function key.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ShortcutsPage</name>
    <message>
        <source>Reset all</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Press a button and then the new keys. Backspace takes the keys away, Esc leaves them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Set by the environment variable {name}.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SideAnswer</name>
    <message>
        <source>Starting…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waits until the model is free…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading the model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading the question…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answering…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>First word after {time}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{count} tokens in {time}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SideScroll</name>
    <message>
        <source>Scroll the code sideways</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Scroll the table sideways</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SpeedTab</name>
    <message>
        <source>Model to measure</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Models, by how fast they write</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>This model, measured before</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not measured yet</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>It takes less than a minute with most models. Chats go first: it waits its turn.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Waiting until the model is free…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Loading the model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Reading and writing, six times…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Progress of the measurement</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Stop</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Measure speed</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SpeedWords</name>
    <message>
        <source>{rate} tokens/s</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers more slowly than you read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers about as fast as you read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers faster than you read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answers much faster than you read.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes about a second to read a page.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes about {count} seconds to read a page.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Takes about {count} minutes to read a page.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>reading {rate}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>writing {rate}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>after 512 tokens {rate}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>loaded in {seconds} s</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>StarterCard</name>
    <message>
        <source>Add the starter model</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Try again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A download of about 95 MB · licence Apache-2.0 · runs on the processor</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Good for: short questions, rewording and summing up a few paragraphs, trying Tether out. It answers at once, even without a graphics card.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Not good for: facts, arithmetic, long texts and most languages but English. It is small and often wrong; larger models can be added below, now or later.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>StatusLine</name>
    <message>
        <source>Continue</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>SystemDesk</name>
    <message numerus="yes">
        <source>%n chat(s) imported.</source>
        <translation type="unfinished">
            <numerusform></numerusform>
            <numerusform></numerusform>
        </translation>
    </message>
</context>
<context>
    <name>TemporaryBar</name>
    <message>
        <source>Keep it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Store this chat like any other</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Temporary chat: it is gone when you close it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The temporary chat is closed and will be forgotten.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TermsNotice</name>
    <message>
        <source>Read it</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>I accept the terms</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title} is free under the licence {licence}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{title} comes with terms of use: {licence}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Read the licence of {title} in the browser</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>I accept the terms of use of {title}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TextBox</name>
    <message>
        <source>Copy: {what}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>{heading} (scroll to read all of it)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TokenField</name>
    <message>
        <source>Token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Renew</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Renew the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Whoever has it can read and change everything here. For a program that is only to chat, make a token of its own: {command}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is a new token. Programs that had the old one need it.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hide</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Hide the token</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Really renew</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Programs that have the token stop working until they get the new one.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ToolButton</name>
    <message>
        <source>There are no tools. Switch some on in Settings, Tools.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools as the settings say</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools on for this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools off for this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Use a tool for this question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Insert a prompt</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Any tool (it must use one)</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ToolCalls</name>
    <message>
        <source>A call that could not be understood</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>waiting for your approval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>one moment…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>running…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>done</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>declined</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>interrupted</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>not run</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>running {percent} %</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>… and {count} more characters</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ToolCard</name>
    <message>
        <source>Allow once</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run this call</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Always in this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run this call and all others of this tool in this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Deny</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Do not run this call</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Never in this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Run no call of this tool in this chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the model wrote</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Arguments</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Result</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>What the model is told</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>ToolsPage</name>
    <message>
        <source>No files yet. A Python file in this folder can bring tools of your own.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>None: the file tools can read nothing.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A folder that the file tools may read</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Limits</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Ask again for every tool</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Each tool asks again as it does by itself.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Your own tools</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open the folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look again</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Tour</name>
    <message>
        <source>Everything stays here</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Your chats are kept in one file on this computer, and models run on its own processor.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Once a model is here, no internet is needed. Nobody counts or reads what you do.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>A model answers</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tether talks with language models that you choose. A small one is added with one click.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>You can add others any time, from the catalogue or from a file, and change between them.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>You decide</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tools ask before they do anything, and you can allow or deny each call.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The local port, by which other programs reach your chats, is off until you turn it on.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>TourPage</name>
    <message>
        <source>Skip</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Back</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Begin</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Page {number} of {count}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>Tray</name>
    <message>
        <source>Copy {address}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Open Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>New chat</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quick question</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Quit</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tether is answering</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Tether waits for your approval</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>UndoBar</name>
    <message>
        <source>Undo</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Undo (Ctrl+Shift+Z)</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Dismiss</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>UserMessage</name>
    <message>
        <source>Show less</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Show more</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Edit and send again</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>VersionSwitch</name>
    <message>
        <source>Previous version</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Next version</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Version {number} of {count}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>WelcomePage</name>
    <message>
        <source>Add a model…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Look again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Welcome</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Have a model already? Put its folder into {folder}.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>the model folder</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Found, but not usable:</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Or another one: from the catalogue, a file, a link or Hugging Face.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Welcome to Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>An assistant on this computer. What you write stays here. It needs a model first.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>WindowWiring</name>
    <message>
        <source>Waiting for your approval - Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{title}” was deleted by another program.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>row</name>
    <message>
        <source>{title} is ready</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Preparing {title}</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Adding {title}</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
