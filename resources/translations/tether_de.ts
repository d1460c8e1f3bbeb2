<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
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
    <name>ErrorCard</name>
    <message>
        <source>Try again</source>
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
        <source>Check the internet connection. {1}</source>
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
        <source>With the system prompt{1} {2}, and its reply needs at least {3} of them.</source>
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
        <source>Open-Meteo answers nothing that can be understood.</source>
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
        <source>The number is too large</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The page cannot be fetched</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The prompt is empty.</source>
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
        <source>There is nothing to compile</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>There is nothing to import</source>
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
    <name>MarkdownBody</name>
    <message>
        <source>Copy code</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>MessageWidget</name>
    <message>
        <source>You</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Copy message</source>
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
    <name>ReplyMessage</name>
    <message>
        <source>Thinking…</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Thought for %s</source>
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
        <source>The reply failed</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Answer again</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Assistant</source>
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
</context>
<context>
    <name>UserMessage</name>
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
</context>
<context>
    <name>WindowWiring</name>
    <message>
        <source>Waiting for your approval - Tether</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>Deleted “{title}”.</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>“{title}” was deleted by another program.</source>
        <translation type="unfinished"></translation>
    </message>
</context>
<context>
    <name>widget</name>
    <message>
        <source>%s waits for your approval</source>
        <translation type="unfinished"></translation>
    </message>
    <message>
        <source>The reply was stopped</source>
        <translation type="unfinished"></translation>
    </message>
</context>
</TS>
