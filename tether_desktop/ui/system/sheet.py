"""A question over the window: the rest is veiled until it is answered, by mouse or keyboard."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing, theme
from tether_desktop.ui.look.focus_chain import step_focus, stops_inside
from tether_desktop.ui.look.themed_button import ThemedButton

_WIDTH = 440
_EDGE = 24
_VEIL_ALPHA = 200


class Sheet(QWidget):
    """One question with its answers, the safe one first and chosen by Enter; Escape takes it back.

    Signals:
        answered(answer, bool): the key of the answer, and whether it is to hold from now on.
        dismissed(): nothing was answered.
    """

    answered = Signal(str, bool)
    dismissed = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.title = _label("heading")
        self.text = _label("muted")
        self.remember = QCheckBox()
        self.buttons: dict[str, ThemedButton] = {}
        self._card = QFrame()
        self._card.setProperty("kind", "card")
        self._row = QHBoxLayout()
        self._lay_out()
        window.installEventFilter(self)
        self.hide()

    def ask(self, title: str, text: str, answers: dict[str, str], *, remember: str = "") -> None:
        """Show a question.

        Args:
            title: the question.
            text: what it means.
            answers: words by key; the first is the safe one.
            remember: words of the box that lets the answer hold from now on; empty for no such box.
        """
        self.title.setText(title)
        self.text.setText(text)
        self.remember.setText(remember)
        self.remember.setChecked(False)
        self.remember.setVisible(bool(remember))
        self._show_answers(answers)
        self.setAccessibleName(f"{title} {text}")
        self.resize(self._window.size())
        for label in (self.title, self.text):
            # In a card that is aligned Qt does not ask how high words are at its width; polished, they know.
            label.ensurePolished()
            label.setMinimumHeight(label.heightForWidth(_WIDTH - 2 * _EDGE))
        self.show()
        self.raise_()
        next(iter(self.buttons.values())).setFocus(Qt.FocusReason.PopupFocusReason)

    @Slot()
    def dismiss(self) -> None:
        """Go away unanswered."""
        if not self.isHidden():
            self.hide()
            self.dismissed.emit()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Veil what lies below."""
        veil = QColor(theme.active().color("window"))
        veil.setAlpha(_VEIL_ALPHA)
        painter = QPainter(self)
        painter.fillRect(self.rect(), veil)

    def event(self, event: QEvent) -> bool:
        """Keep the keys: the window's own commands wait until the question is answered."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape takes the question back, Enter presses the button that has the keyboard."""
        focus = self.focusWidget()
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and isinstance(focus, ThemedButton):
            focus.click()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802  (Qt's signature)
        """Stay inside: what is veiled cannot be used."""
        stops = stops_inside(self)
        edge = stops[-1] if forward else stops[0]
        if self.focusWidget() is edge:
            (stops[0] if forward else stops[-1]).setFocus(Qt.FocusReason.TabFocusReason)
            return True
        return step_focus(stops, self, forward=forward)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """Cover the window whatever size it takes."""
        if event.type() == QEvent.Type.Resize:
            self.resize(self._window.size())
        return False

    def _show_answers(self, answers: dict[str, str]) -> None:
        for button in self.buttons.values():
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = {}
        for key, words in answers.items():
            button = ThemedButton(words, kind="primary" if not self.buttons else "")
            button.clicked.connect(lambda _checked=False, key=key: self._answer(key))
            self.buttons[key] = button
            self._row.addWidget(button)

    def _answer(self, key: str) -> None:
        self.hide()
        self.answered.emit(key, self.remember.isChecked())

    def _lay_out(self) -> None:
        self._row.setSpacing(spacing.SMALL)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addLayout(self._row)
        inside = QVBoxLayout(self._card)
        inside.setContentsMargins(_EDGE, spacing.WIDE, _EDGE, spacing.WIDE)
        inside.setSpacing(spacing.MEDIUM)
        for widget in (self.title, self.text, self.remember):
            inside.addWidget(widget)
        inside.addSpacing(spacing.TIGHT)
        inside.addLayout(foot)
        self._card.setFixedWidth(_WIDTH)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addWidget(self._card, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addStretch(3)


def _label(kind: str) -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("kind", kind)
    return label
