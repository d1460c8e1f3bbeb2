"""The page of models: what is here, what can be added, two answers side by side, and how fast they are."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QEvent, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QStackedWidget, QTabBar, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton

Tab = Literal["here", "add", "compare", "speed"]
TABS: tuple[Tab, ...] = ("here", "add", "compare", "speed")

_WIDEST = 860


class ModelsPage(QWidget):
    """A bar with the way back and the tabs, and below it the tab that is chosen.

    Signals:
        left(): the person wants to see the chat again.
        turned(tab): another tab is shown.
    """

    left = Signal()
    turned = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("models_page")
        self.setAccessibleName(self.tr("Models"))
        back = "chevron-right" if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else "chevron-left"
        self.back_button = IconButton(back, self.tr("Back to the chat"))
        self.tabs = QTabBar()
        self.tabs.setAccessibleName(self.tr("Sections of the models page"))
        self.tabs.setDrawBase(False)
        self.tabs.setExpanding(False)
        self.tabs.setUsesScrollButtons(True)
        self._stack = QStackedWidget()
        for title in (self.tr("On this computer"), self.tr("Add"), self.tr("Compare"), self.tr("Speed")):
            self.tabs.addTab(title)
        self._pages: dict[Tab, QWidget] = {}
        self._lay_out()
        self.tabs.currentChanged.connect(self._on_turned)
        self.back_button.clicked.connect(self.left)

    @property
    def tab(self) -> Tab:
        """The one that is shown."""
        return TABS[self.tabs.currentIndex()]

    def put(self, tab: Tab, page: QWidget) -> None:
        """Give a tab its page."""
        holder = QWidget()
        layout = QHBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        if tab == "compare":
            layout.addWidget(page)
        else:
            page.setMaximumWidth(_WIDEST)
            layout.addStretch(1)
            layout.addWidget(page, 100)
            layout.addStretch(1)
        page.setAccessibleName(self.tabs.tabText(TABS.index(tab)))
        self._pages[tab] = holder
        self._stack.addWidget(holder)
        if tab == self.tab:
            self._stack.setCurrentWidget(holder)

    def has(self, tab: Tab) -> bool:
        """Whether a tab has its page already."""
        return tab in self._pages

    def turn_to(self, tab: Tab) -> None:
        """Show a tab."""
        self.tabs.setCurrentIndex(TABS.index(tab))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape goes back."""
        if event.key() == Qt.Key.Key_Escape:
            self.left.emit()
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Take Escape before the window's own command does."""
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape and _is_override(event):
            event.accept()
            return True
        return super().event(event)

    def _lay_out(self) -> None:
        title = QLabel(self.tr("Models"))
        title.setProperty("kind", "title")
        head = QHBoxLayout()
        head.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.BROAD, spacing.TIGHT)
        head.setSpacing(spacing.SMALL)
        head.addWidget(self.back_button)
        head.addWidget(title, 1)
        bar = QHBoxLayout()
        bar.setContentsMargins(spacing.LARGE, 0, spacing.LARGE, 0)
        bar.addWidget(self.tabs, 1)
        line = QWidget()
        line.setProperty("kind", "topbar")
        line.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        top = QVBoxLayout(line)
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(spacing.HAIR)
        top.addLayout(head)
        top.addLayout(bar)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(line)
        layout.addWidget(self._stack, 1)

    @Slot(int)
    def _on_turned(self, index: int) -> None:
        tab = TABS[index]
        self.turned.emit(tab)
        if tab in self._pages:
            self._stack.setCurrentWidget(self._pages[tab])


def _is_override(event: QKeyEvent) -> bool:
    return event.type() == QEvent.Type.ShortcutOverride
