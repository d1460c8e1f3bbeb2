"""What a measured speed means, in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tether_desktop.ui.number_text import decimal
from tether_desktop.ui.translation import translate

if TYPE_CHECKING:
    from tether_desktop.protocol.speed_test import SpeedResult

READING = 6.0
"""Tokens per second that somebody reads who takes in four to five English words in that time."""

_SLOWER, _FASTER, _MUCH = 0.75, 1.75, 6.0
_PAGE_TOKENS = 650


def rate_text(rate: float) -> str:
    """A speed: "87 tokens/s", "4.2 tokens/s"."""
    words = translate("SpeedWords", "{rate} tokens/s")
    return words.format(rate=decimal(rate))


def verdict(result: SpeedResult) -> str:
    """How it feels: "Answers about as fast as you read. Reads a page in about a second."."""
    return f"{_answers(result.decode_rate / READING)} {_reads(result.prefill_rate)}".strip()


def _answers(share: float) -> str:
    if share < _SLOWER:
        return translate("SpeedWords", "Answers more slowly than you read.")
    if share < _FASTER:
        return translate("SpeedWords", "Answers about as fast as you read.")
    if share < _MUCH:
        return translate("SpeedWords", "Answers faster than you read.")
    return translate("SpeedWords", "Answers much faster than you read.")


def _reads(rate: float) -> str:
    if rate <= 0:
        return ""
    seconds = _PAGE_TOKENS / rate
    if seconds < 1.5:
        return translate("SpeedWords", "Takes about a second to read a page.")
    if seconds < 90:
        return translate("SpeedWords", "Takes about {count} seconds to read a page.").format(count=round(seconds))
    return translate("SpeedWords", "Takes about {count} minutes to read a page.").format(count=round(seconds / 60))


def details(result: SpeedResult) -> str:
    """All figures of a result in a line."""
    parts = [
        translate("SpeedWords", "reading {rate}").format(rate=rate_text(result.prefill_rate)),
        translate("SpeedWords", "writing {rate}").format(rate=rate_text(result.decode_rate)),
        translate("SpeedWords", "after 512 tokens {rate}").format(rate=rate_text(result.deep_rate)),
    ]
    if result.load_s is not None:
        words = translate("SpeedWords", "loaded in {seconds} s")
        parts.append(words.format(seconds=decimal(result.load_s)))
    text = " · ".join(parts)
    return text[:1].upper() + text[1:]
