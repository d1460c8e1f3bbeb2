"""Tells a screen reader what happened without moving the keyboard there."""

from __future__ import annotations

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.chat.message_view import CallView, MessageView
from tether_desktop.ui.tools.call_words import title_of
from tether_desktop.ui.tools.tool_facts import ToolNames
from tether_desktop.ui.translation import translate

MOST_CHARACTERS = 400


def announce(widget: QWidget, text: str) -> None:
    """Say something that belongs to a widget, if anybody listens."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


def announce_reply(widget: QWidget, view: MessageView) -> None:
    """Say how a reply ended, if anybody listens."""
    announce(widget, ending(view))


def announce_questions(widget: QWidget, before: MessageView, view: MessageView, names: ToolNames) -> None:
    """Say which tool calls wait for permission now and did not before, if anybody listens."""
    known = {call.id for call in before.waiting_calls}
    for call in view.waiting_calls:
        if call.id not in known:
            announce(widget, question(call, names))


def question(call: CallView, names: ToolNames) -> str:
    """What is said of a call that waits."""
    return translate("Announcements", "{tool} waits for your approval").format(tool=title_of(call, names))


def ending(view: MessageView) -> str:
    """What is said about a reply that ended."""
    if view.state == "error":
        return " ".join(filter(None, (view.error_title, view.error_message, view.error_hint)))
    if view.state == "cancelled":
        return translate("Announcements", "The reply was stopped")
    speaker = view.model or translate("Announcements", "Assistant")
    return f"{speaker}: {view.text[:MOST_CHARACTERS]}"
