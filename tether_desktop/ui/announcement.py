"""Tells a screen reader what happened without moving the keyboard there."""

from __future__ import annotations

from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.message_view import MessageView

MOST_CHARACTERS = 400


def announce(widget: QWidget, text: str) -> None:
    """Say something that belongs to a widget, if anybody listens."""
    if QAccessible.isActive():
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(widget, text))


def announce_reply(widget: QWidget, view: MessageView) -> None:
    """Say how a reply ended, if anybody listens."""
    announce(widget, ending(widget, view))


def ending(widget: QWidget, view: MessageView) -> str:
    """What is said about a reply that ended; ``widget`` lends its translation."""
    if view.state == "error":
        return " ".join(filter(None, (view.error_title, view.error_message, view.error_hint)))
    if view.state == "cancelled":
        return widget.tr("The reply was stopped")
    return f"{view.model or widget.tr('Assistant')}: {view.text[:MOST_CHARACTERS]}"
