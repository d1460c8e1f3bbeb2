"""An MCP server in the settings: what it is, how it is, and what can be done about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.translation import counted, mark, translate

if TYPE_CHECKING:
    from tether_desktop.tools.mcp.states import McpServerState, McpStatus

_STATUS: dict[McpStatus, tuple[str, str]] = {
    "off": (mark("ServerCard", "off"), "pill"),
    "needs_approval": (mark("ServerCard", "needs your approval"), "pill_warning"),
    "starting": (mark("ServerCard", "starting…"), "pill"),
    "ready": (mark("ServerCard", "ready"), "pill_success"),
    "changed": (mark("ServerCard", "its tools have changed"), "pill_warning"),
    "failed": (mark("ServerCard", "failed"), "pill_danger"),
    "stopped": (mark("ServerCard", "stopped"), "pill"),
}
_ACTIONS: tuple[tuple[str, str, str], ...] = (
    ("allow", mark("ServerCard", "Allow and start"), "check"),
    ("changes", mark("ServerCard", "See what changed…"), "info"),
    ("test", mark("ServerCard", "Test"), "circle-check"),
    ("restart", mark("ServerCard", "Restart"), "refresh-cw"),
    ("log", mark("ServerCard", "Log…"), "file-text"),
    ("remove", mark("ServerCard", "Remove"), "trash-2"),
)


def is_address(state: McpServerState) -> bool:
    """Whether the server is reached over the network and not started here."""
    return state.command_line.startswith(("http://", "https://"))


class ServerCard(QFrame):
    """One server.

    Attributes:
        buttons: by what they do: allow, changes, test, restart, log, remove.
        note: what came of the last test.

    Signals:
        action_requested(action, McpServerState): as it is shown.
        enabled_changed(name, bool): the switch.
    """

    action_requested = Signal(str, object)
    enabled_changed = Signal(str, bool)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "well")
        self._name = name
        self._state: McpServerState | None = None
        self._removing = False
        self.switch = QCheckBox(visible(name).replace("&", "&&"))
        self.switch.setAccessibleName(self.tr("MCP server {name}").format(name=visible(name)))
        self.pill = QLabel()
        self.command = _selectable("code")
        self.facts = plain_label("small")
        self.warning = plain_label("small")
        self.problem = _selectable("danger_text")
        self.note = _selectable("small")
        self.note.hide()
        self.buttons = {
            action: self._make_button(action, translate("ServerCard", text), icon) for action, text, icon in _ACTIONS
        }
        self._lay_out()
        self.switch.clicked.connect(lambda on: self.enabled_changed.emit(self._name, on))

    def show_server(self, state: McpServerState) -> None:
        """Show this state of the server."""
        self._state = state
        marked, kind = _STATUS[state.status]
        words = translate("ServerCard", marked)
        self.pill.setText(words)
        set_kind(self.pill, kind)
        self.setAccessibleName(self.tr("MCP server {name}, {state}").format(name=visible(state.name), state=words))
        self.switch.setChecked(state.status != "off")
        self.command.setText(visible(state.command_line))
        self.command.setVisible(bool(state.command_line))
        self.facts.setText(visible(facts_of(state)))
        self.facts.setVisible(bool(facts_of(state)))
        self.warning.setText(self._warning(state))
        self.warning.setVisible(state.status == "needs_approval")
        self.problem.setText(visible(" ".join(filter(None, (state.problem, state.hint)))))
        self.problem.setVisible(bool(state.problem))
        self._show_buttons(state)

    def show_note(self, text: str) -> None:
        """Show what came of a test, or that it goes on."""
        self.note.setText(visible(text))
        self.note.setVisible(bool(text))

    def _warning(self, state: McpServerState) -> str:
        if is_address(state):
            return self.tr(
                "What the model asks this server leaves your computer. Allow it only if you trust who runs it."
            )
        return self.tr(
            "This is exactly what will be started. A server is a program, and can do whatever you can do on this "
            "computer. Allow it only if you trust where it comes from; you are asked again if it changes."
        )

    def _show_buttons(self, state: McpServerState) -> None:
        asks, off = state.status == "needs_approval", state.status == "off"
        wanted = {
            "allow": asks,
            "changes": state.status == "changed",
            "test": not asks and not off,
            "restart": state.status in {"ready", "changed", "failed", "stopped"},
            "log": not asks,
            "remove": True,
        }
        for action, button in self.buttons.items():
            button.setVisible(wanted[action])

    def _make_button(self, action: str, text: str, icon: str) -> ThemedButton:
        button = ThemedButton(text, icon, kind="answer")
        button.setAutoDefault(False)
        button.setAccessibleName(f"{text} {visible(self._name)}")
        button.clicked.connect(lambda: self._on_action(action))
        return button

    def _on_action(self, action: str) -> None:
        if action == "remove" and not self._removing:
            self._ask_to_remove()
            return
        self.action_requested.emit(action, self._state)

    def _ask_to_remove(self) -> None:
        """The second press removes."""
        self._removing = True
        button = self.buttons["remove"]
        button.setText(self.tr("Really remove"))
        button.setAccessibleName(f"{button.text()} {visible(self._name)}")
        button.set_icon("trash-2", "danger")

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.switch, 1)
        top.addWidget(self.pill)
        bottom = QHBoxLayout()
        bottom.setSpacing(spacing.NEAR)
        for button in self.buttons.values():
            bottom.addWidget(button)
        bottom.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
        layout.setSpacing(spacing.NEAR)
        layout.addLayout(top)
        for label in (self.command, self.facts, self.warning, self.problem, self.note):
            layout.addWidget(label)
        layout.addLayout(bottom)


def facts_of(state: McpServerState) -> str:
    """What is known of a server besides its command: folder, variables, version, and what it brings."""
    kind = translate("ServerCard", "Headers") if is_address(state) else translate("ServerCard", "Variables")
    counts = (
        counted("ServerCard", "%n tool(s)", len(state.tools)) if state.tools else "",
        counted("ServerCard", "%n resource(s)", len(state.resources)) if state.resources else "",
        counted("ServerCard", "%n prompt(s)", len(state.prompts)) if state.prompts else "",
    )
    lines = (
        translate("ServerCard", "Started in {folder}").format(folder=state.folder) if state.folder else "",
        f"{kind}: {', '.join(state.variables)}" if state.variables else "",
        " · ".join(filter(None, (state.version, *counts))),
    )
    return "\n".join(filter(None, lines))


def _selectable(kind: str) -> QLabel:
    label = plain_label(kind)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label
