"""What servers answer, as text for the model; what is no text is described."""

from __future__ import annotations

import json
from collections.abc import Iterable

from mcp_types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    GetPromptResult,
    ImageContent,
    ReadResourceResult,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

from tether_desktop.byte_size import byte_size_text
from tether_desktop.tools.tool import ToolOutput

_EMPTY = "(The tool has answered without a text.)"


def output_of(result: CallToolResult) -> ToolOutput:
    """The answer to a call: its texts, or its structured content where it has none."""
    texts = [text_of(block) for block in result.content]
    has_text = any(isinstance(block, TextContent) and block.text for block in result.content)
    if result.structured_content is not None and not has_text:
        texts.append(json.dumps(result.structured_content, ensure_ascii=False))
    return ToolOutput("\n".join(filter(None, texts)) or _EMPTY, bool(result.is_error))


def resource_output(result: ReadResourceResult) -> ToolOutput:
    """What a resource holds."""
    return ToolOutput(_joined(_contents_text(each) for each in result.contents) or "(The resource is empty.)")


def prompt_text(result: GetPromptResult) -> str:
    """A prompt's messages as one text; who says what is told where several speak."""
    messages = result.messages
    if all(message.role == "user" for message in messages):
        return _joined(text_of(message.content) for message in messages)
    return "\n\n".join(f"{message.role}: {text_of(message.content)}" for message in messages)


def text_of(block: ContentBlock) -> str:
    """One piece of an answer as text."""
    if isinstance(block, TextContent):
        return block.text
    if isinstance(block, ImageContent | AudioContent):
        return _not_shown(block.mime_type, block.data)
    if isinstance(block, EmbeddedResource):
        return _contents_text(block.resource)
    return _link_text(block)


def _link_text(block: ResourceLink) -> str:
    about = f": {block.description}" if block.description else ""
    return f"({block.title or block.name}, to be read at {block.uri}{about})"


def _contents_text(contents: TextResourceContents | BlobResourceContents) -> str:
    if isinstance(contents, TextResourceContents):
        return contents.text
    return _not_shown(contents.mime_type or "data", contents.blob)


def _not_shown(media_type: str, base64: str) -> str:
    size = byte_size_text(len(base64) * 3 // 4)
    return f"({media_type[:100]}, {size}: not shown)"


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(filter(None, texts))
