"""One row of the settings table as a field: what it is, its value, and what is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, get_args

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.key_editor import KeyEditor
from tether_desktop.ui.settings.setting_editors import (
    TYPED,
    WIDE,
    ChoiceEditor,
    Editor,
    LineEditor,
    NumberEditor,
    SegmentsEditor,
    SwitchEditor,
    TextEditor,
)
from tether_desktop.ui.settings.setting_words import (
    RESTARTS,
    allowed_words,
    choice_words,
    description_of,
    shown,
    title_of,
    when_it_holds,
)

if TYPE_CHECKING:
    from tether_desktop.settings import SettingRow, Settings

_STEPS = {
    "max_tokens": 256,
    "context_window": 1024,
    "chat_memory": 256,
    "thinking_limit": 256,
    "requests_per_minute": 10,
    "idle_minutes": 5,
}
_ICONS = {"system": "monitor", "light": "sun", "dark": "moon", "comfortable": "", "compact": ""}
_SEGMENTED = frozenset({"theme", "density"})
_TEXTS = frozenset({"system_prompt"})


class SettingField(QWidget):
    """Title and control side by side, and below what it does, and why a value cannot be used.

    Attributes:
        row: of the settings table.
        editor: where the value is changed.
        reset_button: shown while the value is not the default.
        problem_label: why what is written cannot be used.
        note_label: when a new value holds, or why it cannot be changed here.
        restart_button: shown while the value is another one than Tether was started with, and waits for the next start.

    Signals:
        changed(name, value): the person gave it another value, which fits; None is the default.
    """

    changed = Signal(str, object)

    def __init__(self, row: SettingRow, settings: Settings, editor: Editor | None = None) -> None:
        """Show what holds; ``editor`` in the place of the one that fits the row."""
        super().__init__()
        self.row = row
        self.editor: Editor = editor or editor_of(row, settings)
        self._value = ""
        self._settled = ""
        self._standing = ""
        self._started: str | None = None
        self.title_label = QLabel(title_of(row))
        self.title_label.setTextFormat(Qt.TextFormat.PlainText)
        self.title_label.setProperty("kind", "strong")
        self.reset_button = IconButton("rotate-ccw", "", size=16)
        self.about_label = plain_label("small", description_of(row))
        self.problem_label = plain_label("danger_text")
        self.note_label = plain_label("small")
        self.restart_button = ThemedButton(self.tr("Restart now"), "refresh-cw", kind="answer")
        self.restart_button.setAutoDefault(False)
        self._lay_out()
        self._describe()
        self.show_value(getattr(settings, row.name))
        self.editor.edited.connect(self._on_edited)
        self.reset_button.clicked.connect(self.reset)
        if isinstance(self.editor, KeyEditor):
            self.editor.refused.connect(self.refuse)

    @property
    def overridden(self) -> bool:
        """Whether an environment variable says the value."""
        return bool(os.environ.get(self.row.env))

    def show_value(self, value: Any) -> None:
        """Show the value that holds now; what somebody is typing there, or has to correct, stays."""
        self._value = shown(value)
        if not self._is_typed:
            self._settled = self._value
            self.editor.show_value(self._value)
            self._explain(self._standing)
        changed = value != self.row.default and not self.overridden
        self.reset_button.setVisible(changed)
        self._offer_restart()

    @property
    def _is_typed(self) -> bool:
        """Whether something is written that is neither the value that was shown nor one that was taken."""
        return isinstance(self.editor, TYPED) and self.editor.written() not in {self._settled, self._value}

    def show_started(self, value: Any) -> None:
        """Know the value that Tether was started with."""
        self._started = shown(value)
        self._offer_restart()

    def _offer_restart(self) -> None:
        waits = self.row.name in RESTARTS and self._started not in {None, self._value} and not self.overridden
        self.restart_button.setVisible(waits)

    @Slot()
    def reset(self) -> None:
        """Take the default again."""
        self.editor.setFocus(Qt.FocusReason.OtherFocusReason)
        if isinstance(self.editor, TYPED):
            self._settled = self.editor.written()
        self.changed.emit(self.row.name, None)

    @Slot(str)
    def refuse(self, problem: str) -> None:
        """Say that the value was not taken, and why."""
        self._explain(problem)

    def show_problem(self, problem: str) -> None:
        """Say why the value that holds does nothing, for as long as it does; empty when it works."""
        self._standing = problem
        self._explain(problem)

    @Slot(str)
    def _on_edited(self, written: str) -> None:
        from tether_desktop.settings import takes

        if written == self._value:
            self._explain(self._standing)
        elif not takes(self.row.name, written):
            if not isinstance(self.editor, TYPED):  # what was typed is left to be corrected
                self.editor.show_value(self._value)
            self._explain(self.tr("This has to be {allowed}.").format(allowed=allowed_words(self.row)))
        else:
            self._explain("")
            self._settled = written
            self.changed.emit(self.row.name, written)

    def _explain(self, problem: str) -> None:
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
        self.editor.setAccessibleDescription(" ".join(filter(None, (problem, self._said()))))

    def _said(self) -> str:
        return " ".join(filter(None, (self.about_label.text(), self.note_label.text())))

    def _describe(self) -> None:
        title = self.title_label.text()
        self.editor.setAccessibleName(title)
        default = shown(self.row.default) or self.tr("empty")
        self.reset_button.setToolTip(self.tr("Changed. Reset to the default: {value}").format(value=default[:60]))
        self.reset_button.setAccessibleName(self.tr("Reset to the default: {title}").format(title=title))
        note = when_it_holds(self.row.name)
        if self.overridden:
            note = self.tr("Set by the environment variable {name}.").format(name=self.row.env)
            self.editor.setEnabled(False)
        self.note_label.setText(note)
        self.note_label.setVisible(bool(note))

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(spacing.TIGHT)
        top.addWidget(self.title_label)
        top.addWidget(self.reset_button)
        top.addStretch(1)
        words = QVBoxLayout()
        words.setSpacing(spacing.HAIR)
        words.addLayout(top)
        for label in (self.about_label, self.note_label, self.problem_label):
            words.addWidget(label)
        words.addWidget(self.restart_button, 0, Qt.AlignmentFlag.AlignLeading)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.addLayout(words, 1)
        self._layout.addWidget(self.editor, 0, Qt.AlignmentFlag.AlignTop)
        self.set_narrow(narrow=False)

    def set_narrow(self, *, narrow: bool) -> None:
        """Put the control below the words where there is no room beside them."""
        below = narrow or isinstance(self.editor, WIDE)
        direction = QBoxLayout.Direction.TopToBottom if below else QBoxLayout.Direction.LeftToRight
        self._layout.setDirection(direction)
        self._layout.setSpacing(spacing.SMALL if below else spacing.BROAD)
        leading = Qt.AlignmentFlag(0) if isinstance(self.editor, WIDE) else Qt.AlignmentFlag.AlignLeading
        self._layout.setAlignment(self.editor, leading if below else Qt.AlignmentFlag.AlignTop)


def editor_of(row: SettingRow, settings: Settings) -> Editor:
    """The control that fits a row: by its choices, its kind and its limits."""
    field = type(settings).model_fields[row.name]
    choices: tuple[str, ...] = get_args(field.annotation)
    if set(choices) == {"on", "off"}:
        return SwitchEditor()
    if row.name in _SEGMENTED:
        return SegmentsEditor([(each, choice_words(row.name, each), _ICONS[each]) for each in choices])
    if choices:
        return ChoiceEditor([(each, choice_words(row.name, each)) for each in choices])
    if row.name in _TEXTS:
        return TextEditor()
    if isinstance(row.default, str):
        return LineEditor()
    low = next((getattr(each, word) for each in field.metadata for word in ("ge", "gt") if hasattr(each, word)), None)
    high = next((each.le for each in field.metadata if hasattr(each, "le")), None)
    whole = isinstance(row.default, int)
    return NumberEditor(_STEPS.get(row.name, 1 if whole else 0.05), low, high, whole=whole)
