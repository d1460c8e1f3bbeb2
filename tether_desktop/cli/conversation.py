r"""The part of `tether chat` that a person sits before: questions, and \commands between them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tether_desktop.cli.event_printer import TextPrinter
from tether_desktop.cli.line_input import LineInput
from tether_desktop.cli.output import note, safe, tell
from tether_desktop.cli.save import save_chat
from tether_desktop.cli.talk import Talk
from tether_desktop.errors import TetherError

if TYPE_CHECKING:
    from tether_desktop.context.records import SessionRecord

_LISTED = 20
_KEYS = r"""Write a question and press Enter. Alt+Enter or Ctrl-J begins another line, as does a \ at the end of one.
Ctrl-C stops the answer and keeps what was said; Ctrl-D leaves."""


class Conversation:
    """A person, a printer and a talk."""

    def __init__(self, talk: Talk, printer: TextPrinter, line_input: LineInput) -> None:
        self._talk = talk
        self._printer = printer
        self._input = line_input
        self._left = False

    def go(self) -> None:
        """Ask and answer until the person leaves."""
        note(r"\help shows what you can do; Ctrl-D leaves.")
        while not self._left and (said := self._input.question()) is not None:
            if said.strip():
                self._take(said)

    def menu(self, _: str) -> None:
        """List the commands and run the one that is chosen."""
        commands = [name for name in COMMANDS if name not in {"\\menu", "\\help"}]
        chosen = self._choose(
            [f"{name:<10} {COMMANDS[name].what}" for name in commands], "What shall it be? Number, or Enter for none: "
        )
        if chosen is not None:
            COMMANDS[commands[chosen]].run(self, "")

    def help(self, _: str) -> None:
        """Say what can be typed."""
        note(_KEYS)
        for name, command in COMMANDS.items():
            note(f"  {name + ' ' + command.argument:<20} {command.what}")

    def thinking(self, _: str) -> None:
        """Show or hide the model's thoughts."""
        self._printer.show_thinking = not self._printer.show_thinking
        note(f"Thoughts are {'shown' if self._printer.show_thinking else 'hidden'}.")

    def model(self, name: str) -> None:
        """Let another model answer."""
        usable = [row for row in self._talk.run(self._talk.backend.models()) if row.usable]
        if not name:
            lines = [f"{row.name}{'' if row.state == 'unloaded' else f' ({row.state})'}" for row in usable]
            chosen = self._choose(lines, "Which model? Number, or Enter for none: ")
            if chosen is None:
                return
            name = usable[chosen].name
        if name not in {row.name for row in usable}:
            note(safe(f"No usable model is called {name!r}; \\model lists them."))
            return
        self._talk.use(model=name)
        note(safe(f"{name} answers from now on."))

    def tools(self, choice: str) -> None:
        """List the tools, or say how they may be used."""
        from tether_desktop.cli.chat import tool_choice

        if not choice:
            rows, problems = self._talk.run(self._talk.backend.tools())
            for row in rows:
                note(safe(f"  {row.name:<24} {'on' if row.enabled else 'off':<4} {_first_line(row.description)}"))
            for problem in problems:
                note(safe(problem))
            note(r"\tools off, auto, required or the name of one says how they may be used from now on.")
            return
        wishes = self._talk.wishes
        self._talk.wishes = replace(wishes, tool_use=replace(wishes.tool_use, choice=tool_choice(choice)))
        note(safe(f"Tools: {choice}."))

    def sessions(self, beginning: str) -> None:
        """Go on with another session."""
        session = self._named(beginning) if beginning else self._chosen_session()
        if session is not None:
            self._talk.session = session
            note(safe(f"This is {session.title or session.id}."))
            self._talk.show_history(show_thinking=self._printer.show_thinking)

    def new(self, _: str) -> None:
        """Begin another session with the next question."""
        self._talk.session = None
        note("The next question begins another conversation.")

    def delete(self, _: str) -> None:
        """Move the session to the bin."""
        session = self._talk.session
        if session is None:
            note("There is nothing to delete yet.")
        elif self._agrees("Move this conversation to the bin? [y/N] "):
            self._talk.run(self._talk.backend.sessions.delete(session.id))
            self._talk.session = None
            note(f"It is in the bin; `tether sessions restore {session.id[:8]}` brings it back.")

    def retry(self, _: str) -> None:
        """Have the last reply made once more."""
        replies = [record for record in self._talk.history() if record.message.role == "assistant"]
        if replies:
            self._talk.ask_again(replies[-1].id, self._printer)
        else:
            note("There is no answer yet.")

    def save(self, name: str) -> None:
        """Write the session to a file."""
        begun = self._talk.session
        if begun is None:
            note("There is nothing to save yet.")
            return
        # It may have got its title since.
        session = self._talk.run(self._talk.backend.sessions.get(begun.id))
        file = save_chat(self._talk, session, name, may_replace=lambda file: self._agrees(f"Replace {file}? [y/N] "))
        note(safe(f"Saved as {file}." if file else "Nothing was saved."))

    def exit(self, _: str) -> None:
        """Leave."""
        self._left = True

    def _take(self, said: str) -> None:
        name, _, argument = said.rstrip().partition(" ")
        try:
            if name in COMMANDS:
                COMMANDS[name].run(self, argument.strip())
            elif _is_command(name):
                note(safe(f"There is no command {name}; \\help lists them, and a space before it asks it as it is."))
            else:
                self._talk.ask(said, self._printer)
        except TetherError as error:
            tell(error)
        except KeyboardInterrupt:
            note("(stopped)")

    def _named(self, beginning: str) -> SessionRecord:
        return self._talk.run(self._talk.backend.sessions.find(beginning))

    def _chosen_session(self) -> SessionRecord | None:
        sessions = self._talk.run(self._talk.backend.sessions.list(limit=_LISTED))
        lines = [f"{each.last_active.astimezone():%Y-%m-%d %H:%M}  {each.title or each.id}" for each in sessions]
        chosen = self._choose(lines, "Which one? Number, or Enter for none: ")
        return None if chosen is None else sessions[chosen]

    def _choose(self, lines: Sequence[str], prompt: str) -> int | None:
        """Which of the lines the person chooses by its number, from 0; None for none."""
        if not lines:
            note("There are none.")
            return None
        for number, line in enumerate(lines, 1):
            note(safe(f"{number:>3}  {line}"))
        said = self._input.line(prompt)
        if said.isdecimal() and 1 <= int(said) <= len(lines):
            return int(said) - 1
        if said:
            note(f"{safe(said)!r} is none of them.")
        return None

    def _agrees(self, prompt: str) -> bool:
        return self._input.line(safe(prompt)).lower() in {"y", "yes"}


