"""The form that adds an MCP server: a name, a command line or an address, and variables."""

from __future__ import annotations

import os
import shlex
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QFormLayout, QFrame, QHBoxLayout, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from tether_desktop.errors import SettingsError
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.tools.pasted_servers import pasted_servers


class ServerForm(QFrame):
    """Asks for one server.

    Signals:
        add_requested(name, entry): the entry as the file of servers has it.
        refused(TetherError): something in the form cannot be understood.
        closed(): without adding.
    """

    add_requested = Signal(str, object)
    refused = Signal(object)
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.name = QLineEdit()
        self.name.setPlaceholderText("time")
        self.what = QLineEdit()
        self.what.setPlaceholderText(self.tr("uvx mcp-server-time   or   https://example.org/mcp"))
        self.variables = QPlainTextEdit()
        self.variables.setPlaceholderText(self.tr("API_KEY=…   one in a line; of an address, these are headers"))
        self.variables.setFixedHeight(64)
        self.variables.setTabChangesFocus(True)
        self.pasted = QPlainTextEdit()
        self.pasted.setTabChangesFocus(True)
        self.problem = plain_label("danger_text")
        self.problem.hide()
        self.add_button = ThemedButton(self.tr("Add"), kind="primary")
        self.cancel_button = ThemedButton(self.tr("Cancel"))
        for button in (self.add_button, self.cancel_button):
            button.setAutoDefault(False)
        self._lay_out()
        self.add_button.clicked.connect(self._on_add)
        self.what.returnPressed.connect(self._on_add)
        self.cancel_button.clicked.connect(self._on_cancel)
        for field in (self.name, self.what, self.pasted):
            field.textChanged.connect(self._refresh)
        self._refresh()

    def clear(self) -> None:
        """Be ready for another one."""
        for field in (self.name, self.what):
            field.clear()
        self.variables.clear()
        self.pasted.clear()
        self.explain("")

    def explain(self, problem: str) -> None:
        """Say what cannot be understood, or that all can."""
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setHorizontalSpacing(spacing.LARGE)
        form.setVerticalSpacing(spacing.SMALL)
        self.pasted.setPlaceholderText('{"mcpServers": {"time": {"command": "uvx", "args": ["mcp-server-time"]}}}')
        self.pasted.setFixedHeight(self.variables.height())
        rows = (
            (self.tr("Name"), self.name),
            (self.tr("Command or address"), self.what),
            (self.tr("Variables"), self.variables),
            (self.tr("Or paste JSON"), self.pasted),
        )
        for caption, field in rows:
            field.setAccessibleName(caption)
            form.addRow(caption, field)
        note = plain_label(
            "small", self.tr("Nothing is started before you have seen the exact command and allowed it.")
        )
        bottom = QHBoxLayout()
        bottom.addWidget(note, 1)
        bottom.addWidget(self.cancel_button)
        bottom.addWidget(self.add_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.SMALL)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addLayout(bottom)

    @Slot()
    def _refresh(self) -> None:
        typed = bool(self.name.text().strip() and self.what.text().strip())
        self.add_button.setEnabled(typed or bool(self.pasted.toPlainText().strip()))

    @Slot()
    def _on_add(self) -> None:
        if not self.add_button.isEnabled():
            return
        try:
            servers = self._servers()
        except SettingsError as error:
            self.explain(f"{error.message} {error.hint}".strip())
            self.refused.emit(error)
            return
        self.explain("")
        for name, entry in servers.items():
            self.add_requested.emit(name, entry)

    def _servers(self) -> dict[str, dict[str, Any]]:
        """What is pasted, else what is typed."""
        pasted = self.pasted.toPlainText()
        if pasted.strip():
            return pasted_servers(pasted)
        return {self.name.text().strip(): entry_of(self.what.text().strip(), self.variables.toPlainText())}

    @Slot()
    def _on_cancel(self) -> None:
        self.clear()
        self.closed.emit()


def entry_of(what: str, variables: str) -> dict[str, Any]:
    """A server's entry in the file, from what was typed.

    Raises:
        SettingsError: a quotation mark or a variable is not complete.
    """
    pairs = dict(_pair(line.strip()) for line in variables.splitlines() if line.strip())
    if what.startswith(("http://", "https://")):
        return {"type": "http", "url": what} | ({"headers": pairs} if pairs else {})
    command, *arguments = _words(what)
    return {"command": command, "args": arguments} | ({"env": pairs} if pairs else {})


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line, posix=os.name != "nt")
    except ValueError as error:
        message = "The command line has a quotation mark that is not closed."
        raise SettingsError("The MCP server cannot be used", message, "Close it, or take it out.") from error
    return words if os.name != "nt" else [word.strip('"') for word in words]


def _pair(line: str) -> tuple[str, str]:
    name, equals, value = line.partition("=")
    if not equals or not name.strip():
        raise SettingsError(
            "The MCP server cannot be used", f"“{line[:60]}” is no variable.", "Write it as NAME=value."
        )
    return name.strip(), value.strip()
