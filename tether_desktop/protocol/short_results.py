"""Shortens what tools have answered, telling the model so."""

from __future__ import annotations

from dataclasses import replace

from tether_desktop.messages import Message, Part, ToolResult
from tether_desktop.protocol.history import Exchange

_LEFT_OUT = "\n[… {left_out:,} of {total:,} characters are left out here, because there is no room for them …]\n"


def longest_result(exchange: Exchange) -> int:
    """Characters of the longest result in an exchange; 0 without any."""
    parts = (part for message in exchange.messages for part in message.parts)
    return max((len(part.result) for part in parts if isinstance(part, ToolResult)), default=0)


def with_short_results(exchange: Exchange, most: int) -> Exchange:
    """The exchange with at most so many characters of each result: its beginning and its end."""
    messages = [Message(said.role, tuple(_short(part, most) for part in said.parts)) for said in exchange.messages]
    return replace(exchange, messages=tuple(messages))


def _short(part: Part, most: int) -> Part:
    if not isinstance(part, ToolResult) or len(part.result) <= most:
        return part
    beginning, end = most - most // 3, most // 3
    note = _LEFT_OUT.format(left_out=len(part.result) - most, total=len(part.result))
    return replace(part, result=part.result[:beginning] + note + part.result[len(part.result) - end :])
