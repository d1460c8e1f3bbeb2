"""Conversations as Markdown for people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from html import escape
from typing import Any

from markdown_it import MarkdownIt

from tether_desktop.context.records import MessageRecord, SessionRecord
from tether_desktop.messages import Attachment, Part, Reasoning, Text, ToolCall, ToolResult

_SPEAKERS = {"user": "You", "assistant": "Assistant", "system": "System", "tool": "Tool"}
_ENDINGS = {
    "length": "Cut off at the longest length of a reply.",
    "cancelled": "Stopped.",
    None: "Still being written.",
}
_MARKED = re.compile(r"[\\`*\[\]<]")
_TICKS = re.compile(r"`+")
_MAY_STAY_OPEN = re.compile(r"```|~~~|<")
_PROBE = "## ends here"

_markdown = MarkdownIt("commonmark")


def markdown_of(session: SessionRecord, records: Sequence[MessageRecord]) -> str:
    """What is shown of a session as Markdown; what was said stands there as it was written.

    Thoughts are folded away, calls of tools and what came of them are blocks of code. The time is in UTC.
    """
    about = [f"{session.created_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC", session.model]
    blocks = [f"# {_heading(session.title) or 'Conversation'}", " · ".join(filter(None, map(_heading, about)))]
    for record in records:
        blocks += _message(record)
    # Half a surrogate pair can be stored, but no file of text can hold it.
    return ("\n\n".join(blocks) + "\n").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _message(record: MessageRecord) -> Iterator[str]:
    said = record.message
    yield f"## {_heading(record.model) or _SPEAKERS[said.role]}"
    text = ""
    for part in said.parts:
        # Texts that follow each other are one, however they arrived.
        if isinstance(part, Text):
            text += part.text
            continue
        if text.strip():
            yield _closed(text)
        text = ""
        yield from _aside(part)
    if text.strip():
        yield _closed(text)
    if ending := _ending(record):
        yield f"*{ending}*"


def _aside(part: Part) -> Iterator[str]:
    """Everything but text."""
    if isinstance(part, Reasoning):
        yield from _folded("Thoughts" if part.seconds is None else f"Thought for {part.seconds:.0f} s", part.text)
    elif isinstance(part, ToolCall):
        yield f"**Call of {_code(part.name)}**" if part.name else "**A call that cannot be understood**"
        yield _fenced(part.text, "") if part.text else _fenced(_pretty(part.arguments), "json")
    elif isinstance(part, ToolResult):
        yield f"**{'Error' if part.is_error else 'Result'} of {_code(part.name)}**"
        yield _fenced(part.result, "")
    elif isinstance(part, Attachment):
        # A name is no Markdown, and no HTML either.
        yield from _folded(f"File: {escape(' '.join(part.name.split()))}", _fenced(part.text, ""))


def _folded(summary: str, text: str) -> Iterator[str]:
    # A quote ends where its lines do, whatever in it is left open.
    quoted = "\n".join(f"> {line}" if line else ">" for line in _without_end_of_fold(text.strip()).splitlines())
    yield f"<details>\n<summary>{summary}</summary>"
    if quoted:
        yield quoted
    yield "</details>"


def _without_end_of_fold(text: str) -> str:
    return re.sub(r"<(?=/details|/?summary)", "&lt;", text, flags=re.IGNORECASE)


def _closed(text: str) -> str:
    """The text, and where it would swallow what follows in the document, what closes it."""
    text = text.strip("\n")
    if not _MAY_STAY_OPEN.search(text):
        return text
    last = _markdown.parse(f"{text}\n\n{_PROBE}")[-1]
    if last.type == "heading_close":
        return text
    # A fence is closed by its like; of HTML that goes on and on only the source can be shown.
    return f"{text}\n{last.markup}" if last.type == "fence" else _fenced(text, "html")


def _fenced(text: str, language: str) -> str:
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _code(text: str) -> str:
    longest = max((len(ticks) for ticks in _TICKS.findall(text)), default=0)
    ticks = "`" * (longest + 1)
    return f"{ticks} {text} {ticks}" if longest else f"`{text}`"


def _pretty(arguments: dict[str, Any]) -> str:
    return json.dumps(arguments, ensure_ascii=False, indent=2)


def _heading(text: str) -> str:
    return _MARKED.sub(r"\\\g<0>", " ".join(text.split()))


def _ending(record: MessageRecord) -> str:
    if record.message.role != "assistant":
        return ""
    if record.finish_reason == "error":
        return _heading(f"The reply failed: {record.error}" if record.error else "The reply failed.")
    return _ENDINGS.get(record.finish_reason, "")
