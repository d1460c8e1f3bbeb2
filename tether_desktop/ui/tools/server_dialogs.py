"""Dialogs about one MCP server: what it printed, and which of its tools have changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal, Slot
from PySide6.QtGui import QGuiApplication, QTextCursor
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import pretty_json, visible
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.translation import translate

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.states import McpServerState, McpToolState

_SIZE = (700, 480)


class TextDialog(QDialog):
    """Text in a box, and buttons below."""

    def __init__(self, title: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.text = QPlainTextEdit()
        self.text.setProperty("kind", "code_box")
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setAccessibleName(title)
        self.close_button = ThemedButton(self.tr("Close"))
        self.close_button.setAutoDefault(False)
        self.close_button.clicked.connect(self.reject)
        self.buttons = QHBoxLayout()
        self.buttons.addStretch(1)
        self.buttons.addWidget(self.close_button)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(spacing.WIDE, spacing.LARGE, spacing.WIDE, spacing.LARGE)
        self.column.setSpacing(spacing.SMALL)
        self.column.addWidget(self.text, 1)
        self.column.addLayout(self.buttons)
        room = self.screen().availableSize()
        self.resize(min(_SIZE[0], room.width() - 24), min(_SIZE[1], room.height() - 56))


class LogDialog(TextDialog):
    """The end of what a server printed.

    Signals:
        refresh_requested(): read it again.
    """

    refresh_requested = Signal()

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(translate("LogDialog", "Log of {name}").format(name=visible(name)), parent)
        self.refresh_button = ThemedButton(self.tr("Read again"), "refresh-cw")
        self.copy_button = ThemedButton(self.tr("Copy"), "copy")
        for position, button in enumerate((self.refresh_button, self.copy_button)):
            button.setAutoDefault(False)
            self.buttons.insertWidget(position, button)
        self.refresh_button.clicked.connect(self.refresh_requested)
        self.copy_button.clicked.connect(self._on_copy)

    def show_log(self, text: str) -> None:
        """Show it from its end."""
        self.text.setPlainText(visible(text) or self.tr("Nothing was printed yet."))
        self.text.moveCursor(QTextCursor.MoveOperation.End)

    @Slot()
    def _on_copy(self) -> None:
        QGuiApplication.clipboard().setText(self.text.toPlainText())


class ChangesDialog(TextDialog):
    """What a server says of the tools that are new or changed; accepting them is what the dialog asks."""

    def __init__(self, state: McpServerState, parent: QWidget | None = None) -> None:
        super().__init__(translate("ChangesDialog", "Changed tools of {name}").format(name=visible(state.name)), parent)
        self.column.insertWidget(0, plain_label("", self._why()))
        self.text.setPlainText("\n\n".join(_change_text(tool) for tool in state.tools if tool.change))
        self.accept_button = ThemedButton(self.tr("Offer them to the model"), "check")
        self.accept_button.setAutoDefault(False)
        self.accept_button.clicked.connect(self.accept)
        self.buttons.insertWidget(1, self.accept_button)
        self.close_button.setText(self.tr("Not now"))
        self.close_button.setDefault(True)

    def _why(self) -> str:
        return self.tr(
            "These tools are kept from the model until you have looked at them: a description is read by the model, "
            "and can mislead it."
        )


def _change_text(tool: McpToolState) -> str:
    heading = f"{tool.name} ({tool.change})"
    return "\n".join((visible(heading), visible(tool.description), pretty_json(tool.parameters)))
