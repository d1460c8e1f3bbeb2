"""What a single message of ChatGPT's export says, as parts of a message of ours.

The format is not documented; this follows what exports of the years 2023 to 2026 have in them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tether_desktop.context.files.conversation_file import are_arguments
from tether_desktop.context.files.json_stream import STRICT_JSON
from tether_desktop.messages import Part, Reasoning, Text, ToolCall, ToolResult

_SCAFFOLDING: Final = {"user_editable_context", "model_editable_context", "app_pairing_content"}
"""What the service adds to a conversation of its own accord, and shows nobody."""

_REFERENCE: Final = re.compile("\ue200([^\ue200\ue201]*)\ue201")
"""A link or a picture, as the model writes it: its kind and what it is of, divided by U+E202."""

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME = 64
_DURATION = re.compile(r"(\d+)\s*([hms])")
_SECONDS = {"h": 3600, "m": 60, "s": 1}


def is_hidden(message: Mapping[str, Any]) -> bool:
    """Whether the service shows a message to nobody."""
    metadata = _object(message.get("metadata"))
    return (
        metadata.get("is_visually_hidden_from_conversation") is True
        or metadata.get("is_user_system_message") is True
        or _kind(_object(message.get("content"))) in _SCAFFOLDING
    )


def parts_of(message: Mapping[str, Any], role: str, message_id: str) -> list[Part]:
    """What a message says; nothing where it is empty.

    Args:
        message: as it is in the file.
        role: user, assistant or tool.
        message_id: names a call that it makes, or answers where none was made.
    """
    content = _object(message.get("content"))
    kind = _kind(content)
    if kind == "thoughts":
        return _reasoning(_thoughts(content))
    if kind == "reasoning_recap":
        return [Reasoning("", seconds=_seconds(message, content))]
    text = _text(content)
    if role == "tool":
        name = _name(_object(message.get("author")).get("name"))
        return [ToolResult(message_id, name, text, is_error=kind == "system_error")]
    recipient = message.get("recipient")
    if role == "assistant" and isinstance(recipient, str) and recipient not in {"", "all"}:
        return [ToolCall(message_id, _name(recipient), _arguments(text, recipient))] if text else []
    if message.get("channel") == "analysis":
        return _reasoning(text)
    if kind == "code" and text:
        text = _block(text, content.get("language"))
    metadata = _object(message.get("metadata"))
    said = _with_references(text, metadata.get("content_references"))
    pieces = [said] if said.strip() else []
    pieces += _attachments(metadata.get("attachments")) if role == "user" else []
    return [Text("\n".join(pieces))] if pieces else []


def _reasoning(text: str) -> list[Part]:
    return [Reasoning(text)] if text.strip() else []


def _text(content: Mapping[str, Any]) -> str:
    """The text of a content of any kind; a word in brackets stands for what is no text."""
    kind = _kind(content)
    if isinstance(parts := content.get("parts"), list):
        is_written_down = any(_kind(_object(part)) == "audio_transcription" for part in parts)
        return "\n".join(filter(None, (_piece(part, is_written_down=is_written_down) for part in parts)))
    if kind == "tether_quote":
        pieces = (content.get(name) for name in ("title", "url", "text"))
        return "\n".join(piece for piece in pieces if isinstance(piece, str) and piece)
    for name in ("text", "result", "summary", "content"):
        if isinstance(text := content.get(name), str) and text:
            return text
    return "" if kind in _KINDS_OF_TEXT else _placeholder(kind)


_KINDS_OF_TEXT: Final = {
    "text", "code", "execution_output", "multimodal_text", "system_error", "tether_browsing_code",
    "tether_browsing_display", "thoughts",
}  # fmt: skip
"""Kinds that are empty where there is no text in them; of others it is told that they were there."""


def _piece(part: Any, *, is_written_down: bool) -> str:
    """One of several parts of a content; sound is left out where what was said is written down beside it."""
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    for name in ("text", "result"):
        if isinstance(text := part.get(name), str) and text:
            return text
    placeholder = _placeholder(_kind(part))
    return "" if placeholder == "[audio]" and is_written_down else placeholder


def _placeholder(kind: str) -> str:
    for name in ("image", "audio", "video"):
        if name in kind:
            return f"[{name}]"
    return f"[{kind.replace('_', ' ') or 'content'}]"


def _attachments(attachments: Any) -> list[str]:
    """The names of files that went along; pictures are in the content itself."""
    names = []
    for each in map(_object, attachments if isinstance(attachments, list) else ()):
        name, kind = each.get("name"), each.get("mime_type")
        if isinstance(name, str) and not (isinstance(kind, str) and kind.startswith("image/")):
            names.append(f"[{' '.join(name.split())}]")
    return names


def _thoughts(content: Mapping[str, Any]) -> str:
    """Each thought with its heading, a blank line between them."""
    thoughts = content.get("thoughts")
    pieces = []
    for thought in thoughts if isinstance(thoughts, list) else ():
        said = (_object(thought).get(name) for name in ("summary", "content"))
        pieces.append("\n".join(piece for piece in said if isinstance(piece, str) and piece))
    return "\n\n".join(filter(None, pieces)) or _text(content)


def _seconds(message: Mapping[str, Any], content: Mapping[str, Any]) -> float | None:
    """How long was thought: as a number, or in words such as "Thought for 1m 5s"."""
    told = _object(message.get("metadata")).get("finished_duration_sec")
    if isinstance(told, int | float) and not isinstance(told, bool) and 0 <= told <= 1e6:
        return float(told)
    words = content.get("content")
    found = _DURATION.findall(words) if isinstance(words, str) else []
    total = sum(int(count[:6]) * _SECONDS[unit] for count, unit in found)
    return float(total) if found else None


def _arguments(text: str, tool: str) -> dict[str, Any]:
    try:
        value, end = STRICT_JSON.raw_decode(text.strip())
    except (ValueError, RecursionError):
        value, end = None, 0
    if end == len(text.strip()) and are_arguments(value):
        return dict(value)
    return {"code" if tool == "python" else "input": text}


def _name(name: Any) -> str:
    return _NOT_IN_NAMES.sub("_", name)[:_LONGEST_NAME] if isinstance(name, str) and name else "tool"


def _block(code: str, language: Any) -> str:
    longest = max(map(len, re.findall("`+", code)), default=0)
    fence = "`" * max(3, longest + 1)
    named = language if isinstance(language, str) and re.fullmatch(r"[\w+#.-]+", language) else ""
    return f"{fence}{'' if named == 'unknown' else named}\n{code}\n{fence}"


def _with_references(text: str, references: Any) -> str:
    """The text with links in place of the marks that the service makes links of."""
    if "\ue200" not in text:
        return text
    shown = {}
    for each in map(_object, references if isinstance(references, list) else ()):
        matched, alternative = each.get("matched_text"), each.get("alt")
        if isinstance(matched, str) and isinstance(alternative, str):
            shown[matched] = alternative
    replacement: Callable[[re.Match[str]], str] = lambda found: shown.get(found[0], _name_in(found[1]))  # noqa: E731
    return _REFERENCE.sub(replacement, text)


def _name_in(reference: str) -> str:
    """What an "entity" is called, as ["kind", "name", …] after the word; nothing for what only points elsewhere."""
    kind, _, what = reference.partition("\ue202")
    if kind != "entity":
        return ""
    try:
        values = STRICT_JSON.decode(what)
    except (ValueError, RecursionError):
        return ""
    return values[1] if isinstance(values, list) and len(values) > 1 and isinstance(values[1], str) else ""


def _kind(content: Mapping[str, Any]) -> str:
    kind = content.get("content_type")
    return kind if isinstance(kind, str) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
