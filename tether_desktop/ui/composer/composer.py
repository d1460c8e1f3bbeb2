"""Where a person writes: grows with the text, takes files, sends or queues, the button stops an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.composer.composer_edit import LONG, ComposerEdit
from tether_desktop.ui.composer.composer_notice import ComposerNotice
from tether_desktop.ui.composer.composer_row import ComposerRow
from tether_desktop.ui.composer.file_row import FileRow
from tether_desktop.ui.composer.question import Question
from tether_desktop.ui.composer.queue_list import QueueList
from tether_desktop.ui.composer.tool_button import DemandChip
from tether_desktop.ui.composer.writing import Writing
from tether_desktop.ui.look import spacing

if TYPE_CHECKING:
    from tether_desktop.messages import ToolChoice
    from tether_desktop.ui.composer.message_edit import SendKey
    from tether_desktop.ui.composer.prompt_menu import PromptMenu
    from tether_desktop.ui.tools.tool_facts import ToolFacts

_LONGEST_QUERY = 80
_SLASH = re.compile(r"\s*/([^\n/]{0,60})")


class Composer(QWidget):
    """The message field with what belongs to a question, and the reason when nothing can be sent.

    Attributes:
        writing: what is written here, and waits, in the chat that is shown.

    Signals:
        send_requested(Question): the key that sends or a button, with something to send or to queue.
        check_wanted(): before sending, whether files have changed; ``send_checked`` or ``keep_from_sending`` answer.
        stop_requested(): the button, while an answer is being written.
        typing_started(): the first character of a message.
        edited(): the text is another one.
        files_changed(): the files are others, or another chat's.
        tool_mode_chosen(ToolMode): whether this chat uses tools.
        prompts_wanted(query): a slash was typed at the beginning, or the button pressed; the query follows the slash.
    """

    send_requested = Signal(object)
    check_wanted = Signal()
    stop_requested = Signal()
    typing_started = Signal()
    edited = Signal()
    files_changed = Signal()
    tool_mode_chosen = Signal(str)
    prompts_wanted = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = ComposerEdit()
        self.row = ComposerRow()
        self.button, self.tool_button = self.row.button, self.row.tool_button
        self.files = FileRow()
        self.queue = QueueList()
        self.notice = ComposerNotice()
        self.demand_chip = DemandChip()
        self.reason_label = QLabel()
        self.reason_label.setProperty("kind", "small")
        self.reason_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.reason_label.setWordWrap(True)
        self.reason_label.hide()
        self._frame = QFrame()
        self._frame.setProperty("kind", "field")
        self.writing = Writing(self)
        self._busy = False
        self._checking = False
        self._was_empty = True
        self._slash_closed = False
        self._reason = ""
        self._demand: ToolChoice | None = None
        self._tools: dict[str, ToolFacts] = {}
        self._lay_out()
        self._connect()
        self.edit.fit()
        self._show_parts()

    @cached_property
    def prompt_menu(self) -> PromptMenu:
        """The list of prompts, made when it is first wanted."""
        from tether_desktop.ui.composer.prompt_menu import PromptMenu

        menu = PromptMenu(self.edit, self._frame)
        menu.closed.connect(self._on_menu_closed)
        return menu

    def text(self) -> str:
        """What is typed."""
        return self.edit.text()

    def set_text(self, text: str) -> None:
        """Replace what is typed, the cursor at its end."""
        self.edit.forget_browsing()
        self.edit.set_text(text)

    def insert(self, text: str) -> None:
        """Put text behind what is typed, or in the place of a slash, and go there; blanks in it are filled in."""
        typed = self.text()
        if self.slash_query() is not None or not typed.strip():
            self.set_text(text)
            self.edit.fill_in()
        else:
            self.set_text(f"{typed.rstrip()}\n\n{text}")
        self.edit.setFocus()

    def show_writing(self, writing: Writing) -> None:
        """Show what is written in another chat; what was shown so far is kept in its own."""
        self.keep()
        self.writing.changed.disconnect(self._refresh)
        self.writing.files.changed.disconnect(self.files_changed)
        self.writing = writing
        self._checking = False
        self.notice.hide()
        self._show_parts()

    def show_text(self) -> None:
        """Show the text of what is written: it was changed elsewhere."""
        self.set_text(self.writing.text)

    def keep(self) -> None:
        """Put what is typed where drafts are saved from."""
        self.writing.text = self.text()

    def set_send_key(self, send_key: SendKey) -> None:
        """Which key sends."""
        self.edit.send_key = send_key
        self.row.name_send_key(send_key)

    def set_model_title(self, title: str) -> None:
        """Name the model that is spoken to."""
        named = self.tr("Message {model}…").format(model=title)
        self.edit.setPlaceholderText(named if title else self.tr("Message…"))

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
        self.demand_chip.show_demand(self._tools[choice.name].title if choice.name else self.tr("any tool"))
        self.edit.setFocus()

    def set_busy(self, busy: bool) -> None:
        """While an answer is written the button stops it, and what is sent waits."""
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

    def slash_query(self) -> str | None:
        """What follows a slash at the beginning; None when something else is typed."""
        if self.edit.document().characterCount() > _LONGEST_QUERY:
            return None
        found = _SLASH.fullmatch(self.text())
        return found.group(1) if found else None

    def send_checked(self) -> None:
        """Send what is written: its files were looked at."""
        self._checking = False
        if self._can_send():
            self._send()
        self._refresh()

    def keep_from_sending(self, why: str) -> None:
        """Send nothing for now, and say why not; what is written stays."""
        self._checking = False
        self.notice.say(why)
        self._refresh()
        self.edit.setFocus()

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """As wide as a column of text."""
        return QSize(800, super().sizeHint().height())

    def event(self, event: QEvent) -> bool:
        """Clicking beside the text goes into it."""
        if event.type() == QEvent.Type.MouseButtonPress:
            self.edit.setFocus(Qt.FocusReason.MouseFocusReason)
        return super().event(event)

    def _connect(self) -> None:
        self.edit.submitted.connect(self._on_submitted)
        self.edit.textChanged.connect(self._on_text_changed)
        self.edit.height_wanted.connect(self.edit.setFixedHeight)
        self.edit.focused.connect(self._on_focused)
        self.button.clicked.connect(self._on_clicked)
        self.row.queue_button.clicked.connect(self._on_submitted)
        self.row.prompts_button.clicked.connect(self._on_prompts_button)
        self.tool_button.mode_chosen.connect(self.tool_mode_chosen)
        self.tool_button.demanded.connect(self._on_demanded)
        self.demand_chip.removed.connect(self.clear_demand)
        self.files.emptied.connect(self.edit.setFocus)
        self.queue.left.connect(self.edit.setFocus)

    def _lay_out(self) -> None:
        field = QVBoxLayout(self._frame)
        field.setContentsMargins(spacing.SMALL, spacing.SMALL, spacing.SMALL, spacing.SMALL)
        field.setSpacing(spacing.TIGHT)
        above = QVBoxLayout()
        above.setContentsMargins(spacing.SMALL, 0, spacing.SMALL, 0)
        above.setSpacing(spacing.NEAR)
        for widget in (self.files, self.demand_chip, self.edit):
            above.addWidget(widget)
        field.addLayout(above)
        field.addWidget(self.row)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.NEAR)
        for part in (self.reason_label, self.notice, self.queue, self._frame):
            layout.addWidget(part)
        QWidget.setTabOrder(self.edit, self.row.attach_button)

    def _show_parts(self) -> None:
        writing = self.writing
        writing.changed.connect(self._refresh)
        self.set_text(writing.text)
        self.files.show_files(writing.files)
        writing.files.changed.connect(self.files_changed)
        self.files_changed.emit()
        self.queue.show_queue(writing.queue)
        self._refresh()

    def _can_send(self) -> bool:
        written = self._has_text() or bool(self.writing.files.files)
        return not self._reason and not self._checking and not self.writing.files.reading and written

    def _has_text(self) -> bool:
        many = self.edit.document().characterCount() > LONG  # copying a million characters per key is too much
        return many or bool(self.text().strip())

    @Slot()
    def _refresh(self) -> None:
        can_send = self._can_send()
        self.row.show_busy(busy=self._busy, can_queue=self._busy and can_send)
        self.button.setEnabled(self._busy or can_send)

    def _send(self) -> None:
        question = Question(self.text().strip(), self.writing.files.files, self._demand)
        if not question:
            return
        self.notice.hide()
        self.edit.forget_browsing()
        self.edit.clear()
        self.writing.text = ""
        self.writing.files.clear_read()
        self.clear_demand()
        self.send_requested.emit(question)

    @Slot()
    def _on_submitted(self) -> None:
        if self.writing.files.reading:
            self.notice.say(self.tr("A file is still being read. Send again in a moment."))
        elif self._can_send():
            if any(file.path is not None and not file.changed for file in self.writing.files.files):
                self._checking = True
                self._refresh()
                self.check_wanted.emit()
            else:
                self._send()

    @Slot()
    def _on_clicked(self) -> None:
        if self._busy:
            self.stop_requested.emit()
        else:
            self._on_submitted()
        self.edit.setFocus()

    @Slot()
    def _on_prompts_button(self) -> None:
        self.edit.setFocus()
        self._slash_closed = False
        self.prompts_wanted.emit(self.slash_query() or "")

    @Slot()
    def _on_menu_closed(self) -> None:
        self._slash_closed = True

    @Slot()
    def _on_text_changed(self) -> None:
        empty = self.edit.document().isEmpty()
        if self._was_empty and not empty and self.edit.hasFocus():
            self.typing_started.emit()
        self._was_empty = empty
        self._follow_slash()
        self._refresh()
        self.edited.emit()

    def _follow_slash(self) -> None:
        """Open the prompts at a slash, follow what is typed behind it, and close them with it."""
        query = self.slash_query()
        opened = "prompt_menu" in vars(self) and self.prompt_menu.is_open
        if query is None:
            self._slash_closed = False
            if opened:
                self.prompt_menu.hide()
        elif opened:
            self.prompt_menu.filter(query)
        elif not self._slash_closed and self.edit.hasFocus():
            self.prompts_wanted.emit(query)

    @Slot(bool)
    def _on_focused(self, focused: bool) -> None:
        self._frame.setProperty("active", focused)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)
