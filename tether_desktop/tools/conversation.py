"""What tools may know of the conversation they are called in: who is talking, and which addresses are known."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from tether_desktop.messages import Message, ToolResult

SEARCH_TOOL = "web_search"
RESULT_MARK = "Address: "
"""Begins the line of a search result that holds its address; no other text of a result can begin a line."""


@dataclass(frozen=True, slots=True)
class ConversationContext:
    """The conversation of a call.

    Attributes:
        session_id: empty where the call belongs to none.
        texts_by_user: what the person wrote, one message a paragraph; addresses in it may be fetched.
        addresses_seen: addresses that a search has returned; searching adds to them.
    """

    session_id: str = ""
    texts_by_user: str = ""
    addresses_seen: set[str] = field(default_factory=set)


_current: ContextVar[ConversationContext | None] = ContextVar("conversation", default=None)


def current_conversation() -> ConversationContext:
    """The conversation of the call that runs here; an empty one outside of any."""
    return _current.get() or ConversationContext()


@contextmanager
def in_conversation(context: ConversationContext) -> Iterator[None]:
    """Say to which conversation the calls inside belong.

    Tasks and threads that begin inside keep it. A call from a terminal or a program belongs to none; there, what the
    person typed are the arguments themselves.
    """
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)


def conversation_of(session_id: str, branch: Iterable[Message]) -> ConversationContext:
    """The context of a session whose shown branch is this: what was typed, and what its searches have returned."""
    typed: list[str] = []
    seen: set[str] = set()
    for message in branch:
        if message.role == "user":
            typed.append(message.text)
        for part in message.parts:
            if isinstance(part, ToolResult) and part.name == SEARCH_TOOL and not part.is_error:
                seen.update(result_addresses(part.result))
    return ConversationContext(session_id, "\n\n".join(typed), seen)


def result_addresses(result: str) -> set[str]:
    """The addresses of the results in what the search tool has answered."""
    return set(re.findall(rf"^{RESULT_MARK}(\S+)$", result, re.MULTILINE))
