"""Where a person writes: grows with the text, Enter sends, Shift+Enter breaks, the button stops an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.composer.message_edit import MessageEdit
from tether_desktop.ui.composer.tool_button import ANY_TOOL, DemandChip, ToolButton
from tether_desktop.ui.look.icons import IconButton

if TYPE_CHECKING:
    from tether_desktop.messages import ToolChoice
    from tether_desktop.ui.tools.tool_facts import ToolFacts

LONG = 4_000
"""Above this many characters a text is taken for something to send without looking at it at every key."""


class Composer(QWidget):
    """The message field with its button, and the reason when nothing can be sent.

    Signals:
        send_requested(text): Enter or the button, with something to send.
        stop_requested(): the button, while an answer is being written.
        typing_started(): the first character of a message.
        tool_mode_chosen(ToolMode): whether this chat uses tools.
    """

    send_requested = Signal(str)
    stop_requested = Signal()
    typing_started = Signal()
    tool_mode_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = MessageEdit()
        self.button = IconButton("arrow-up", "Send (Enter)", color="on_accent", size=20)
        self.button.setProperty("kind", "round")
        self.button.setFixedSize(36, 36)
        self.tool_button = ToolButton()
        self.demand_chip = DemandChip()
        self.reason_label = QLabel()
        self.reason_label.setProperty("kind", "small")
        self.reason_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.reason_label.hide()
        self._frame = QFrame()
        self._frame.setProperty("kind", "field")
        self._busy = False
        self._was_empty = True
        self._reason = ""
        self._demand: ToolChoice | None = None
        self._tools: dict[str, ToolFacts] = {}
        self._lay_out()
        self.edit.submitted.connect(self._on_submitted)
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.height_wanted.connect(self.edit.setFixedHeight)
        self.edit.focused.connect(self._on_focused)
        self.button.clicked.connect(self._on_clicked)
        self.tool_button.mode_chosen.connect(self.tool_mode_chosen)
        self.tool_button.demanded.connect(self._on_demanded)
        self.demand_chip.removed.connect(self.clear_demand)
        self.edit.fit()
        self._refresh()

    def text(self) -> str:
        """What is typed."""
        return self.edit.text()

    def set_text(self, text: str) -> None:
        """Replace what is typed, the cursor at its end."""
        self.edit.set_text(text)

    def insert(self, text: str) -> None:
        """Put text behind what is typed, and go there."""
        typed = self.text()
        self.set_text(f"{typed.rstrip()}\n\n{text}" if typed.strip() else text)
        self.edit.setFocus()

    def set_model_title(self, title: str) -> None:
        """Name the model that is spoken to."""
        self.edit.setPlaceholderText(f"Message {title}…" if title else "Message…")

    def set_tools(self, tools: Mapping[str, ToolFacts]) -> None:
        """Take the tools by name; a demand for one that is gone goes with it."""
        self._tools = {name: tool for name, tool in tools.items() if tool.offered}
        self.tool_button.show_tools(tuple(self._tools.values()))
        demand = self._demand
        if demand is not None and (not self._tools or (demand.name and demand.name not in self._tools)):
            self.clear_demand()

    @property
    def demand(self) -> ToolChoice | None:
        """The tool call that the next question demands; None when it demands none."""
        return self._demand

    @Slot()
    def clear_demand(self) -> None:
        """Demand no tool call any more."""
        self._demand = None
        self.demand_chip.show_demand("")
        self.edit.setFocus()

    @Slot(object)
    def _on_demanded(self, choice: ToolChoice) -> None:
        self._demand = choice
        self.demand_chip.show_demand(self._tools[choice.name].title if choice.name else ANY_TOOL.lower())
        self.edit.setFocus()

    def set_busy(self, busy: bool) -> None:
        """While an answer is written the button stops it."""
        self._busy = busy
        self._refresh()

    def set_reason(self, reason: str) -> None:
        """Why nothing can be sent; an empty reason lets it be sent."""
        self._reason = reason
        self.reason_label.setText(reason)
        self.reason_label.setVisible(bool(reason))
        self.edit.setAccessibleDescription(reason)
        self._refresh()

    @property
    def reason(self) -> str:
        """Why nothing can be sent; empty when it can."""
        return self._reason

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as a column of text."""
        return QSize(800, super().sizeHint().height())

    def _lay_out(self) -> None:
        inner = QHBoxLayout()
        inner.setSpacing(6)
        inner.addWidget(self.edit, 1, Qt.AlignmentFlag.AlignVCenter)
        inner.addWidget(self.tool_button, 0, Qt.AlignmentFlag.AlignBottom)
        inner.addWidget(self.button, 0, Qt.AlignmentFlag.AlignBottom)
        field = QVBoxLayout(self._frame)
        field.setContentsMargins(18, 8, 8, 8)
        field.setSpacing(4)
        field.addWidget(self.demand_chip)
        field.addLayout(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.reason_label)
        layout.addWidget(self._frame)

    def _can_send(self) -> bool:
        return not self._busy and not self._reason and self._has_text()

    def _has_text(self) -> bool:
        many = self.edit.document().characterCount() > LONG  # copying a million characters per key is too much
        return many or bool(self.text().strip())

    def _refresh(self) -> None:
        self.button.set_icon("square" if self._busy else "arrow-up")
        self.button.set_label("Stop (Esc)" if self._busy else "Send (Enter)")
        self.button.setEnabled(self._busy or self._can_send())

    @Slot()
    def _on_submitted(self) -> None:
        text = self.text().strip() if self._can_send() else ""
        if text:
            self.edit.clear()
            self.send_requested.emit(text)

    @Slot()
    def _on_clicked(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self._on_submitted()
        self.edit.setFocus()

    @Slot()
    def _on_text_changed(self) -> None:
        empty = self.edit.document().isEmpty()
        if self._was_empty and not empty and self.edit.hasFocus():
            self.typing_started.emit()
        self._was_empty = empty
        self._refresh()

    @Slot(bool)
    def _on_focused(self, focused: bool) -> None:
        self._frame.setProperty("active", focused)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)

    def event(self, event: QEvent) -> bool:
        """Clicking beside the text goes into it."""
        if event.type() == QEvent.Type.MouseButtonPress:
            self.edit.setFocus(Qt.FocusReason.MouseFocusReason)
        return super().event(event)
