"""What can be done by keyboard: every command with its keys, which a person may change."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.translation import mark, translate


@dataclass(frozen=True, slots=True)
class Command:
    """A thing to do.

    Attributes:
        name: its key in the settings.
        title: for people, to be translated: :attr:`translated`.
        keys: of which it is done, in Qt's portable words; empty for none.
    """

    name: str
    title: str
    keys: str = ""

    @property
    def translated(self) -> str:
        """The title in the language that is on."""
        return translate("Commands", self.title)


COMMANDS = (
    Command("new_chat", mark("Commands", "New chat"), "Ctrl+N"),
    Command("temporary_chat", mark("Commands", "New temporary chat"), "Ctrl+Shift+N"),
    Command("search", mark("Commands", "Search chats"), "Ctrl+K"),
    Command("find", mark("Commands", "Find in this chat"), "Ctrl+F"),
    Command("next_chat", mark("Commands", "Next chat"), "Ctrl+PgDown"),
    Command("previous_chat", mark("Commands", "Previous chat"), "Ctrl+PgUp"),
    Command("choose_model", mark("Commands", "Choose a model"), "Ctrl+Shift+M"),
    Command("models", mark("Commands", "Models"), "Ctrl+M"),
    Command("attach", mark("Commands", "Attach files"), "Ctrl+U"),
    Command("answer_call", mark("Commands", "Go to the tool call that waits"), "Ctrl+Shift+A"),
    Command("regenerate", mark("Commands", "Another answer"), "Ctrl+R"),
    Command("copy_answer", mark("Commands", "Copy the last answer"), "Ctrl+Shift+C"),
    Command("toggle_sidebar", mark("Commands", "Show or hide the sidebar"), "Ctrl+B"),
    Command("settings", mark("Commands", "Settings"), "Ctrl+,"),
    Command("shortcuts", mark("Commands", "Keyboard shortcuts"), "Ctrl+/"),
    Command("stop", mark("Commands", "Stop the answer"), "Esc"),
    Command("quit", mark("Commands", "Quit"), "Ctrl+Q"),
)
"""All commands, in the order in which they are listed."""


class Shortcuts(QObject):
    """Binds commands to what does them, and follows the keys as they are changed.

    Signals:
        changed(): the keys of commands are others now.
    """

    changed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._keys = {command.name: command.keys for command in COMMANDS}
        self._bound: dict[str, QShortcut] = {}
        self._controls: list[tuple[str, QWidget]] = []

    def bind(self, name: str, slot: Callable[[], object]) -> None:
        """Do this when the keys of a command are pressed; KeyError when there is no such command."""
        self._bound[name] = QShortcut(QKeySequence(self._keys[name]), self._window, slot)

    def show_on(self, control: QWidget, name: str) -> None:
        """Let a control's tooltip say which command it is and which keys do the same, as they are changed."""
        self._controls.append((name, control))
        self._show_keys(name, control)

    def keys(self, name: str) -> str:
        """The keys of a command as the desktop writes them, such as Ctrl+N; empty for none."""
        return QKeySequence(self._keys[name]).toString(QKeySequence.SequenceFormat.NativeText)

    def use(self, changed: Mapping[str, str]) -> None:
        """Take other keys for some commands; the rest have their own."""
        self._keys = {command.name: changed.get(command.name, command.keys) for command in COMMANDS}
        for name, shortcut in self._bound.items():
            shortcut.setKey(QKeySequence(self._keys[name]))
        for name, control in self._controls:
            self._show_keys(name, control)
        self.changed.emit()

    def _show_keys(self, name: str, control: QWidget) -> None:
        title = next(command for command in COMMANDS if command.name == name).translated
        keys = self.keys(name)
        control.setToolTip(f"{title} ({keys})" if keys else title)


def read_shortcuts(setting: str) -> dict[str, str]:
    """The changed keys that a setting names; what is no command is left out."""
    named = (each.partition("=") for each in setting.split())
    known = {command.name for command in COMMANDS}
    return {name: keys for name, _, keys in named if name in known}


def write_shortcuts(changed: Mapping[str, str]) -> str:
    """The setting that names them."""
    return " ".join(f"{name}={keys}" for name, keys in changed.items())
