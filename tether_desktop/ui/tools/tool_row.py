"""A tool in the settings: whether models are told of it, whether its calls ask, and what it says of itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.ui.tools.tool_facts import ToolFacts

PERMISSIONS = {
    "ask": mark("ToolRow", "Ask every time"),
    "always": mark("ToolRow", "Always allow"),
    "never": mark("ToolRow", "Never allow"),
}
_LEAST_CHARACTERS = 12
"""Of a permission are shown where there is no room for all."""


class ToolRow(QWidget):
    """One tool.

    Signals:
        enabled_changed(name, bool): the switch.
        permission_changed(name, permission): the choice.
    """

    enabled_changed = Signal(str, bool)
    permission_changed = Signal(str, str)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = name
        self.switch = QCheckBox()
        self.permission = QComboBox()
        self.permission.setMinimumWidth(_LEAST_CHARACTERS * self.fontMetrics().averageCharWidth())
        self.more_button = IconButton("chevron-right", self.tr("Description"), size=16)
        self.more_button.setCheckable(True)
        self.description = plain_label("small")
        self.description.hide()
        self._lay_out()
        self.switch.clicked.connect(self._on_switched)
        self.permission.activated.connect(self._on_permission)
        self.more_button.clicked.connect(self._on_more)

    def show_tool(self, tool: ToolFacts) -> None:
        """Show this state of the tool."""
        title = visible(tool.title or tool.name)
        self.switch.setText(title.replace("&", "&&"))
        self.switch.setChecked(tool.enabled)
        self._offer(tool)
        self.permission.setCurrentIndex(max(0, self.permission.findData(tool.permission)))
        self.permission.setEnabled(tool.enabled)
        self.permission.setAccessibleName(self.tr("Permission of {title}").format(title=title))
        self.more_button.set_label(self.tr("Description of {title}").format(title=title))
        self.description.setText(f"{visible(tool.name)}\n{visible(tool.description)}".strip())

    def _offer(self, tool: ToolFacts) -> None:
        wanted = [value for value in PERMISSIONS if value != "always" or tool.may_always_run]
        if [self.permission.itemData(index) for index in range(self.permission.count())] == wanted:
            return
        self.permission.clear()
        for value in wanted:
            self.permission.addItem(translate("ToolRow", PERMISSIONS[value]), value)
        only = self.tr("Only built-in tools can be allowed for good; this one can for a chat, when it asks.")
        self.permission.setToolTip("" if tool.may_always_run else only)

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(spacing.SMALL)
        row.addWidget(self.more_button)
        row.addWidget(self.switch, 1)
        row.addWidget(self.permission)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.HAIR)
        layout.addLayout(row)
        layout.addWidget(self.description)
        self.description.setContentsMargins(spacing.VAST, 0, 0, spacing.NEAR)

    @Slot(bool)
    def _on_switched(self, on: bool) -> None:
        self.enabled_changed.emit(self._name, on)

    @Slot()
    def _on_permission(self) -> None:
        self.permission_changed.emit(self._name, str(self.permission.currentData()))

    @Slot(bool)
    def _on_more(self, shown: bool) -> None:
        self.more_button.set_icon("chevron-down" if shown else "chevron-right")
        self.description.setVisible(shown)
