"""A command with its keys, which can be pressed anew."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from tether_desktop.ui.commands import Command
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.key_editor import KeyEditor
from tether_desktop.ui.translation import translate

_EDITING = frozenset({"Ctrl+C", "Ctrl+X", "Ctrl+V", "Ctrl+A", "Ctrl+Z", "Ctrl+Y", "Ctrl+Shift+Z"})
_FUNCTION_KEYS = frozenset(f"F{number}" for number in range(1, 25))


class ShortcutRow(QWidget):
    """One command.

    Attributes:
        keys: pressed to change them.
        reset_button: shown while they are not the command's own.
        take_button: shown while the keys that were pressed are another command's.

    Signals:
        keys_chosen(name, keys): take these keys.
        keys_taken(name, keys): take them although they are another command's.
        reset_requested(name): take the command's own.
    """

    keys_chosen = Signal(str, str)
    keys_taken = Signal(str, str)
    reset_requested = Signal(str)

    def __init__(self, command: Command) -> None:
        super().__init__()
        self.command = command
        self._wanted = ""
        self.title_label = plain_label("", command.translated)
        self.keys = KeyEditor(lambda keys: keys_problem(keys, command))
        self.keys.setAccessibleName(command.translated)
        reset = self.tr("Reset the keys of: {title}").format(title=command.translated)
        self.reset_button = IconButton("rotate-ccw", reset, size=16)
        self.problem_label = plain_label("danger_text")
        self.take_button = ThemedButton(self.tr("Use them here"), kind="answer")
        self.take_button.setAutoDefault(False)
        self._lay_out()
        self.keys.edited.connect(lambda keys: self.keys_chosen.emit(command.name, keys))
        self.keys.refused.connect(self.explain)
        self.take_button.clicked.connect(lambda: self.keys_taken.emit(command.name, self._wanted))
        self.reset_button.clicked.connect(lambda: self.reset_requested.emit(command.name))

    def show_keys(self, keys: str) -> None:
        """Show the keys that hold."""
        self.keys.show_value(keys)
        self.reset_button.setVisible(keys != self.command.keys)
        self.explain("")

    @Slot(str)
    def explain(self, problem: str) -> None:
        """Say why keys were not taken."""
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
        self.take_button.hide()
        self.keys.setAccessibleDescription(problem)

    def show_conflict(self, keys: str, other: Command) -> None:
        """Say whose the keys are, and offer to take them."""
        native = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        words = self.tr("{keys} already does: {title}.").format(keys=native, title=other.translated)
        self.explain(words)
        self._wanted = keys
        self.take_button.show()
        self.take_button.setAccessibleName(f"{words} {self.take_button.text()}")

    def set_narrow(self, *, narrow: bool) -> None:
        """Put the keys below the words where there is no room beside them."""
        self._top.setDirection(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(spacing.HAIR if narrow else spacing.SMALL)

    def _lay_out(self) -> None:
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(policy)
        pressed = QHBoxLayout()
        pressed.setSpacing(spacing.SMALL)
        pressed.addStretch(1)
        pressed.addWidget(self.reset_button)
        pressed.addWidget(self.keys)
        self._top = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._top.setSpacing(spacing.SMALL)
        self._top.addWidget(self.title_label, 1)
        self._top.addLayout(pressed)
        below = QHBoxLayout()
        below.addWidget(self.problem_label, 1)
        below.addWidget(self.take_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.TIGHT)
        layout.addLayout(self._top)
        layout.addLayout(below)


def keys_problem(keys: str, command: Command) -> str:
    """Why a command cannot have keys: they are typed, or edit what is typed; empty where it can."""
    sequence = QKeySequence(keys)
    held = sequence[0].keyboardModifiers() & ~Qt.KeyboardModifier.ShiftModifier  # type: ignore[index]  # Qt's stubs
    key = keys.rpartition("+")[2] or keys
    if keys in _EDITING:
        return translate("ShortcutRow", "These keys edit text. Choose others.")
    if held == Qt.KeyboardModifier.NoModifier and key not in _FUNCTION_KEYS and keys != command.keys:
        return translate("ShortcutRow", "Hold Ctrl or Alt with it, or take a function key.")
    return ""
