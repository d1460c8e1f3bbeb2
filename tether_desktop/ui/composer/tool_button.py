"""The composer's button for tools: whether this chat uses them, and a call that one question demands."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QMenu, QSizePolicy, QToolButton, QWidget

from tether_desktop.messages import ToolChoice
from tether_desktop.ui.composer.tool_mode import ToolMode
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.tools.tool_facts import ServerPrompt, ToolFacts
from tether_desktop.ui.translation import mark, translate

NO_TOOLS = mark("ToolButton", "There are no tools. Switch some on in Settings, Tools.")

_MODES: tuple[tuple[ToolMode, str], ...] = (
    ("settings", mark("ToolButton", "Tools as the settings say")),
    ("on", mark("ToolButton", "Tools on for this chat")),
    ("off", mark("ToolButton", "Tools off for this chat")),
)


class ToolButton(IconButton):
    """Opens the menu.

    Signals:
        mode_chosen(ToolMode): for this chat.
        demanded(ToolChoice): for the next question.
        prompt_chosen(ServerPrompt): to be put into the composer.
    """

    mode_chosen = Signal(str)
    demanded = Signal(object)
    prompt_chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("wrench", translate("ToolButton", NO_TOOLS), parent, size=18)
        self._tools: tuple[ToolFacts, ...] = ()
        self._prompts: tuple[ServerPrompt, ...] = ()
        self._mode: ToolMode = "settings"
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setFixedSize(36, 36)
        self.clicked.connect(self.open_menu)
        self.show_tools(())

    def show_tools(self, tools: Sequence[ToolFacts]) -> None:
        """Take the tools that a model may call; without any, the button says why it is of no use."""
        self._tools = tuple(sorted(tools, key=lambda tool: (tool.origin, tool.title)))
        self.setEnabled(bool(tools))
        self._refresh_label()

    @property
    def prompts(self) -> tuple[ServerPrompt, ...]:
        """The prompts that MCP servers have."""
        return self._prompts

    def show_prompts(self, prompts: Sequence[ServerPrompt]) -> None:
        """Take the prompts that MCP servers have."""
        self._prompts = tuple(prompts)

    def show_mode(self, mode: ToolMode) -> None:
        """Show what holds for this chat."""
        self._mode = mode
        self.set_icon("wrench", {"on": "accent", "off": "placeholder"}.get(mode, "muted"))
        self._refresh_label()

    @Slot()
    def open_menu(self) -> None:
        """Show the menu above the button."""
        menu = self.menu_now()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        corner = self.mapToGlobal(self.rect().topLeft())
        corner.setY(corner.y() - menu.sizeHint().height() - 4)
        menu.popup(corner)

    def menu_now(self) -> QMenu:
        """The menu as it is now."""
        menu = QMenu(self)
        group = QActionGroup(menu)
        for mode, text in _MODES:
            action = QAction(translate("ToolButton", text), menu, checkable=True, checked=mode == self._mode)
            action.triggered.connect(lambda _on=False, chosen=mode: self.mode_chosen.emit(chosen))
            group.addAction(action)
            menu.addAction(action)
        menu.addSeparator()
        self._fill_demands(menu.addMenu(self.tr("Use a tool for this question")))
        if self._prompts:
            self._fill_prompts(menu.addMenu(self.tr("Insert a prompt")))
        return menu

    def _fill_demands(self, menu: QMenu) -> None:
        self._add_demand(menu, self.tr("Any tool (it must use one)"), ToolChoice("required"))
        menu.addSeparator()
        for tool in self._tools:
            self._add_demand(menu, visible(tool.title), ToolChoice("named", tool.name), tool.origin)

    def _fill_prompts(self, menu: QMenu) -> None:
        for found in self._prompts:
            title = f"{visible(found.prompt.title or found.prompt.name)[:60]} ({visible(found.server)[:30]})"
            action = QAction(title.replace("&", "&&"), menu)
            action.setStatusTip(visible(found.prompt.description))
            action.triggered.connect(lambda _on=False, chosen=found: self.prompt_chosen.emit(chosen))
            menu.addAction(action)

    def _add_demand(self, menu: QMenu, text: str, choice: ToolChoice, origin: str = "") -> None:
        action = QAction(text.replace("&", "&&"), menu)
        action.setStatusTip(origin)
        action.triggered.connect(lambda: self.demanded.emit(choice))
        menu.addAction(action)

    def _refresh_label(self) -> None:
        mode = next(text for mode, text in _MODES if mode == self._mode)
        self.set_label(translate("ToolButton", mode if self._tools else NO_TOOLS))


class DemandChip(QFrame):
    """Says which call the next question demands, until it is sent or taken off.

    Signals:
        removed(): the person took it off.
    """

    removed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "chip")
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setProperty("kind", "small")
        self.remove_button = IconButton("x", self.tr("Do not demand a tool"), size=14)
        self.remove_button.clicked.connect(self.removed)
        row = QHBoxLayout(self)
        row.setContentsMargins(spacing.MEDIUM, spacing.HAIR, spacing.TIGHT, spacing.HAIR)
        row.setSpacing(spacing.TIGHT)
        row.addWidget(self.label)
        row.addWidget(self.remove_button)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_demand(self, title: str) -> None:
        """Name the tool; an empty title hides the chip."""
        text = self.tr("Must use: {tool}").format(tool=visible(title)[:60])
        self.label.setText(text)
        self.setAccessibleName(text)
        self.setVisible(bool(title))
