"""Decodes the text of a file, whatever its encoding is."""

from __future__ import annotations

import codecs
import re

from tether_desktop.protocol.attachments.kinds import binary_kind
from tether_desktop.protocol.attachments.limits import MOST_CHARACTERS, problem, text_too_long

_SAMPLE = 1 << 16
"""Bytes by which an encoding is told; more would take seconds and tell nothing new."""

_COMMON = "cp1252"
"""Windows' for Western Europe and America, which old files most often have."""

_CLEARLY = 0.06
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
"""That of UTF-32 begins like that of UTF-16."""

_LINE_END = re.compile(r"\r\n?|\x85")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MOST_CONTROLS = 0.02
"""Part of a text; in a log there are some, in a program many."""


def text_of(data: bytes, name: str) -> str:
    """The text of a file, with one kind of line ends.

    Raises:
        AttachmentProblem: it is no text, is empty, or is too long.
    """
    if not data.strip():
        raise problem(f"{name} is empty.", "Choose another file.")
    text = _decoded(data)
    if text is None or _is_noise(text):
        kind, instead = binary_kind(data)
        raise problem(f"{name} is {kind}, of which a model cannot read anything.", instead)
    return checked_text(text, name)


def checked_text(text: str, name: str) -> str:
    """A text as it goes with a question, with one kind of line ends and nothing that no text has.

    Raises:
        AttachmentProblem: it has nothing in it, or is too long.
    """
    plain = _CONTROL.sub("", _LINE_END.sub("\n", text)).strip("\n")
    if not plain.strip():
        raise problem(f"{name} is empty.", "Choose another file.")
    if len(plain) > MOST_CHARACTERS:
        raise text_too_long(name)
    return plain


def _decoded(data: bytes) -> str | None:
    """The text; None where there is none."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data.decode(encoding, "replace")
    wide = _looks_wide(data)
    if wide is None and b"\0" in data[:_SAMPLE]:
        return None
    try:
        return data.decode(wide or "utf-8")
    except UnicodeDecodeError:
        guessed = _guessed(data)
        return data.decode(guessed, "replace") if guessed else None


def _looks_wide(data: bytes) -> str | None:
    """UTF-16 without a mark: in most scripts every other byte of it is mostly 0, or at least seldom changes."""
    sample = data[:_SAMPLE]
    if len(data) % 2 or b"\0" not in sample:
        return None
    for encoding, high in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[0::2])):
        if high.count(0) > 0.4 * len(high) and sample.count(0) < 0.6 * len(sample):
            return encoding
    return None


def _guessed(data: bytes) -> str | None:
    """The encoding that a sample of the bytes most likely has; None where it is no text.

    Among its likes the most common one is taken, unless another explains the text clearly better.
    """
    # Here, since most files are UTF-8 and need it not.
    from charset_normalizer import from_bytes

    sample = data[:_SAMPLE]
    likely = {match.encoding: match.coherence for match in from_bytes(sample, enable_fallback=False)}
    best = max(likely.values(), default=0.0)
    if likely and (likely.get(_COMMON, -1.0) >= best - _CLEARLY or (not best and _can_be(sample, _COMMON))):
        return _COMMON
    return next(iter(likely), None)


def _can_be(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_noise(text: str) -> bool:
    sample = text[:_SAMPLE]
    return "\0" in sample or len(_CONTROL.findall(sample)) > _MOST_CONTROLS * len(sample)
