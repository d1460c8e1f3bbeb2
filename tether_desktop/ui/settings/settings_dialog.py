"""The settings: a search and the names of the pages at the side, and the page itself, made when it is turned to."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLineEdit, QStackedWidget, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.settings.found_page import FoundPage
from tether_desktop.ui.settings.page_list import PageList
from tether_desktop.ui.settings.page_maker import make_page
from tether_desktop.ui.settings.page_table import PAGE_NAMES
from tether_desktop.ui.settings.settings_page import SettingsPage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from PySide6.QtGui import QKeyEvent

    from tether_desktop.errors import TetherError
    from tether_desktop.settings import Settings
    from tether_desktop.ui.port.port_page import PortPage
    from tether_desktop.ui.tools.servers_page import ServersPage
    from tether_desktop.ui.tools.tool_facts import ToolsSnapshot
    from tether_desktop.ui.tools.tools_page import ToolsPage

_SIZE = (940, 680)
_FRAME = 56
"""What the frames of windows take, so that the dialog fits on a small screen with them."""


class SettingsDialog(QDialog):
    """Shows one page at a time.

    Attributes:
        search: finds a setting by its words.
        names: the pages.
        page_name: of the page that was turned to last.
        found: what the search finds; None before the first one.

    Signals:
        setting_changed(name, value): a row of the settings table got another value; None is its default.
        page_made(name, SettingsPage): for the first time; who serves it connects it now.
        page_shown(name): by whichever way.
    """

    setting_changed = Signal(str, object)
    page_made = Signal(str, object)
    page_shown = Signal(str)

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Settings"))
        self._settings = settings
        self._tools: ToolsSnapshot | None = None
        self._problems: dict[str, str] = {}
        self._made: dict[str, SettingsPage] = {}
        self.page_name = ""
        self.found: FoundPage | None = None
        self.search = QLineEdit()
        self.names = PageList()
        self._pages = QStackedWidget()
        self.close_button = IconButton("x", self.tr("Close the settings"))
        self._lay_out()
        self.names.chosen.connect(self._turn_to)
        self.search.textChanged.connect(self._on_search)
        self.search.returnPressed.connect(self._on_return)
        self.close_button.clicked.connect(self.accept)
        QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._go_to_search)

    @property
    def tools(self) -> ToolsPage:
        """The page of tools."""
        return cast("ToolsPage", self.page("Tools"))

    @property
    def servers(self) -> ServersPage:
        """The page of MCP servers."""
        return cast("ServersPage", self.page("MCP servers"))

    @property
    def port(self) -> PortPage:
        """The page of the local port."""
        return cast("PortPage", self.page("Local port"))

    def made(self, name: str) -> SettingsPage | None:
        """A page, if it was turned to already."""
        return self._made.get(name)

    def page(self, name: str) -> SettingsPage:
        """A page, made now if need be; ``name`` is one of ``PAGE_NAMES``."""
        if name not in self._made:
            page = make_page(name, self._settings)
            self._made[name] = page
            page.setting_changed.connect(self.setting_changed)
            self._show_tools_on(page)
            page.show_problems(self._problems)
            self.page_made.emit(name, page)
            # The first one is shown as soon as it is taken in, so whoever serves it has to know it by then.
            self._pages.addWidget(page)
        return self._made[name]

    def show_page(self, name: str, row: str = "") -> None:
        """Turn to a page, and on it to a row of the settings table."""
        self.search.clear()
        self.names.show_page(name)
        self._turn_to(name)
        if row:
            self.page(name).go_to(row)

    def show_tools(self, tools: ToolsSnapshot) -> None:
        """Show what is known of the tools."""
        self._tools = tools
        for page in self._made.values():
            self._show_tools_on(page)

    def show_settings(self, settings: Settings) -> None:
        """Show the values that hold now."""
        self._settings = settings
        for page in self._made.values():
            page.show_settings(settings)

    def show_problems(self, problems: Mapping[str, str]) -> None:
        """Say beside rows of the settings table why the values that hold there do nothing; empty for those that do."""
        self._problems |= problems
        for page in self._made.values():
            page.show_problems(problems)

    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong, on the page that was turned to."""
        self.page(self.page_name or PAGE_NAMES[0]).show_error(error)

    def forget_errors(self) -> None:
        """What went wrong went well since."""
        for page in self._made.values():
            page.banner.hide()

    def done(self, result: int) -> None:
        """What is being typed counts."""
        focus = self.focusWidget()
        if focus is not None:
            focus.clearFocus()
        super().done(result)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Esc leaves the search, and then the settings."""
        if event.key() == Qt.Key.Key_Escape and self.search.text():
            self.search.clear()
            self.search.setFocus()
        elif event.key() == Qt.Key.Key_Down and self.search.hasFocus():
            (self.found.hits if self.search.text() and self.found else self.names).setFocus()
        else:
            super().keyPressEvent(event)

    def _show_tools_on(self, page: SettingsPage) -> None:
        show = getattr(page, "show_snapshot", None)
        if show is not None and self._tools is not None:
            show(self._tools)

    def _lay_out(self) -> None:
        self.search.setPlaceholderText(self.tr("Find a setting"))
        self.search.setAccessibleName(self.tr("Find a setting"))
        self.search.setClearButtonEnabled(True)
        self.search.setMaxLength(200)
        side = QVBoxLayout()
        side.setSpacing(spacing.SMALL)
        side.addWidget(self.search)
        side.addWidget(self.names, 1)
        self.search.setFixedWidth(self.names.width())
        shown = QGridLayout()  # the button has a corner of the page, beside its heading
        shown.addWidget(self._pages, 0, 0)
        shown.addWidget(self.close_button, 0, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignTrailing)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.MEDIUM, spacing.LARGE)
        layout.setSpacing(spacing.WIDE)
        layout.addLayout(side)
        layout.addLayout(shown, 1)
        room = self.screen().availableSize()
        self.setMinimumSize(min(560, room.width() - 24), min(360, room.height() - _FRAME))
        self.resize(min(_SIZE[0], room.width() - 24), min(_SIZE[1], room.height() - _FRAME))

    @Slot(str)
    def _turn_to(self, name: str) -> None:
        self.page_name = name
        self._pages.setCurrentWidget(self.page(name))
        self.page_shown.emit(name)

    @Slot(str)
    def _on_search(self, query: str) -> None:
        if not query.strip():
            self._turn_to(self.page_name or PAGE_NAMES[0])
            return
        if self.found is None:
            self.found = FoundPage()
            self.found.chosen.connect(self.show_page)
            self.found.left.connect(self._go_to_search)
            self._pages.addWidget(self.found)
        self.found.search(query)
        self._pages.setCurrentWidget(self.found)

    @Slot()
    def _on_return(self) -> None:
        if self.found is not None and self.search.text().strip():
            self.found.open_first()

    @Slot()
    def _go_to_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()
