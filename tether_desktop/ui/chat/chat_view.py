"""The conversation: thousands of messages, of which only those near the window are widgets."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from PySide6.QtCore import QEvent, QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from tether_desktop.ui.chat.announcement import announce_questions, announce_reply
from tether_desktop.ui.chat.column import Column
from tether_desktop.ui.chat.keyboard_area import KEY_STEP, KeyboardArea
from tether_desktop.ui.chat.message_maker import make_message
from tether_desktop.ui.chat.message_menu import MenuChoices, MessageMenu
from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.chat.message_widget import MessageWidget
from tether_desktop.ui.chat.reply_message import ReplyMessage
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.look import theme
from tether_desktop.ui.look.flush_timer import FlushTimer
from tether_desktop.ui.look.focus_chain import step_focus
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.tools.tool_facts import ToolFacts

W = TypeVar("W", bound=MessageWidget)

MARGIN = 28
SIDE = 24
OVERSCAN = 500
"""Pixels above and below the window in which messages are widgets already."""
SPARE = 3
"""Messages beyond that which are kept, so that scrolling to and fro makes nothing anew."""
AT_BOTTOM = 4
MOST_PASSES = 8
JUMP_SIZE = 36


class ChatView(KeyboardArea):
    """Shows a list of MessageViews and keeps up with the one that streams.

    Attributes:
        jump_button: goes to the newest message; shown while that is out of sight.

    Signals (``str`` is a message's id unless it says otherwise):
        copied: the message's text was put on the clipboard.
        regenerate_requested: another answer instead of this one, and by which model; empty for the chosen one.
        retry_requested: the failed reply once more.
        continue_requested: the rest of a reply that ended too early.
        restart_requested: (without the message's id) Tether is to begin anew.
        branch_requested: another chat that begins with the messages up to this one.
        edit_requested: ask this question again with another text.
        version_requested: show this version, from 1, of the message.
        link_activated: the address of a link the person followed.
        call_answered: (without the message's id) a tool call, and what the person answered for it.
        save_requested, whole_requested: (without it) a text and its language, to be saved or shown in whole.
        file_opened: (without it) an Attachment whose text the person wants to see.

    Attributes:
        can_branch: whether a branch of the conversation has a place now.
    """

    copied = Signal(str)
    regenerate_requested = Signal(str, str)
    retry_requested = Signal(str)
    continue_requested = Signal(str)
    restart_requested = Signal()
    branch_requested = Signal(str)
    edit_requested = Signal(str, str)
    version_requested = Signal(str, int)
    link_activated = Signal(str)
    call_answered = Signal(str, str)
    save_requested = Signal(str, str)
    whole_requested = Signal(str, str)
    file_opened = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.can_branch: Callable[[], bool] = lambda: True
        self._theme = theme.active()
        self._views: list[MessageView] = []
        self._indices: dict[str, int] = {}
        self._column = Column(self._theme.space.message_gap, MARGIN)
        self._live: dict[str, MessageWidget] = {}
        self._stale: set[str] = set()
        self._open_folds: dict[str, set[str]] = {}
        self._edits: dict[str, str] = {}
        self._tool_names: dict[str, ToolFacts] = {}
        self._devices: dict[str, str] = {}
        self._models: Sequence[tuple[str, str]] = ()
        self._sought: tuple[str, str, int] = ("", "", 0)
        self._looking = False
        self._order: list[str] = []
        self._stick = True
        self._syncing = False
        self._flush_timer = FlushTimer(self._show_changes, self)
        self._changed: set[str] = set()
        self.jump_button = self._make_jump_button()
        self._configure()

    def _configure(self) -> None:
        self.setObjectName("chat_view")
        self.setAccessibleName(self.tr("Conversation"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalScrollBar().setSingleStep(40)
        self.verticalScrollBar().valueChanged.connect(self._on_scroll)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._on_focus)

    def _make_jump_button(self) -> IconButton:
        button = IconButton("arrow-down", self.tr("Jump to the newest message"), self, color="text", size=18)
        button.setProperty("kind", "floating")
        button.setFixedSize(QSize(JUMP_SIZE, JUMP_SIZE))
        button.clicked.connect(self.scroll_to_newest)
        button.hide()
        return button

    @property
    def messages(self) -> Sequence[MessageView]:
        """All messages, oldest first."""
        return tuple(self._views)

    def set_messages(self, views: Sequence[MessageView]) -> None:
        """Show these; messages that were shown before keep their place, another conversation begins at its end."""
        heights = {view.id: self._column.height(index) for index, view in enumerate(self._views)}
        self._stick = self._stick or not any(view.id in heights for view in views)
        self._views = list(views)
        self._indices = {view.id: index for index, view in enumerate(views)}
        for gone in self._live.keys() - self._indices.keys():
            self._discard(gone)
        self._column.reset(heights.get(view.id) or self._estimate(view) for view in views)
        self._changed.update(self._live)
        self._show_changes()

    def append(self, view: MessageView) -> None:
        """Add a message at the end; the person's own brings the end into view."""
        self._indices[view.id] = len(self._views)
        self._views.append(view)
        self._column.append(self._estimate(view))
        self._stick = self._stick or view.role == "user"
        self._sync()

    def update_message(self, message_id: str, view: MessageView) -> None:
        """Show another state of a message; KeyError when there is none of this id."""
        index = self._indices[message_id]
        before = self._views[index]
        ended = before.running and not view.running
        self._views[index] = view
        self._changed.add(message_id)
        if view.asides is not before.asides:
            announce_questions(self, before, view, self._tool_names)
        if ended:
            self._show_changes()
            announce_reply(self, view)
        else:
            self._flush_timer.request()

    def append_text(self, message_id: str, text: str) -> None:
        """Add to the text of a reply that streams."""
        view = self._views[self._indices[message_id]]
        self.update_message(message_id, replace(view, text=view.text + text, state="streaming"))

    def scroll_to_newest(self) -> None:
        """Go to the end and stay there."""
        self._stick = True
        self._sync()

    def set_tools(self, tools: Mapping[str, ToolFacts]) -> None:
        """Take what is known of the tools, by name."""
        self._tool_names.clear()
        self._tool_names.update(tools)
        for widget in self._live.values():
            if isinstance(widget, ReplyMessage):
                widget.refresh_calls()

    def set_models(self, models: Sequence[tuple[str, str]]) -> None:
        """Take who can answer, as name and title."""
        self._models = models

    def set_devices(self, devices: Mapping[str, str]) -> None:
        """Take what models run on, by their whole names; of those that are not named, what was known stays."""
        self._devices.update(devices)

    def show_place(self, message_id: str, words: str, number: int = 0) -> None:
        """Mark words in all messages, and bring one place, counted within its message from 0, into view.

        No words take the marks away.
        """
        self._sought = (words, message_id, number)
        if message_id in self._indices:
            self._reveal(message_id)
        for each, widget in self._live.items():
            self._mark(each, widget)
        self._looking = bool(words)
        self._look()

    def _look(self) -> None:
        """Bring the place that is sought into view as soon as so much of its message is shown."""
        widget = self._live.get(self._sought[1])
        place = self._mark(self._sought[1], widget) if widget is not None else None
        if place is not None:
            self._looking = False
            self._look_at(self._column.top(self._indices[self._sought[1]]) + place)

    def focus_question(self) -> bool:
        """Give the keyboard to the first tool call that waits for permission; False when none does."""
        view = next((view for view in reversed(self._views) if view.waiting_calls), None)
        if view is None:
            return False
        self.focus_message(view.id)
        widget = self._live[view.id]
        cards = widget.cards if isinstance(widget, ReplyMessage) else []
        next(card for card in cards if card.call.state == "waiting").focus_question()
        return True

    def focus_message(self, message_id: str) -> None:
        """Bring a message into view and give it the keyboard."""
        self._reveal(message_id)
        self._live[message_id].setFocus(Qt.FocusReason.OtherFocusReason)

    def _reveal(self, message_id: str) -> None:
        index = self._indices[message_id]
        bar, top = self.verticalScrollBar(), self._column.top(index)
        visible = bar.value() <= top and top + self._column.height(index) <= bar.value() + self.viewport().height()
        if not visible or message_id not in self._live:
            self._stick = False
            bar.setValue(top - MARGIN)
            self._sync()

    def _look_at(self, position: int) -> None:
        """Scroll so that a place of the column is well inside the window."""
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if not bar.value() + KEY_STEP <= position <= bar.value() + height - 2 * KEY_STEP:
            self._stick = False
            bar.setValue(position - height // 3)

    def _mark(self, message_id: str, widget: MessageWidget) -> int | None:
        words, sought, number = self._sought
        return widget.show_marks(words, number if message_id == sought else None)

    def _estimate(self, view: MessageView) -> int:
        """A guess at the height, which holds until the message has been a widget."""
        per_line = max(30, self._column_width() // 8)
        lines = len(view.text) // per_line + view.text.count("\n") * 2 // 3 + 1
        return 70 + lines * 21 + len(view.asides) * 44

    def _column_width(self) -> int:
        return max(200, min(theme.active().space.column, self.viewport().width() - 2 * SIDE))

    def _make(self, view: MessageView) -> MessageWidget:
        folds = self._open_folds.get(view.id, set())
        widget = make_message(view, self, folds, self._tool_names, self._devices)
        widget.copy_requested.connect(self._copy)
        widget.fold_toggled.connect(self._on_fold)
        widget.resized.connect(self._on_resized)
        widget.menu_requested.connect(self.open_menu)
        self._live[view.id] = widget
        self._stale.add(view.id)
        if self._sought[0]:
            self._mark(view.id, widget)
        if isinstance(widget, UserMessage) and view.id in self._edits:
            widget.edit_as(self._edits.pop(view.id))
        return widget

    def _discard(self, message_id: str) -> None:
        widget = self._live.get(message_id)
        if widget is not None and widget.has_keyboard:
            # Hidden with the keyboard in it, it would have Qt look for the next one among messages that are changing.
            self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._live.pop(message_id, None)
        self._stale.discard(message_id)
        if widget is not None:
            if isinstance(widget, UserMessage) and widget.edited is not None:
                self._edits[message_id] = widget.edited
            widget.hide()
            widget.deleteLater()

    def _show_changes(self) -> None:
        """Bring the widgets up to date with their messages."""
        for message_id in self._changed:
            widget = self._live.get(message_id)
            if widget is not None:
                widget.show_view(self._views[self._indices[message_id]])
                self._stale.add(message_id)
                if self._sought[0]:
                    self._mark(message_id, widget)
        self._changed.clear()
        for message_id, widget in self._live.items():
            # Long texts are shown piece by piece.
            if widget.pending:
                widget.show_more()
                self._stale.add(message_id)
        self._sync()
        if self._looking:
            self._look()

    def _sync(self) -> None:
        """Make the widgets near the window, measure them, and put them where they belong."""
        if self._syncing or not self.isVisible():
            return
        self._syncing = True
        try:
            first, last = self._measure_around()
            self._place(first, last)
        finally:
            self._syncing = False
        self.jump_button.setVisible(not self._stick and not self._at_end())
        if any(widget.pending for widget in self._live.values()):
            self._flush_timer.request()

    def _measure_around(self) -> tuple[int, int]:
        """Measure until nothing moves any more; the message at the upper edge keeps its place.

        Returns:
            The range of messages that are widgets, as first and one past the last.
        """
        bar, height = self.verticalScrollBar(), self.viewport().height()
        anchor = self._column.at(bar.value())
        offset = bar.value() - self._column.top(anchor) if self._views else 0
        first = last = 0
        for _ in range(MOST_PASSES):
            value = self._value(anchor, offset)
            first = self._column.at(value - OVERSCAN)
            last = min(len(self._views), self._column.at(value + height + OVERSCAN) + 1)
            if not self._measure(first, last):
                break
        bar.setRange(0, max(0, self._column.total() - height))
        bar.setPageStep(max(1, height - KEY_STEP))
        bar.setValue(self._value(anchor, offset))
        return first, last

    def _value(self, anchor: int, offset: int) -> int:
        """Where the window's upper edge should be."""
        most = max(0, self._column.total() - self.viewport().height())
        if self._stick or not self._views:
            return most
        return max(0, min(most, self._column.top(anchor) + offset))

    def _measure(self, first: int, last: int) -> bool:
        width, changed = self._column_width(), False
        for index in range(first, last):
            view = self._views[index]
            widget = self._live.get(view.id) or self._make(view)
            news = widget.set_newest(newest=index == len(self._views) - 1)
            if news or view.id in self._stale or widget.width() != width:
                height = widget.fit(width)
                widget.resize(width, height)
                self._stale.discard(view.id)
                changed = self._column.set_height(index, height) or changed
        return changed

    def _place(self, first: int, last: int) -> None:
        value = self.verticalScrollBar().value()
        left = (self.viewport().width() - self._column_width()) // 2
        for message_id, widget in list(self._live.items()):
            index = self._indices[message_id]
            if not first - SPARE <= index < last + SPARE and not widget.is_pinned:
                self._discard(message_id)
                continue
            widget.move(left, self._column.top(index) - value)
            widget.show()
        if self.focused_message() is not None:
            self.viewport().update()
        self._put_in_order()

    def _put_in_order(self) -> None:
        """Let a screen reader come to the messages from top to bottom: it goes by the order of the widgets."""
        order = sorted(self._live, key=self._indices.__getitem__)
        if order != self._order:
            for message_id in order:
                self._live[message_id].raise_()
            self._order = order

    def open_menu(self, message_id: str, place: QPoint) -> None:
        """Show what can be done with a message, at a place of the screen."""
        widget = self._live[message_id]
        menu = MessageMenu(
            widget.view,
            self._models,
            MenuChoices(
                self.regenerate_requested.emit,
                self.continue_requested.emit,
                self.branch_requested.emit if self.can_branch() else None,
                lambda each: self._on_live(each, UserMessage, UserMessage.edit),
                lambda each: self._on_live(each, ReplyMessage, ReplyMessage.show_figures),
            ),
            selected=widget.selected_text(),
            plain=widget.plain_text,
            tables=widget.tables_as_csv() if isinstance(widget, ReplyMessage) else "",
            newest=message_id == self._views[-1].id,
            busy=any(view.running for view in self._views[-1:]),
            parent=self,
        )
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(place)

    def edit_as(self, message_id: str, text: str) -> None:
        """Open a question for editing with what was written instead, at once or when it is shown next."""
        self._edits[message_id] = text
        self._on_live(message_id, UserMessage, lambda widget: widget.edit_as(self._edits.pop(message_id)))

    def _on_live(self, message_id: str, kind: type[W], done: Callable[[W], None]) -> None:
        widget = self._live.get(message_id)
        if isinstance(widget, kind):
            done(widget)

    def _copy(self, message_id: str) -> None:
        QGuiApplication.clipboard().setText(self._views[self._indices[message_id]].text)
        self.copied.emit(message_id)

    def _on_fold(self, message_id: str, key: str, is_open: bool) -> None:
        folds = self._open_folds.setdefault(message_id, set())
        if is_open:
            folds.add(key)
        else:
            folds.discard(key)
        # The line that was clicked stays under the pointer.
        self._stick = False

    def _on_resized(self) -> None:
        self._stale.update(message_id for message_id, widget in self._live.items() if widget is self.sender())
        self._sync()

    def _on_scroll(self, _value: int) -> None:
        if not self._syncing:
            self._stick = self._at_end()
            self._sync()

    def _at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - AT_BOTTOM

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._theme is not theme.active():
            self._restyle()

    def _restyle(self) -> None:
        self._theme = theme.active()
        self._column.set_gap(self._theme.space.message_gap)
        for message_id, widget in self._live.items():
            widget.restyle()
            self._stale.add(message_id)
        self._sync()

    def _on_focus(self, _old: QWidget | None, _new: QWidget | None) -> None:
        for widget in self._live.values():
            widget.set_active(widget.has_keyboard)

    def scrollContentsBy(self, _dx: int, _dy: int) -> None:  # noqa: N802  (Qt's name)
        """Nothing: the widgets are placed when the scroll bar says where."""

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Lay out at the new width."""
        super().resizeEvent(event)
        self.jump_button.move((self.width() - JUMP_SIZE) // 2, self.height() - JUMP_SIZE - SIDE // 2)
        self._sync()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802  (Qt's name)
        """Catch up with what happened while nobody could see it."""
        super().showEvent(event)
        self._sync()

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802  (Qt's name)
        """Tab goes through one message and then leaves, since nobody would tab through thousands."""
        current = self._focused_index()
        chain: list[QWidget] = [self]
        if self._views:
            shown = self._column.at(self.verticalScrollBar().value() + self.viewport().height() - 1)
            widget = self._live.get(self._views[shown if current is None else current].id)
            if widget is not None:
                widget.set_active(True)
                chain += [widget, *widget.focus_stops()]
        return step_focus(chain, self, forward=forward)

    def go_to_neighbour(self, step: int) -> None:
        """Give the keyboard to the message so many further down, or up where it is less than none."""
        if not self._views:
            return
        current = self._focused_index()
        last = len(self._views) - 1
        self.focus_message(self._views[last if current is None else max(0, min(last, current + step))].id)

    def _focused_index(self) -> int | None:
        """The message that has the keyboard."""
        for message_id, widget in self._live.items():
            if widget.has_keyboard:
                return self._indices[message_id]
        return None