class _Command(NamedTuple):
    """What can be typed after a backslash."""

    run: Callable[[Conversation, str], None]
    what: str
    argument: str = ""


COMMANDS = {
    "\\menu": _Command(Conversation.menu, "lists all this and lets you choose"),
    "\\model": _Command(Conversation.model, "lets another model answer", "[name]"),
    "\\sessions": _Command(Conversation.sessions, "goes on with another conversation", "[id]"),
    "\\new": _Command(Conversation.new, "begins another conversation"),
    "\\retry": _Command(Conversation.retry, "asks for another answer to the last question"),
    "\\thinking": _Command(Conversation.thinking, "shows or hides the model's thoughts"),
    "\\tools": _Command(Conversation.tools, "lists the tools, or says how to use them", "[choice]"),
    "\\save": _Command(Conversation.save, "writes the conversation to a file; .json for all of it", "[file]"),
    "\\delete": _Command(Conversation.delete, "moves the conversation to the bin"),
    "\\help": _Command(Conversation.help, "shows this"),
    "\\exit": _Command(Conversation.exit, "leaves, as does Ctrl-D"),
}
"""By the name that is typed, in the order of the menu."""


def _is_command(word: str) -> bool:
    """Whether a word looks like a command rather than a question that begins with a backslash."""
    return len(word) > 1 and word.startswith("\\") and word[1:].isascii() and word[1:].isalpha()


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
