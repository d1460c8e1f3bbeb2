"""The first-run tour: three calm pages about what stays here, what answers, and who asks whom."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons, spacing, theme
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.translation import mark, translate

PAGES = (
    (
        "hard-drive",
        mark("Tour", "Everything stays here"),
        (
            mark("Tour", "Your chats are kept in one file on this computer, and models run on its own processor."),
            mark("Tour", "Once a model is here, no internet is needed. Nobody counts or reads what you do."),
        ),
    ),
    (
        "cpu",
        mark("Tour", "A model answers"),
        (
            mark("Tour", "Tether talks with language models that you choose. A small one is added with one click."),
            mark("Tour", "You can add others any time, from the catalogue or from a file, and change between them."),
        ),
    ),
    (
        "shield-check",
        mark("Tour", "You decide"),
        (
            mark("Tour", "Tools ask before they do anything, and you can allow or deny each call."),
            mark("Tour", "The local port, by which other programs reach your chats, is off until you turn it on."),
        ),
    ),
)
"""Icon, title and paragraphs of each page."""

_WIDTH = 520
_PICTURE = 56
_DOT = 8


class Dots(QWidget):
    """A row of dots, of which one is in the accent: how many pages there are, and which one is shown."""

    def __init__(self, count: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._count = count
        self._number = 0
        self.setFixedSize((2 * count - 1) * _DOT, _DOT)

    def show_number(self, number: int) -> None:
        """Show where the reader is, from 0."""
        self._number = number
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Draw them in the colours of the theme."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        for number in range(self._count):
            painter.setBrush(QColor(theme.active().color("accent" if number == self._number else "hover")))
            painter.drawEllipse(2 * number * _DOT, 0, _DOT, _DOT)


class TourPage(QWidget):
    """Shows one page after the other; arrows turn them, Escape skips the rest.

    Signals:
        ended(): it was read or skipped.
    """

    ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pictures = [QLabel() for _ in PAGES]
        self._stack = QStackedWidget()
        self._dots = Dots(len(PAGES))
        self.skip_button = ThemedButton(self.tr("Skip"), kind="ghost")
        self.back_button = ThemedButton(self.tr("Back"))
        self.next_button = ThemedButton(self.tr("Next"), kind="primary")
        for button in (self.skip_button, self.back_button):
            kept = button.sizePolicy()
            kept.setRetainSizeWhenHidden(True)  # the dots stay where they are
            button.setSizePolicy(kept)
        self._lay_out()
        self.skip_button.clicked.connect(self.ended)
        self.back_button.clicked.connect(self.go_back)
        self.next_button.clicked.connect(self.go_on)
        self.start()

    @property
    def number(self) -> int:
        """Of the page that is shown, from 0."""
        return self._stack.currentIndex()

    def start(self) -> None:
        """Begin at the first page."""
        self._turn(0)

    @Slot()
    def go_on(self) -> None:
        """Turn to the next page, or end after the last one."""
        if self.number + 1 < len(PAGES):
            self._turn(self.number + 1)
        else:
            self.ended.emit()

    @Slot()
    def go_back(self) -> None:
        """Turn to the page before."""
        self._turn(max(0, self.number - 1))

    def event(self, event: QEvent) -> bool:
        """Take Escape before the command that has it in the window."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride:
            event.setAccepted(event.key() == Qt.Key.Key_Escape)
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """The arrows turn pages in the direction of reading, Escape skips."""
        onward = Qt.Key.Key_Right if self.layoutDirection() == Qt.LayoutDirection.LeftToRight else Qt.Key.Key_Left
        if event.key() == Qt.Key.Key_Escape:
            self.ended.emit()
        elif event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            focus = self.focusWidget()
            (focus if isinstance(focus, ThemedButton) else self.next_button).click()
        elif event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right}:
            (self.go_on if event.key() == onward else self.go_back)()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._paint()

    def _turn(self, number: int) -> None:
        self._stack.setCurrentIndex(number)
        last = number == len(PAGES) - 1
        self.next_button.setText(self.tr("Begin") if last else self.tr("Next"))
        self.next_button.setAccessibleName(self.next_button.text())
        self.back_button.setVisible(number > 0)
        self.skip_button.setVisible(not last)
        title = translate("Tour", PAGES[number][1])
        place = self.tr("Page {number} of {count}").format(number=number + 1, count=len(PAGES))
        self.setAccessibleName(f"{title}. {place}")
        self.next_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self._paint()

    def _paint(self) -> None:
        ratio = self.devicePixelRatioF()
        for picture, (name, _title, _texts) in zip(self._pictures, PAGES, strict=True):
            picture.setPixmap(icons.pixmap(name, "accent", _PICTURE, ratio))
        self._dots.show_number(self.number)

    def _lay_out(self) -> None:
        for picture, (_name, title, texts) in zip(self._pictures, PAGES, strict=True):
            self._stack.addWidget(_page(picture, translate("Tour", title), [translate("Tour", each) for each in texts]))
        foot = QHBoxLayout()
        foot.setSpacing(spacing.SMALL)
        foot.addWidget(self.skip_button)
        foot.addStretch(1)
        foot.addWidget(self._dots)
        foot.addStretch(1)
        foot.addWidget(self.back_button)
        foot.addWidget(self.next_button)
        inside = QWidget()
        inside.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.addStretch(2)
        column.addWidget(self._stack)
        column.addSpacing(spacing.VAST)
        column.addLayout(foot)
        column.addStretch(3)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.VAST, spacing.BROAD, spacing.VAST, spacing.BROAD)
        layout.addStretch(1)
        layout.addWidget(inside, 20)
        layout.addStretch(1)


def _page(picture: QLabel, title: str, texts: list[str]) -> QWidget:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(spacing.LARGE)
    column.addWidget(picture)
    column.addWidget(_label(title, "display"))
    for text in texts:
        column.addWidget(_label(text, "muted"))
    column.addStretch(1)
    return page


def _label(text: str, kind: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setProperty("kind", kind)
    return label
