<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>AttachDesk</name>
    <message numerus="yes">
        <source>%n file(s) changed since being attached. Read again what should be newer, or send what was read.</source>
        <translation>
            <numerusform>%n file changed since being attached. Read again what should be newer, or send what was read.</numerusform>
            <numerusform>%n files changed since being attached. Read again what should be newer, or send what was read.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ChatDrag</name>
    <message numerus="yes">
        <source>%n chat(s)</source>
        <translation>
            <numerusform>%n chat</numerusform>
            <numerusform>%n chats</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ChatMarks</name>
    <message numerus="yes">
        <source>folder, %n chat(s)</source>
        <translation>
            <numerusform>folder, %n chat</numerusform>
            <numerusform>folder, %n chats</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ClosingDesk</name>
    <message numerus="yes">
        <source>%n answer(s) are still being written. They are kept as far as they came.</source>
        <translation>
            <numerusform>%n answer are still being written. They are kept as far as they came.</numerusform>
            <numerusform>%n answers are still being written. They are kept as far as they came.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) wait for their turn. They are kept, and not asked.</source>
        <translation>
            <numerusform>%n question waits for its turn. It is kept, and not asked.</numerusform>
            <numerusform>%n questions wait for their turn. They are kept, and not asked.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>DataDesk</name>
    <message numerus="yes">
        <source>Erased %n chat(s).</source>
        <translation>
            <numerusform>Erased %n chat.</numerusform>
            <numerusform>Erased %n chats.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Imported %n chat(s).</source>
        <translation>
            <numerusform>Imported %n chat.</numerusform>
            <numerusform>Imported %n chats.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Skipped %n:</source>
        <translation>
            <numerusform>Skipped %n:</numerusform>
            <numerusform>Skipped %n:</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>DataPage</name>
    <message numerus="yes">
        <source>%n chat(s)</source>
        <translation>
            <numerusform>%n chat</numerusform>
            <numerusform>%n chats</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n in the bin</source>
        <translation>
            <numerusform>%n in the bin</numerusform>
            <numerusform>%n in the bin</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n message(s)</source>
        <translation>
            <numerusform>%n message</numerusform>
            <numerusform>%n messages</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Erase %n chat(s) in the bin for good?</source>
        <translation>
            <numerusform>Erase %n chat in the bin for good?</numerusform>
            <numerusform>Erase %n chats in the bin for good?</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>EraseCard</name>
    <message numerus="yes">
        <source>This erases all %n chat(s), the bin and the archive too, with folders and drafts.</source>
        <translation>
            <numerusform>This erases %n chat, the bin and the archive too, with folders and drafts.</numerusform>
            <numerusform>This erases all %n chats, the bin and the archive too, with folders and drafts.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FileWords</name>
    <message numerus="yes">
        <source>%n token(s)</source>
        <translation>
            <numerusform>%n token</numerusform>
            <numerusform>%n tokens</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FilesDesk</name>
    <message numerus="yes">
        <source>Imported %n chat(s).</source>
        <translation>
            <numerusform>Imported %n chat.</numerusform>
            <numerusform>Imported %n chats.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>and %n more</source>
        <translation>
            <numerusform>and %n more</numerusform>
            <numerusform>and %n more</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Skipped %n:</source>
        <translation>
            <numerusform>Skipped %n:</numerusform>
            <numerusform>Skipped %n:</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Exported %n chat(s) to {file}.</source>
        <translation>
            <numerusform>Exported %n chat to {file}.</numerusform>
            <numerusform>Exported %n chats to {file}.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FoldersDesk</name>
    <message numerus="yes">
        <source>Moved %n chat(s).</source>
        <translation>
            <numerusform>Moved %n chat.</numerusform>
            <numerusform>Moved %n chats.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>FoundRows</name>
    <message numerus="yes">
        <source>%n more chat(s)</source>
        <translation>
            <numerusform>%n more chat</numerusform>
            <numerusform>%n more chats</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Installation</name>
    <message numerus="yes">
        <source>about %n hour(s) left</source>
        <translation>
            <numerusform>about %n hour left</numerusform>
            <numerusform>about %n hours left</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>about %n minute(s) left</source>
        <translation>
            <numerusform>about %n minute left</numerusform>
            <numerusform>about %n minutes left</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>PersonaCard</name>
    <message numerus="yes">
        <source>%n value(s) of its own</source>
        <translation>
            <numerusform>%n value of its own</numerusform>
            <numerusform>%n values of its own</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>QueueCard</name>
    <message numerus="yes">
        <source>%n file(s)</source>
        <translation>
            <numerusform>%n file</numerusform>
            <numerusform>%n files</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>QueueList</name>
    <message numerus="yes">
        <source>%n question(s) waiting for you</source>
        <translation>
            <numerusform>%n question waiting for you</numerusform>
            <numerusform>%n questions waiting for you</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n question(s) will be sent when the answer is done</source>
        <translation>
            <numerusform>%n question will be sent when the answer is done</numerusform>
            <numerusform>%n questions will be sent when the answer is done</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Replies</name>
    <message numerus="yes">
        <source>%n earlier message(s) left out: the chat no longer fits the {window} tokens this model keeps in mind. It reads the newest {kept}.</source>
        <translation>
            <numerusform>%n earlier message left out: the chat no longer fits the {window} tokens this model keeps in mind. It reads the newest {kept}.</numerusform>
            <numerusform>%n earlier messages left out: the chat no longer fits the {window} tokens this model keeps in mind. It reads the newest {kept}.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>RequestLog</name>
    <message numerus="yes">
        <source>Paused; %n request(s) came meanwhile.</source>
        <translation>
            <numerusform>Paused; %n request came meanwhile.</numerusform>
            <numerusform>Paused; %n requests came meanwhile.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ServerCard</name>
    <message numerus="yes">
        <source>%n tool(s)</source>
        <translation>
            <numerusform>%n tool</numerusform>
            <numerusform>%n tools</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n resource(s)</source>
        <translation>
            <numerusform>%n resource</numerusform>
            <numerusform>%n resources</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n prompt(s)</source>
        <translation>
            <numerusform>%n prompt</numerusform>
            <numerusform>%n prompts</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SessionsDesk</name>
    <message numerus="yes">
        <source>Archived %n chat(s).</source>
        <translation>
            <numerusform>Archived %n chat.</numerusform>
            <numerusform>Archived %n chats.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Deleted %n chat(s).</source>
        <translation>
            <numerusform>Deleted %n chat.</numerusform>
            <numerusform>Deleted %n chats.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>ShelfPage</name>
    <message numerus="yes">
        <source>Erased after %n day(s).</source>
        <translation>
            <numerusform>Erased after %n day.</numerusform>
            <numerusform>Erased after %n days.</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Erase %n chat(s) for good? This cannot be undone.</source>
        <translation>
            <numerusform>Erase %n chat for good? This cannot be undone.</numerusform>
            <numerusform>Erase %n chats for good? This cannot be undone.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SideAnswer</name>
    <message numerus="yes">
        <source>%n token(s) in {time}</source>
        <translation>
            <numerusform>%n token in {time}</numerusform>
            <numerusform>%n tokens in {time}</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>SystemDesk</name>
    <message numerus="yes">
        <source>%n chat(s) imported.</source>
        <translation>
            <numerusform>%n chat imported.</numerusform>
            <numerusform>%n chats imported.</numerusform>
        </translation>
    </message>
</context>
</TS>
