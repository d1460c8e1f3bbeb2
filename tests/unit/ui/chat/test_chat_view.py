"""The conversation as a whole: few widgets, steady scrolling, and keeping up with a reply."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from tether_desktop.ui.chat.chat_view import ChatView
from tether_desktop.ui.chat.message_view import MessageView, Thoughts
from tether_desktop.ui.chat.message_widget import MessageWidget
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.look import theme
from tether_desktop.ui.look.fold import FoldHeader
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.tokens import DARK

LONG = 300


def conversation(count: int, words: int = 60) -> list[MessageView]:
    return [message(number, words) for number in range(count)]


def message(number: int, words: int = 60) -> MessageView:
    role = "assistant" if number % 2 else "user"
    return MessageView(str(number), role, f"{number}: " + "some words " * (words // 2), model="Model")


@pytest.fixture
def chat(qtbot: QtBot) -> ChatView:
    """An empty conversation on the screen."""
    view = ChatView()
    qtbot.addWidget(view)
    view.resize(900, 600)
    view.show()
    return view


def widget_of(chat: ChatView, message_id: str) -> MessageWidget | None:
    """The message's widget, when it has one."""
    widgets = chat.viewport().findChildren(MessageWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return next((widget for widget in widgets if widget.view.id == message_id and not widget.isHidden()), None)


def live(chat: ChatView) -> list[str]:
    """The messages that have widgets, oldest first."""
    return [view.id for view in chat.messages if widget_of(chat, view.id) is not None]


def top_of(chat: ChatView, message_id: str) -> int:
    widget = widget_of(chat, message_id)
    assert widget is not None
    return widget.y()


def height_of(chat: ChatView, message_id: str) -> int:
    widget = widget_of(chat, message_id)
    assert widget is not None
    return widget.height()


def visible(chat: ChatView) -> list[str]:
    """The messages a person can see a part of."""
    height = chat.viewport().height()
    widgets = {message_id: widget_of(chat, message_id) for message_id in live(chat)}
    return [
        key for key, widget in widgets.items() if widget and widget.y() < height and widget.y() + widget.height() > 0
    ]


def fold_header(widget: MessageWidget | None) -> FoldHeader:
    assert widget is not None
    return widget.findChild(FoldHeader)


def visible_buttons(widget: MessageWidget) -> list[str]:
    return [button.accessibleName() for button in widget.findChildren(IconButton) if button.isVisible()]


def at_bottom(chat: ChatView) -> bool:
    return chat.verticalScrollBar().value() == chat.verticalScrollBar().maximum()


def assert_stacked(chat: ChatView) -> None:
    """Widgets lie one below the other, none upon another."""
    widgets = [widget_of(chat, message_id) for message_id in live(chat)]
    for upper, lower in pairwise(widgets):
        assert upper is not None
        assert lower is not None
        if int(lower.view.id) == int(upper.view.id) + 1:
            assert upper.y() + upper.height() <= lower.y()


def test_a_conversation_opens_at_its_end(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    assert at_bottom(chat)
    assert visible(chat)[-1] == str(LONG - 1)
    assert_stacked(chat)


def test_only_messages_near_the_window_are_widgets(chat: ChatView) -> None:
    chat.set_messages(conversation(4_000))
    assert len(live(chat)) < 30
    for value in range(0, chat.verticalScrollBar().maximum(), chat.verticalScrollBar().maximum() // 20):
        chat.verticalScrollBar().setValue(value)
        assert len(live(chat)) < 30
        assert_stacked(chat)
        assert visible(chat)


def test_nothing_is_made_while_nobody_can_see_it(qtbot: QtBot) -> None:
    view = ChatView()
    qtbot.addWidget(view)
    view.set_messages(conversation(10))
    assert live(view) == []
    view.show()
    assert live(view)


def test_scrolling_up_keeps_the_message_at_the_top_in_its_place(chat: ChatView) -> None:
    """Heights above are only estimated until they are measured; what is read must not jump."""
    chat.set_messages(conversation(LONG, words=400))
    bar = chat.verticalScrollBar()
    for _ in range(60):
        reading = visible(chat)[0]
        before = top_of(chat, reading)
        bar.setValue(bar.value() - 37)
        if bar.value() > 0:
            assert top_of(chat, reading) == before + 37


def test_the_whole_conversation_can_be_read_from_end_to_start(chat: ChatView) -> None:
    chat.set_messages(conversation(80))
    bar = chat.verticalScrollBar()
    seen = set(visible(chat))
    for _ in range(1_000):
        if bar.value() == 0:
            break
        bar.setValue(bar.value() - bar.pageStep())
        seen |= set(visible(chat))
    assert seen == {str(number) for number in range(80)}


def test_a_resize_keeps_the_message_that_is_read(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    chat.verticalScrollBar().setValue(chat.verticalScrollBar().maximum() // 2)
    reading = visible(chat)[0]
    chat.resize(500, 600)
    assert reading in visible(chat)[:2]
    assert_stacked(chat)


def test_a_resize_at_the_end_stays_at_the_end(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    chat.resize(450, 300)
    assert at_bottom(chat)
    assert visible(chat)[-1] == str(LONG - 1)


def test_the_column_is_centred_and_no_wider_than_is_good_to_read(chat: ChatView) -> None:
    chat.resize(1600, 600)
    chat.set_messages(conversation(4))
    widget = widget_of(chat, "3")
    assert widget is not None
    assert widget.width() == theme.active().space.column
    assert abs(widget.geometry().center().x() - chat.viewport().width() // 2) <= 1
    chat.resize(400, 600)
    assert 300 < widget.width() < 400


def test_a_streaming_reply_stays_in_view(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(20))
    chat.append(MessageView("reply", "assistant", state="streaming", model="Model"))
    for number in range(30):
        chat.append_text("reply", f"Paragraph {number}.\n\n")
        qtbot.waitUntil(lambda: at_bottom(chat))
    widget = widget_of(chat, "reply")
    qtbot.waitUntil(lambda: widget is not None and "Paragraph 29." in widget.body.toPlainText())
    assert at_bottom(chat)


def test_scrolling_up_while_a_reply_streams_stays_where_the_person_reads(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([*conversation(20), MessageView("20", "assistant", state="streaming")])
    bar = chat.verticalScrollBar()
    bar.setValue(bar.maximum() - 400)
    reading, value = visible(chat)[0], bar.value()
    before = top_of(chat, reading)
    chat.append_text("20", "More and more.\n\n" * 40)
    qtbot.waitUntil(lambda: bar.maximum() > value + 800)
    assert top_of(chat, reading) == before
    assert chat.jump_button.isVisible()


def test_the_button_jumps_to_the_newest_message_and_stays_there(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    assert not chat.jump_button.isVisible()
    chat.verticalScrollBar().setValue(0)
    assert chat.jump_button.isVisible()
    qtbot.mouseClick(chat.jump_button, Qt.MouseButton.LeftButton)
    assert at_bottom(chat)
    assert not chat.jump_button.isVisible()
    chat.append(message(LONG + 1))
    assert at_bottom(chat)


def test_the_persons_own_message_brings_the_end_into_view(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    chat.verticalScrollBar().setValue(0)
    chat.append(MessageView("mine", "user", "Hello"))
    assert at_bottom(chat)


def test_a_reply_that_begins_elsewhere_does_not_pull_the_reader_away(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    chat.verticalScrollBar().setValue(0)
    chat.append(MessageView("reply", "assistant", state="waiting"))
    assert chat.verticalScrollBar().value() == 0


def test_streamed_text_is_kept_for_a_message_out_of_sight(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([*conversation(LONG), MessageView("reply", "assistant", state="thinking")])
    chat.verticalScrollBar().setValue(0)
    assert widget_of(chat, "reply") is None
    chat.update_message("reply", replace(chat.messages[-1], asides=(Thoughts(0, "Hmm…"),)))
    chat.append_text("reply", "So ")
    chat.append_text("reply", "it is.")
    view = chat.messages[-1]
    assert (view.reasoning, view.text, view.state) == ("Hmm…", "So it is.", "streaming")
    chat.scroll_to_newest()
    widget = widget_of(chat, "reply")
    assert widget is not None
    assert widget.body.toPlainText() == "So it is."


def test_the_last_state_of_a_reply_is_shown_at_once(chat: ChatView) -> None:
    chat.set_messages([MessageView("0", "assistant", "So", state="streaming")])
    chat.append_text("0", " it")
    chat.update_message("0", MessageView("0", "assistant", "So it is.", state="done"))
    widget = widget_of(chat, "0")
    assert widget is not None
    assert widget.body.toPlainText() == "So it is."


def test_fewer_messages_leave_the_rest_in_place(chat: ChatView) -> None:
    chat.set_messages(conversation(30))
    chat.set_messages(conversation(10))
    assert [view.id for view in chat.messages] == [str(number) for number in range(10)]
    assert live(chat)[-1] == "9"
    assert at_bottom(chat)
    chat.append(message(10))
    assert live(chat)[-1] == "10"


def test_showing_the_same_messages_again_keeps_widgets_and_place(chat: ChatView) -> None:
    views = conversation(60)
    chat.set_messages(views)
    chat.verticalScrollBar().setValue(chat.verticalScrollBar().maximum() // 2)
    before = {message_id: (widget_of(chat, message_id), top_of(chat, message_id)) for message_id in live(chat)}
    chat.set_messages([*views[:-1], replace(views[-1], text="other")])
    assert {key: (widget_of(chat, key), top_of(chat, key)) for key in live(chat)} == before


def test_another_conversation_opens_at_its_end(chat: ChatView) -> None:
    chat.set_messages(conversation(60))
    chat.verticalScrollBar().setValue(0)
    chat.set_messages([replace(view, id=f"{view.id}0000") for view in conversation(60)])
    assert at_bottom(chat)


def test_an_empty_conversation_cannot_be_scrolled(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(60))
    chat.set_messages([])
    assert live(chat) == []
    assert chat.verticalScrollBar().maximum() == 0
    chat.setFocus()
    for key in (Qt.Key.Key_End, Qt.Key.Key_Home):
        qtbot.keyClick(chat, key)
    qtbot.keyClick(chat, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    assert chat.verticalScrollBar().value() == 0


@pytest.mark.parametrize(
    ("key", "goes"),
    [
        (Qt.Key.Key_Up, -1),
        (Qt.Key.Key_Down, 1),
        (Qt.Key.Key_PageUp, -1),
        (Qt.Key.Key_PageDown, 1),
        (Qt.Key.Key_Home, -1),
        (Qt.Key.Key_End, 1),
    ],
)
def test_keys_scroll(qtbot: QtBot, chat: ChatView, key: Qt.Key, goes: int) -> None:
    chat.set_messages(conversation(LONG))
    bar = chat.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    before = visible(chat)
    qtbot.keyClick(chat, key)
    after = visible(chat)
    if key == Qt.Key.Key_Home:
        assert bar.value() == 0
    elif key == Qt.Key.Key_End:
        assert after[-1] == str(LONG - 1)
    assert (int(after[0]), top_of(chat, after[0])) != (int(before[0]), 0)
    assert (int(after[0]) - int(before[0])) * goes >= 0


def test_keys_scroll_from_inside_a_message(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    widget = widget_of(chat, visible(chat)[0])
    assert widget is not None
    widget.body.setFocus()
    qtbot.keyClick(widget.body, Qt.Key.Key_Home)
    assert chat.verticalScrollBar().value() == 0


def test_alt_and_arrows_go_from_message_to_message(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    for number in range(LONG - 1, LONG - 15, -1):
        qtbot.keyClick(QApplication.focusWidget() or chat, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
        widget = widget_of(chat, str(number))
        assert widget is not None
        assert QApplication.focusWidget() is widget
        assert str(number) in visible(chat)
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert QApplication.focusWidget() is widget_of(chat, str(LONG - 13))


def test_tab_goes_through_one_message_and_out_again(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    before, chat, after = QLineEdit(), ChatView(), QLineEdit()
    column = QVBoxLayout(window)
    for widget in (before, chat, after):
        column.addWidget(widget)
    window.resize(900, 700)
    with qtbot.waitActive(window):
        window.show()
        window.activateWindow()
    chat.set_messages([*conversation(LONG), MessageView("x", "assistant", "[a](http://x.org)\n\n```\ncode\n```")])
    chat.verticalScrollBar().setValue(0)
    chat.scroll_to_newest()
    before.setFocus()
    reply = widget_of(chat, "x")
    assert reply is not None
    stops = [press_tab(qtbot) for _ in range(9)]
    assert stops[:3] == [chat, reply, reply.body]
    named = ["Save code…", "Copy code", "Copy message", "Answer again", "More for this message"]
    assert [stop.accessibleName() for stop in stops[3:8]] == named
    assert stops[8] is after
    assert press_tab(qtbot, Qt.KeyboardModifier.ShiftModifier) is chat


def press_tab(qtbot: QtBot, modifier: Qt.KeyboardModifier = Qt.KeyboardModifier.NoModifier) -> QWidget:
    """The widget that has the keyboard after Tab."""
    key = Qt.Key.Key_Backtab if modifier == Qt.KeyboardModifier.ShiftModifier else Qt.Key.Key_Tab
    focus = QApplication.focusWidget()
    assert focus is not None
    qtbot.keyClick(focus, key, modifier)
    return QApplication.focusWidget()


def test_a_message_with_the_keyboard_or_a_selection_keeps_its_widget(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    focused, selected = visible(chat)[:2]
    chat.focus_message(focused)
    widget = widget_of(chat, selected)
    assert widget is not None
    widget.body.selectAll()
    chat.verticalScrollBar().setValue(0)
    assert widget_of(chat, focused) is not None
    assert widget_of(chat, selected) is widget
    assert visible(chat)[0] == "0"


def test_an_open_editor_keeps_its_widget(chat: ChatView) -> None:
    chat.set_messages(conversation(LONG))
    question = next(message_id for message_id in visible(chat) if int(message_id) % 2 == 0)
    widget = widget_of(chat, question)
    assert isinstance(widget, UserMessage)
    widget.edit()
    chat.verticalScrollBar().setFocus()
    chat.verticalScrollBar().setValue(0)
    assert widget_of(chat, question) is widget


def test_opening_thoughts_keeps_the_line_that_was_clicked_in_its_place(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(
        [*conversation(20), MessageView("21", "assistant", "So.", asides=(Thoughts(0, "Hmm.\n\n" * 60),))]
    )
    widget = widget_of(chat, "21")
    assert widget is not None
    before = widget.y()
    qtbot.mouseClick(fold_header(widget), Qt.MouseButton.LeftButton)
    assert widget.y() == before
    assert widget.height() > chat.viewport().height()


def test_opening_thoughts_in_a_chat_that_is_shown_whole_offers_no_jump(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([MessageView("0", "assistant", "So.", asides=(Thoughts(0, "Hmm."),))])
    qtbot.mouseClick(fold_header(widget_of(chat, "0")), Qt.MouseButton.LeftButton)
    assert chat.verticalScrollBar().maximum() == 0
    assert not chat.jump_button.isVisible()


def test_thoughts_that_were_opened_are_open_when_one_comes_back(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([*conversation(LONG), MessageView(str(LONG), "assistant", "So.", asides=(Thoughts(0, "Hmm."),))])
    qtbot.mouseClick(fold_header(widget_of(chat, str(LONG))), Qt.MouseButton.LeftButton)
    chat.setFocus()
    chat.verticalScrollBar().setValue(0)
    assert widget_of(chat, str(LONG)) is None
    chat.scroll_to_newest()
    assert fold_header(widget_of(chat, str(LONG))).isChecked()


def test_requests_of_messages_are_passed_on(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(2))
    question, reply = widget_of(chat, "0"), widget_of(chat, "1")
    assert question is not None
    assert reply is not None
    pairs = [
        (reply.regenerate_requested, chat.regenerate_requested, ("1", "Other")),
        (reply.continue_requested, chat.continue_requested, ("1",)),
        (reply.save_requested, chat.save_requested, ("x = 1", "python")),
        (reply.whole_requested, chat.whole_requested, ("x = 1", "python")),
        (reply.retry_requested, chat.retry_requested, ("1",)),
        (question.edit_requested, chat.edit_requested, ("0", "new")),
        (reply.version_requested, chat.version_requested, ("1", 2)),
        (reply.link_activated, chat.link_activated, ("https://example.org",)),
    ]
    for inner, outer, arguments in pairs:
        with qtbot.waitSignal(outer) as passed:
            inner.emit(*arguments)
        assert tuple(passed.args) == arguments


def test_copying_a_message_takes_its_text_as_it_was_written(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([MessageView("0", "assistant", "**bold** \u202e\n\n```\nx\n```")])
    widget = widget_of(chat, "0")
    assert widget is not None
    with qtbot.waitSignal(chat.copied) as told:
        widget.copy_requested.emit("0")
    assert told.args == ["0"]
    assert QGuiApplication.clipboard().text() == "**bold** \u202e\n\n```\nx\n```"


def test_a_very_long_message_is_shown_to_its_end(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages([MessageView("0", "assistant", "One line of words.\n\n" * 2_500 + "The end.")])
    widget = widget_of(chat, "0")
    assert widget is not None
    qtbot.waitUntil(lambda: "The end." in widget.body.toPlainText())
    assert at_bottom(chat)


def test_a_new_theme_reaches_every_message(chat: ChatView, look: theme.Appearance) -> None:
    chat.set_messages(conversation(10))
    look.choose("dark")
    widget = widget_of(chat, "9")
    assert widget is not None
    assert DARK.colors.text in widget.body.document().toHtml()
    assert chat.grab().toImage().pixelColor(QPoint(3, 3)).name() == DARK.colors.window
    assert at_bottom(chat)


def test_unknown_messages_are_an_error(chat: ChatView) -> None:
    with pytest.raises(KeyError):
        chat.append_text("nobody", "x")


def test_the_pointer_shows_the_buttons_of_the_message_under_it(qtbot: QtBot, chat: ChatView) -> None:
    chat.set_messages(conversation(2))
    widget = widget_of(chat, "1")
    assert widget is not None
    qtbot.mouseMove(widget, QPoint(200, 40))
    qtbot.waitUntil(lambda: "Copy message" in visible_buttons(widget))
