"""The pieces a message is put together from; each says how high it must be at a given width."""

from __future__ import annotations

from PySide6.QtCore import QRect, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QWidget,
)

from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.mirror import place
from tether_desktop.ui.look.themed_button import ThemedButton

STATUS_HEIGHT = 24
ACTIONS_HEIGHT = 28


class StatusLine(QWidget):
    """One line that says what a reply waits for, with a slim bar when it is known how long.

    Attributes:
        go_on: lets a reply that ended too early go on; hidden while there is nothing to go on with.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.go_on = ThemedButton(self.tr("Continue"), "play", self, kind="ghost")
        self.go_on.setAutoDefault(False)
        self.go_on.hide()
        self._icon = QLabel(self)
        self._label = QLabel(self)
        self._label.setProperty("kind", "muted")
        self._bar = QProgressBar(self)
        self._bar.setTextVisible(False)
        self._bar.setRange(0, 1000)
        self._bar.setFixedSize(160, 4)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing.SMALL)
        for part in (self._icon, self._label, self._bar, self.go_on):
            row.addWidget(part)
        row.addStretch(1)

    def show_status(self, icon: str, text: str, progress: float | None) -> None:
        """Say ``text``; ``progress`` is 0..1, or None to show no bar."""
        self._icon.setPixmap(icons.pixmap(icon, "muted", 16, self.devicePixelRatioF()))
        self._label.setText(text)
        self._bar.setVisible(progress is not None)
        self._bar.setValue(round((progress or 0) * 1000))
        self._bar.setAccessibleName(text)

    def fit(self, _width: int) -> int:
        """The height of one line."""
        return STATUS_HEIGHT if self.go_on.isHidden() else max(STATUS_HEIGHT, self.go_on.sizeHint().height())


class Notice(QFrame):
    """A line that must not be missed."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setProperty("kind", "notice")
        self._label = wrapping_label(self, "notice_text")
        self._icon = QLabel(self)

    def show_text(self, text: str) -> None:
        """Say ``text``."""
        self._icon.setPixmap(icons.pixmap("scissors", "warning", 16, self.devicePixelRatioF()))
        self._label.setText(text)

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        inner = width - 36 - 12
        height = self._label.heightForWidth(inner)
        place(self._label, QRect(36, 8, inner, height), width)
        place(self._icon, QRect(12, 9, 16, 18), width)
        return height + 16


def wrapping_label(parent: QWidget, kind: str) -> QLabel:
    """Plain text that can be selected, in as many lines as it takes."""
    label = QLabel(parent)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setProperty("kind", kind)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


class VersionSwitch(QWidget):
    """Steps through the versions of a message: ``‹ 2 / 3 ›``.

    Signals:
        chosen: the version to show, from 1.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._version = 1
        self._label = QLabel(self)
        self._label.setProperty("kind", "small")
        self.previous = IconButton("chevron-left", self.tr("Previous version"), self, size=16)
        self.next = IconButton("chevron-right", self.tr("Next version"), self, size=16)
        self.previous.clicked.connect(lambda: self.chosen.emit(self._version - 1))
        self.next.clicked.connect(lambda: self.chosen.emit(self._version + 1))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing.HAIR)
        for part in (self.previous, self._label, self.next):
            row.addWidget(part)

    def show_version(self, version: int, versions: int) -> None:
        """Say which of how many it is."""
        self._version = version
        self._label.setText(f"{version} / {versions}")
        self._label.setAccessibleName(self.tr("Version {number} of {count}").format(number=version, count=versions))
        self.previous.setEnabled(version > 1)
        self.next.setEnabled(version < versions)
        self.setVisible(versions > 1)
