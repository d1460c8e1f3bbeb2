"""The settings' page of tools: which a model may call, what they may read, and the person's own files."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.keyed_rows import KeyedRows
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.own_file_row import OwnFileRow
from tether_desktop.ui.settings.setting_editors import FoldersEditor
from tether_desktop.ui.settings.settings_page import SettingsPage, section
from tether_desktop.ui.tools.tool_row import ToolRow

if TYPE_CHECKING:
    from tether_desktop.settings import Settings
    from tether_desktop.ui.tools.tool_facts import ToolFacts, ToolsSnapshot

USE = ("tool_use", "internet_tools", "web_search", "searxng_address")
LIMITS = ("tool_rounds", "tool_timeout")


class ToolsPage(SettingsPage):
    """Tools by origin, folders, own files.

    Attributes:
        rows: the tools' rows by name.
        files: the rows of the own files by name.
        folder_list: what the file tools may read.

    Signals:
        enabled_changed(name, bool), permission_changed(name, permission): of a tool.
        allow_requested(OwnFile), forget_requested(OwnFile): an own file.
        files_refresh_requested(): look into the folder again.
        permissions_reset(): let every tool ask as it does by itself.
    """

    enabled_changed = Signal(str, bool)
    permission_changed = Signal(str, str)
    allow_requested = Signal(object)
    forget_requested = Signal(object)
    files_refresh_requested = Signal()
    permissions_reset = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__("Tools")
        self._folder = ""
        self.rows: dict[str, ToolRow] = {}
        self._groups: KeyedRows[_Group] = KeyedRows(self._make_group, gap=spacing.SMALL)
        self._files: KeyedRows[OwnFileRow] = KeyedRows(self._make_file)
        self._problems = plain_label("warning")
        self._no_files = plain_label(
            "muted", self.tr("No files yet. A Python file in this folder can bring tools of your own.")
        )
        self.add_fields(settings, USE)
        self.column.addWidget(self._problems)
        self.column.addLayout(self._groups.layout)
        self._add_reset()
        nothing = self.tr("None: the file tools can read nothing.")
        self.folder_list = FoldersEditor(nothing=nothing, asked=self.tr("A folder that the file tools may read"))
        self.column.addWidget(self.make_field(settings, "tool_folders", self.folder_list))
        self._add_files()
        self.column.addWidget(section(self.tr("Limits")))
        self.add_fields(settings, LIMITS)
        self.column.addStretch(1)
        self._problems.hide()

    @property
    def files(self) -> dict[Hashable, OwnFileRow]:
        """The rows of the own files by name."""
        return self._files.rows

    def show_snapshot(self, snapshot: ToolsSnapshot) -> None:
        """Show the tools and files as they are now."""
        self._folder = snapshot.folder
        self._problems.setText("\n".join(map(visible, snapshot.problems)))
        self._problems.setVisible(bool(snapshot.problems))
        origins = dict.fromkeys(tool.origin for tool in snapshot.tools)
        self._groups.show(origins)
        for origin in origins:
            self._groups.rows[origin].show_tools([tool for tool in snapshot.tools if tool.origin == origin])
        self.rows = {str(name): row for group in self._groups.rows.values() for name, row in group.rows.items()}
        self._files.show(file.name for file in snapshot.files)
        for file in snapshot.files:
            self._files.rows[file.name].show_file(file)
        self._no_files.setVisible(not snapshot.files)

    def _add_reset(self) -> None:
        self.reset_button = ThemedButton(self.tr("Ask again for every tool"), "rotate-ccw")
        self.reset_button.setAutoDefault(False)
        self.reset_button.setToolTip(self.tr("Each tool asks again as it does by itself."))
        self.reset_button.clicked.connect(self.permissions_reset)
        row = QHBoxLayout()
        row.addWidget(self.reset_button)
        row.addStretch(1)
        self.column.addLayout(row)

    def _add_files(self) -> None:
        self.column.addWidget(section(self.tr("Your own tools")))
        self.column.addWidget(self._no_files)
        self.column.addLayout(self._files.layout)
        self.folder_button = ThemedButton(self.tr("Open the folder"), "folder-open")
        self.refresh_button = ThemedButton(self.tr("Look again"), "refresh-cw")
        row = QHBoxLayout()
        for button in (self.folder_button, self.refresh_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        row.addStretch(1)
        self.folder_button.clicked.connect(self._on_open_folder)
        self.refresh_button.clicked.connect(self.files_refresh_requested)
        self.column.addLayout(row)

    def _make_group(self, origin: Hashable) -> _Group:
        group = _Group(str(origin))
        group.enabled_changed.connect(self.enabled_changed)
        group.permission_changed.connect(self.permission_changed)
        return group

    def _make_file(self, _path: Hashable) -> OwnFileRow:
        row = OwnFileRow()
        row.allow_requested.connect(self.allow_requested)
        row.forget_requested.connect(self.forget_requested)
        return row

    @Slot()
    def _on_open_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._folder))


class _Group(QWidget):
    """The tools of one origin."""

    enabled_changed = Signal(str, bool)
    permission_changed = Signal(str, str)

    def __init__(self, origin: str) -> None:
        super().__init__()
        heading: QLabel = section(visible(origin))
        self._rows: KeyedRows[ToolRow] = KeyedRows(self._make_row, gap=spacing.HAIR)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.NEAR)
        layout.addWidget(heading)
        layout.addLayout(self._rows.layout)

    @property
    def rows(self) -> dict[Hashable, ToolRow]:
        return self._rows.rows

    def show_tools(self, tools: list[ToolFacts]) -> None:
        self._rows.show(tool.name for tool in tools)
        for tool in tools:
            self._rows.rows[tool.name].show_tool(tool)

    def _make_row(self, name: Hashable) -> ToolRow:
        row = ToolRow(str(name))
        row.enabled_changed.connect(self.enabled_changed)
        row.permission_changed.connect(self.permission_changed)
        return row
