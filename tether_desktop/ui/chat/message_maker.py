"""Makes the widget of a message and passes on what is asked for in it."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import TYPE_CHECKING

from tether_desktop.ui.chat.message_view import MessageView
from tether_desktop.ui.chat.message_widget import MessageWidget
from tether_desktop.ui.chat.reply_message import ReplyMessage
from tether_desktop.ui.chat.user_message import UserMessage
from tether_desktop.ui.tools.tool_facts import ToolNames

if TYPE_CHECKING:
    from tether_desktop.ui.chat.chat_view import ChatView

_PASSED_ON = (
    "regenerate_requested",
    "retry_requested",
    "continue_requested",
    "restart_requested",
    "edit_requested",
    "version_requested",
    "link_activated",
    "call_answered",
    "save_requested",
    "whole_requested",
    "file_opened",
)


def make_message(
    view: MessageView, chat: ChatView, open_folds: Container[str], names: ToolNames, devices: Mapping[str, str]
) -> MessageWidget:
    """The widget of a message in a chat, hidden and not laid out yet.

    Args:
        view: the message.
        chat: where it is shown; its signals of the same names pass on what is asked for.
        open_folds: what the person opened in it before.
        names: the tools by name.
        devices: what models run on, by their whole names.
    """
    parent = chat.viewport()
    widget: MessageWidget
    if view.role == "user":
        widget = UserMessage(view, parent, open_folds=open_folds)
    else:
        widget = ReplyMessage(view, parent, open_folds=open_folds, tool_names=names, devices=devices)
    for name in _PASSED_ON:
        getattr(widget, name).connect(getattr(chat, name))
    return widget
