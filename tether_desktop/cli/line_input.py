"""Where the questions of `tether chat` come from: a terminal with editing and history, or plain lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from tether_desktop import paths
from tether_desktop.cli.output import note

if TYPE_CHECKING:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import Completer
    from prompt_toolkit.history import History
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

_HISTORY_NAME = "chat-history"
_LEAVE = "(Ctrl-D leaves.)"

Run = Callable[[Coroutine[Any, Any, str]], str]
"""Runs a coroutine in the loop that the rest of the program has."""


class LineInput(Protocol):
    """Asks the person."""

    def question(self) -> str | None:
        r"""What they want to ask, or a \command; None at the end of input. Ctrl-C drops what was typed."""
        ...

    def line(self, prompt: str) -> str:
        """One line in answer to a prompt; empty at the end of input and at Ctrl-C."""
        ...


def line_input(run: Run, commands: Sequence[str]) -> LineInput:
    r"""The input for what stdin and stdout are.

    Args:
        run: runs a coroutine in the program's loop, so that what goes on there goes on while somebody types.
        commands: what can be completed after a \.
    """
    is_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    if is_terminal and os.environ.get("TERM", "") not in {"dumb", "unknown"}:
        return TerminalInput(run, commands)
    return PlainInput()


class PlainInput:
    r"""Lines of stdin; a \ at the end of one goes on in the next."""

    def question(self) -> str | None:
        """The next question."""
        lines: list[str] = []
        while True:
            try:
                lines.append(input(("... " if lines else "> ") if sys.stdin.isatty() else ""))
            except EOFError:
                note("")
                return "\n".join(lines) if lines else None
            except KeyboardInterrupt:
                lines.clear()
                note(f"\n{_LEAVE}")
                continue
            if not lines[-1].endswith("\\") or lines[0].startswith("\\"):
                return "\n".join(lines)
            lines[-1] = lines[-1][:-1]

    def line(self, prompt: str) -> str:
        """One line."""
        try:
            return input(prompt if sys.stdin.isatty() else "").strip()
        except (EOFError, KeyboardInterrupt):
            note("")
            return ""


class TerminalInput:
    """A terminal: several lines, editing, the questions of earlier days, completion."""

    def __init__(self, run: Run, commands: Sequence[str]) -> None:
        """Prepare; nothing is asked yet."""
        from prompt_toolkit import PromptSession

        self._run = run
        self._session: PromptSession[str] = PromptSession(
            history=_history(paths.data_dir() / _HISTORY_NAME),
            completer=_completer(commands),
            key_bindings=_keys(),
            multiline=True,
            complete_while_typing=False,
            prompt_continuation="... ",
            enable_open_in_editor=False,
        )

    def question(self) -> str | None:
        """The next question."""
        while True:
            try:
                return self._run(self._session.prompt_async("> "))
            except EOFError:
                return None
            except KeyboardInterrupt:
                note(_LEAVE)

    def line(self, prompt: str) -> str:
        """One line, which is not remembered."""
        from prompt_toolkit import PromptSession

        asking: PromptSession[str] = PromptSession()
        try:
            return self._run(asking.prompt_async(prompt)).strip()
        except (EOFError, KeyboardInterrupt):
            return ""


def _keys() -> KeyBindings:
    r"""Enter sends, unless the line ends with a \; Alt+Enter and Ctrl-J begin another line."""
    from prompt_toolkit.key_binding import KeyBindings

    keys = KeyBindings()
    keys.add("enter")(_send)
    keys.add("escape", "enter")(_begin_line)
    keys.add("c-j")(_begin_line)
    return keys


def _send(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    if buffer.document.text_before_cursor.endswith("\\") and not buffer.text.startswith("\\"):
        buffer.delete_before_cursor()
        buffer.newline(copy_margin=False)
    else:
        buffer.validate_and_handle()


def _begin_line(event: KeyPressEvent) -> None:
    event.current_buffer.newline(copy_margin=False)


def _completer(commands: Sequence[str]) -> Completer:
    """Completes commands where nothing stands before them."""
    from prompt_toolkit.completion import WordCompleter

    return WordCompleter(list(commands), sentence=True)


def _history(file: Path) -> History:
    """What was typed before, in a file of its owner's alone; for this run only where that cannot be written."""
    from prompt_toolkit.history import FileHistory, InMemoryHistory

    try:
        paths.make_private_folder(file.parent)
        os.close(os.open(file, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(file)
