"""One row of the settings table as a chat has it for itself: its own value, or the setting's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from tether_desktop.errors import SettingsError
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.setting_words import allowed_words, choice_words, description_of, shown, title_of

if TYPE_CHECKING:
    from tether_desktop.settings import SettingRow, Settings

_LINES = 5


class OverrideField(QWidget):
    """Title, editor, what it does, and why a value cannot be used; a button takes the setting's value again.

    Attributes:
        row: of the settings table.
        editor: where the value is changed.

    Signals:
        changed(name, value): it has another value, already checked; None is the setting's.
    """

    changed = Signal(str, object)

    def __init__(self, row: SettingRow, settings: Settings, own: Any | None, parent: QWidget | None = None) -> None:
        """``own`` is the chat's value; None when the one of ``settings`` holds."""
        super().__init__(parent)
        self.row = row
        self._set = getattr(settings, row.name)
        self._own = own
        choices: tuple[str, ...] = get_args(type(settings).model_fields[row.name].annotation)
        self.editor: QComboBox | QLineEdit | QPlainTextEdit = _editor(row, choices)
        self.title_label = QLabel(title_of(row))
        self.title_label.setProperty("kind", "strong")
        self.reset_button = IconButton("rotate-ccw", "", size=16)
        self.reset_button.clicked.connect(self.reset)
        self.note_label = plain_label("small", description_of(row))
        self.problem_label = plain_label("danger_text")
        self.problem_label.hide()
        self._configure()
        self._lay_out()
        self._show(self._value)

    @property
    def own(self) -> Any | None:
        """The chat's own value; None when the setting's holds."""
        return self._own

    @Slot()
    def reset(self) -> None:
        """Take the setting's value again."""
        self._own = None
        self._explain("")
        self._show(self._set)
        self.editor.setFocus()
        self.changed.emit(self.row.name, None)

    @Slot()
    def take(self) -> None:
        """Check what is written, and tell it; what cannot be used is explained and changes nothing."""
        from tether_desktop.settings import checked_overrides

        written = self._written()
        if written == shown(self._value):
            self._explain("")
            return
        try:
            value = checked_overrides({self.row.name: written})[self.row.name]
        except SettingsError:
            self._explain(self.tr("This has to be {allowed}.").format(allowed=allowed_words(self.row)))
            return
        self._own = value if value != self._set else None
        self._explain("")
        self._mark()
        self.changed.emit(self.row.name, self._own)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """A text of several lines is taken when one leaves it; the wheel scrolls the page and changes no choice."""
        if event.type() == QEvent.Type.FocusOut and isinstance(self.editor, QPlainTextEdit):
            self.take()
        if event.type() == QEvent.Type.Wheel and isinstance(self.editor, QComboBox):
            event.ignore()
            return True
        return False

    @property
    def _value(self) -> Any:
        return self._set if self._own is None else self._own

    def _configure(self) -> None:
        title = self.title_label.text()
        self.editor.setAccessibleName(title)
        self.editor.setAccessibleDescription(self.note_label.text())
        said = self.tr("Take the value of the settings: {value}").format(value=shown(self._set)[:60])
        self.reset_button.set_label(said)
        self.reset_button.setAccessibleName(self.tr("{title}: as in the settings").format(title=title))
        self.editor.installEventFilter(self)
        if isinstance(self.editor, QComboBox):
            self.editor.activated.connect(self.take)
        elif isinstance(self.editor, QLineEdit):
            self.editor.editingFinished.connect(self.take)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.setSpacing(spacing.NEAR)
        top.addWidget(self.title_label)
        top.addWidget(self.reset_button)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(spacing.TIGHT)
        column.addLayout(top)
        for widget in (self.editor, self.problem_label, self.note_label):
            column.addWidget(widget)
        policy = self.reset_button.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset_button.setSizePolicy(policy)

    def _written(self) -> str:
        if isinstance(self.editor, QComboBox):
            return str(self.editor.currentData())
        return self.editor.text().strip() if isinstance(self.editor, QLineEdit) else self.editor.toPlainText()

    def _show(self, value: Any) -> None:
        text = shown(value)
        if isinstance(self.editor, QComboBox):
            self.editor.setCurrentIndex(max(0, self.editor.findData(text)))
        elif isinstance(self.editor, QLineEdit):
            self.editor.setText(text)
        else:
            self.editor.setPlainText(text)
        self._mark()

    def _mark(self) -> None:
        self.reset_button.setVisible(self._own is not None)

    def _explain(self, problem: str) -> None:
        self.problem_label.setText(problem)
        self.problem_label.setVisible(bool(problem))
        note = self.note_label.text()
        self.editor.setAccessibleDescription(f"{problem} {note}" if problem else note)


def _editor(row: SettingRow, choices: tuple[str, ...]) -> QComboBox | QLineEdit | QPlainTextEdit:
    if choices:
        box = QComboBox()
        for choice in choices:
            box.addItem(choice_words(row.name, choice), choice)
        return box
    if isinstance(row.default, str):
        text = QPlainTextEdit()
        text.setTabChangesFocus(True)
        text.setFixedHeight(_LINES * text.fontMetrics().lineSpacing() + 16)
        return text
    line = QLineEdit()
    line.setMaximumWidth(240)
    line.setAlignment(Qt.AlignmentFlag.AlignLeading)
    return line
