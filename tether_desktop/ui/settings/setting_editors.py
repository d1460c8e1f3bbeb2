"""What a setting is changed with: a switch, choices, a number, a line, a text, folders."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QSize, QTimer, Signal, Slot
from PySide6.QtGui import QFocusEvent, QValidator, QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QButtonGroup,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QWidget,
)

from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.switch import Switch
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.folder_list import FolderList
from tether_desktop.ui.settings.key_editor import KeyEditor

_TEXT_LINES = 5
_TYPED_MS = 900
_CHARACTERS = {"number": 12, "line": 26}
_LONGEST_TEXT = 200_000


class SwitchEditor(Switch):
    """on or off.

    Signals:
        edited(text): the person gave it another value.
    """

    edited = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.clicked.connect(lambda on: self.edited.emit("on" if on else "off"))

    def show_value(self, text: str) -> None:
        """Show the value that holds."""
        self.setChecked(text == "on")


class ChoiceEditor(QComboBox):
    """One of several, each with its words; ``edited`` as of every editor."""

    edited = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.offer(choices)
        self.activated.connect(lambda _index: self.edited.emit(str(self.currentData())))

    def offer(self, choices: Sequence[tuple[str, str]]) -> None:
        """Offer these values and words in the place of those before."""
        self.clear()
        for value, words in choices:
            self.addItem(words, value)

    def show_value(self, text: str) -> None:
        """Show the value that holds, also one that is not offered any more."""
        if self.findData(text) < 0:
            self.addItem(text, text)
        self.setCurrentIndex(self.findData(text))

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  (Qt's name)
        """Scrolling the page changes no setting."""
        event.ignore()


class SegmentsEditor(QWidget):
    """One of a few, side by side.

    Attributes:
        buttons: by value.
    """

    edited = Signal(str)

    def __init__(self, choices: Sequence[tuple[str, str, str]]) -> None:
        """Offer values, words and icons."""
        super().__init__()
        self.buttons: dict[str, ThemedButton] = {}
        self._group = QButtonGroup(self)
        row = FlowLayout(self)
        for value, words, icon in choices:
            self.buttons[value] = self._make(value, words, icon)
            row.addWidget(self.buttons[value])

    def _make(self, value: str, words: str, icon: str) -> ThemedButton:
        button = ThemedButton(words, icon)
        button.setAutoDefault(False)
        button.setCheckable(True)
        button.clicked.connect(lambda: self.edited.emit(value))
        self._group.addButton(button)
        return button

    def show_value(self, text: str) -> None:
        """Show the value that holds."""
        if text in self.buttons:
            self.buttons[text].setChecked(True)

    def setAccessibleName(self, name: str) -> None:  # noqa: N802  (Qt's name)
        """Say at each choice what it is of."""
        super().setAccessibleName(name)
        for button in self.buttons.values():
            button.setAccessibleName(f"{name}: {button.text()}")


class NumberEditor(QAbstractSpinBox):
    """A number that can be typed or stepped; what is typed wrong stays, to be corrected."""

    edited = Signal(str)

    def __init__(self, step: float, low: float | None, high: float | None, *, whole: bool) -> None:
        super().__init__()
        self._step, self._low, self._high, self._whole = step, low, high, whole
        self.setFixedWidth(_CHARACTERS["number"] * self.fontMetrics().averageCharWidth() + 48)
        self.lineEdit().setTextMargins(8, 0, 0, 0)  # the stylesheet's padding does not reach it
        self.editingFinished.connect(lambda: self.edited.emit(self.written()))

    def written(self) -> str:
        """What is written, with a point where some languages have a comma."""
        written = self.lineEdit().text().strip()
        return written if self._whole else written.replace(",", ".")

    def show_value(self, text: str) -> None:
        """Show the value that holds."""
        if text != self.written():
            self.lineEdit().setText(text)

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Anything may be typed; whether it fits is told beside the field."""
        return QValidator.State.Acceptable, text, position

    def stepEnabled(self) -> QAbstractSpinBox.StepEnabledFlag:  # noqa: N802  (Qt's name)
        """As far as the limits go."""
        nothing = QAbstractSpinBox.StepEnabledFlag.StepNone
        number = self._number()
        up = number is not None and (self._high is None or number < self._high)
        down = number is not None and (self._low is None or number > self._low)
        return (QAbstractSpinBox.StepEnabledFlag.StepUpEnabled if up else nothing) | (
            QAbstractSpinBox.StepEnabledFlag.StepDownEnabled if down else nothing
        )

    def stepBy(self, steps: int) -> None:  # noqa: N802  (Qt's name)
        """Go to the next number, not past a limit."""
        number = self._number()
        if number is None:
            return
        wanted = round(number + steps * self._step, 6)
        if self._high is not None:
            wanted = min(wanted, self._high)
        if self._low is not None:
            wanted = max(wanted, self._low)
        self.lineEdit().setText(str(int(wanted)) if self._whole else f"{wanted:g}")
        self.edited.emit(self.written())

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802  (Qt's name)
        """Scrolling the page changes no setting."""
        event.ignore()

    def _number(self) -> float | None:
        try:
            return int(self.written()) if self._whole else float(self.written())
        except ValueError:
            return None


class LineEditor(QLineEdit):
    """A line of text."""

    edited = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.editingFinished.connect(lambda: self.edited.emit(self.written()))

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """Room for an address; less where there is less."""
        return QSize(_CHARACTERS["line"] * self.fontMetrics().averageCharWidth(), super().sizeHint().height())

    def written(self) -> str:
        """What is written."""
        return self.text().strip()

    def show_value(self, text: str) -> None:
        """Show the value that holds."""
        if text != self.written():
            self.setText(text)
            self.setCursorPosition(0)


class TextEditor(QPlainTextEdit):
    """Lines of text; taken when one leaves them, or stops typing."""

    edited = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setTabChangesFocus(True)
        self.setFixedHeight(_TEXT_LINES * self.fontMetrics().lineSpacing() + 18)
        self._typed = QTimer(self, singleShot=True, interval=_TYPED_MS)
        self._typed.timeout.connect(self._tell)
        self.textChanged.connect(self._typed.start)

    def written(self) -> str:
        """What is written, as far as it is taken."""
        return self.toPlainText()[:_LONGEST_TEXT]

    def show_value(self, text: str) -> None:
        """Show the value that holds."""
        if text != self.toPlainText():
            self.setPlainText(text)
        self._typed.stop()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802  (Qt's name)
        """Take what is written."""
        super().focusOutEvent(event)
        self._tell()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Keep its lines at another text size."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self.setFixedHeight(_TEXT_LINES * self.fontMetrics().lineSpacing() + 18)

    @Slot()
    def _tell(self) -> None:
        self._typed.stop()
        self.edited.emit(self.written())


class FoldersEditor(FolderList):
    """Folders, separated as PATH has them."""

    edited = Signal(str)

    def __init__(self, *, nothing: str, asked: str) -> None:
        super().__init__(nothing=nothing, asked=asked)
        self.changed.connect(self.edited)


Editor = (
    SwitchEditor | ChoiceEditor | SegmentsEditor | NumberEditor | LineEditor | TextEditor | FoldersEditor | KeyEditor
)
TYPED = (NumberEditor, LineEditor, TextEditor)
"""Those that are typed into, and tell of it later."""
WIDE = (TextEditor, SegmentsEditor, FoldersEditor)
"""Those that need a line of their own."""
