"""Tells text from other content, and decodes it."""

from __future__ import annotations

import codecs
import os

from tether_desktop.errors import ToolError

_PIECE = 1 << 16
_LOOKED_AT = 1 << 13
_MOST_CONTROLS = 0.01
_CONTROLS = bytes(sorted({*range(32), 127} - {*b"\t\n\v\f\r\b\x1b"}))
_MARKS = (
    # That of UTF-32 begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (codecs.BOM_UTF8, "utf-8-sig"),
)
_DOCUMENTS = (b"%PDF-", b"{\\rtf")


def read_up_to(descriptor: int, most: int) -> tuple[bytes, bool]:
    """The first bytes of an opened file, and whether these are all."""
    content = bytearray()
    while len(content) <= most and (piece := os.read(descriptor, _PIECE)):
        content += piece
    return bytes(content[:most]), len(content) <= most


def decode(content: bytes, *, whole: bool) -> str | None:
    """The text of a file's beginning, with plain line feeds; None when it is no text.

    In UTF-8, in what a byte order mark says, or in the code page of Western Windows. Where the content was cut
    (not ``whole``), half a character at its end is left out.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return _decoded(content, encoding, whole=whole)
    if _is_binary(content):
        return None
    text = _decoded(content, "utf-8", whole=whole)
    return _plain(content.decode("cp1252", "replace")) if text is None else text


def no_text(name: str) -> ToolError:
    """What to say of content that is no text."""
    message = f"{name[:200]!r} is no text, so it cannot be shown."
    return ToolError("The file cannot be read", message, "Only text files can be read.")


def _decoded(content: bytes, encoding: str, *, whole: bool) -> str | None:
    try:
        return _plain(codecs.getincrementaldecoder(encoding)().decode(content, final=whole))
    except UnicodeDecodeError:
        return None


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _is_binary(content: bytes) -> bool:
    head = content[:_LOOKED_AT]
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return b"\0" in content or content.startswith(_DOCUMENTS) or controls > len(head) * _MOST_CONTROLS
