"""What fills the window: sidebar and chat, a page in the place of the chat, or a page in the place of all."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QSplitter, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop.ui.chat.chat_pane import ChatPane
from tether_desktop.ui.header import Header
from tether_desktop.ui.sessions.session_list import SessionList


class WindowPages(QStackedWidget):
    """The parts that are there from the first frame on, and room for those that are made when they are wanted.

    Attributes:
        sidebar: the chats, and the way to the settings.
        header: the bar above the chat.
        pane: the chat.
    """

    def __init__(self, sidebar_width: int, width: int) -> None:
        """Lay out; ``width`` is of all, of which the sidebar takes its part."""
        super().__init__()
        self.sidebar = SessionList()
        self.header = Header()
        self.pane = ChatPane()
        self._sidebar_width = sidebar_width
        self._beside = QStackedWidget()
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.setObjectName("main_splitter")
        self._lay_out(width)

    @property
    def sidebar_width(self) -> int:
        """Of the sidebar while it is shown, in device-independent pixels."""
        return self._splitter.sizes()[0] or self._sidebar_width

    def put_beside(self, page: QWidget) -> None:
        """Put a page beside the sidebar, in the place of the chat; it is taken in when it is new."""
        if self._beside.indexOf(page) < 0:
            self._beside.addWidget(page)
        self._beside.setCurrentWidget(page)

    def show_beside(self, page: QWidget) -> None:
        """Show a page beside the sidebar, whatever was shown in the place of all."""
        self.put_beside(page)
        self.setCurrentWidget(self._splitter)

    def show_alone(self, page: QWidget) -> None:
        """Show a page in the place of all; it is taken in when it is new."""
        if self.indexOf(page) < 0:
            self.addWidget(page)
        self.setCurrentWidget(page)

    @property
    def beside(self) -> QWidget | None:
        """The page that is shown beside the sidebar, or would be."""
        return self._beside.currentWidget()

    @Slot()
    def show_parts(self) -> None:
        """Show sidebar and chat again, or the page in the place of the chat."""
        self.setCurrentWidget(self._splitter)

    @Slot()
    def toggle_sidebar(self) -> None:
        """Hide the sidebar, or show it again."""
        self._sidebar_width = self.sidebar_width
        self.sidebar.setVisible(self.sidebar.isHidden())

    def _lay_out(self, width: int) -> None:
        self._beside.addWidget(self.pane)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._beside, 1)
        self._splitter.addWidget(self.sidebar)
        self._splitter.addWidget(right)
        self._splitter.setHandleWidth(1)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setStretchFactor(1, 1)
        self._splitter.setSizes([self._sidebar_width, width - self._sidebar_width])
        self.addWidget(self._splitter)
