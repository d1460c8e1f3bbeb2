"""The settings' page of MCP servers."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.keyed_rows import KeyedRows
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.settings_page import SettingsPage
from tether_desktop.ui.tools.server_card import ServerCard
from tether_desktop.ui.tools.server_form import ServerForm

if TYPE_CHECKING:
    from tether_desktop.errors import TetherError
    from tether_desktop.ui.tools.tool_facts import ToolsSnapshot


class ServersPage(SettingsPage):
    """The servers, and the form that adds one.

    Attributes:
        form: shown while a server is added.

    Signals:
        add_requested(name, entry): the entry as the file has it.
        action_requested(action, McpServerState): allow, changes, test, restart, log or remove.
        enabled_changed(name, bool): a server's switch.
        refresh_requested(): read the file again.
    """

    add_requested = Signal(str, object)
    action_requested = Signal(str, object)
    enabled_changed = Signal(str, bool)
    refresh_requested = Signal()

    def __init__(self) -> None:
        super().__init__("MCP servers")
        self._file = ""
        self._problem: object = None
        self._adding: set[str] = set()
        self._cards: KeyedRows[ServerCard] = KeyedRows(self._make_card, gap=spacing.SMALL)
        self._none = plain_label("muted", self.tr("There are none yet."))
        self.form = ServerForm()
        self.form.hide()
        self._lay_out()
        self.add_button.clicked.connect(self._on_add)
        self.open_button.clicked.connect(self._on_open)
        self.refresh_button.clicked.connect(self.refresh_requested)
        self.form.add_requested.connect(self._on_form)
        self.form.closed.connect(self._close_form)

    @property
    def cards(self) -> dict[Hashable, ServerCard]:
        """The servers' cards by name."""
        return self._cards.rows

    def show_snapshot(self, snapshot: ToolsSnapshot) -> None:
        """Show the servers as they are now."""
        self._file = snapshot.servers_file
        self._cards.show(state.name for state in snapshot.servers)
        for state in snapshot.servers:
            self._cards.rows[state.name].show_server(state)
        self._none.setVisible(not snapshot.servers and snapshot.problem is None)
        if snapshot.problem is not None and snapshot.problem is not self._problem:
            self.show_error(snapshot.problem)
        self._problem = snapshot.problem

    def show_added(self, name: str) -> None:
        """What the form asked for is done: it can be used for another one."""
        if name in self._adding:
            self._adding.remove(name)
            if not self._adding:
                self.form.clear()
                self._close_form()

    def show_error(self, error: TetherError) -> None:
        """Tell what went wrong; what is in the form stays there, to be corrected."""
        super().show_error(error)
        self._adding.clear()

    def show_note(self, name: str, text: str) -> None:
        """Show at a server what came of a test."""
        if name in self._cards.rows:
            self._cards.rows[name].show_note(text)

    def _lay_out(self) -> None:
        self.add_button = ThemedButton(self.tr("Add a server…"), "plus")
        self.open_button = ThemedButton(self.tr("Open the file"), "file-text")
        self.refresh_button = ThemedButton(self.tr("Read it again"), "refresh-cw")
        buttons = QWidget()
        row = FlowLayout(buttons, 8)
        for button in (self.add_button, self.open_button, self.refresh_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        what = self.tr(
            "MCP servers are other people's programs that bring tools, started and asked only as far as you allow."
        )
        self.column.addWidget(plain_label("muted", what))
        self.column.addWidget(buttons)
        self.column.addWidget(self.form)
        self.column.addWidget(self._none)
        self.column.addLayout(self._cards.layout)
        self.column.addStretch(1)

    def _make_card(self, name: Hashable) -> ServerCard:
        card = ServerCard(str(name))
        card.action_requested.connect(self.action_requested)
        card.enabled_changed.connect(self.enabled_changed)
        return card

    @Slot()
    def _on_add(self) -> None:
        self.form.show()
        self.form.name.setFocus()

    @Slot(str, object)
    def _on_form(self, name: str, entry: dict[str, Any]) -> None:
        self._adding.add(name)
        self.banner.hide()
        self.add_requested.emit(name, entry)

    @Slot()
    def _close_form(self) -> None:
        self.form.hide()
        self.add_button.setFocus()

    @Slot()
    def _on_open(self) -> None:
        # The file is made with the first server.
        there = self._file if self.cards or self._problem else str(Path(self._file).parent)
        QDesktopServices.openUrl(QUrl.fromLocalFile(there))
