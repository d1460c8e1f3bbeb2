"""What a screen reader is told when a reply ends."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from pytestqt.qtbot import QtBot

from tether_desktop.ui.chat import announcement
from tether_desktop.ui.chat.announcement import ending
from tether_desktop.ui.chat.chat_view import ChatView
from tether_desktop.ui.chat.message_view import MessageView


class Listener:
    """A screen reader that writes down what it is told; Qt offers no way to listen in from outside."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.active = True

    def isActive(self) -> bool:  # noqa: N802  (Qt's name)
        return self.active

    def updateAccessibility(self, event: QAccessibleAnnouncementEvent) -> None:  # noqa: N802  (Qt's name)
        assert event.type() == QAccessible.Event.Announcement
        self.heard.append(event.message())


@pytest.fixture
def listener(monkeypatch: pytest.MonkeyPatch) -> Listener:
    """Listens for the length of a test."""
    listener = Listener()
    monkeypatch.setattr(announcement, "QAccessible", listener)
    return listener


@pytest.fixture
def chat(qtbot: QtBot) -> ChatView:
    """A conversation with a reply that streams."""
    view = ChatView()
    qtbot.addWidget(view)
    view.set_messages([MessageView("0", "assistant", "So", model="Qwen", state="streaming")])
    return view


def test_the_end_of_a_reply_is_announced_once(chat: ChatView, listener: Listener) -> None:
    chat.append_text("0", " it")
    chat.update_message("0", MessageView("0", "assistant", "So it is.", model="Qwen"))
    chat.update_message("0", MessageView("0", "assistant", "So it is.", model="Qwen", versions=2))
    assert listener.heard == ["Qwen: So it is."]


def test_nothing_is_announced_when_nobody_listens(chat: ChatView, listener: Listener) -> None:
    listener.active = False
    chat.update_message("0", MessageView("0", "assistant", "So it is."))
    assert listener.heard == []


def test_failures_and_stops_are_said_as_such(chat: ChatView) -> None:
    failed = MessageView("0", "assistant", "So", state="error", error_title="It died.", error_message="So.")
    assert ending(failed) == "It died. So."
    assert ending(MessageView("0", "assistant", "So", state="cancelled")) == "The reply was stopped"
    assert len(ending(MessageView("0", "assistant", "x" * 10_000))) < 500
