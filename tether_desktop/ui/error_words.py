"""Errors of the core, which speaks English, in the language of the window."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from tether_desktop import paths
from tether_desktop.errors import TetherError
from tether_desktop.ui.translation import translate

_CONTEXT = "Errors"
_VALUE = "{}"


def put_in_words(error: TetherError) -> None:
    """Let an error speak the language that is on."""
    error.title, error.message, error.hint = map(error_words, (error.title, error.message, error.hint))


def error_words(text: str) -> str:
    """A title, a message or a hint in the language that is on; the text itself where nobody has translated it."""
    translated = translate(_CONTEXT, text)
    if translated != text:
        return translated
    found = ((template, match) for template, pattern in _patterns() if (match := pattern.fullmatch(text)) is not None)
    template, match = next(found, ("", None))
    if match is None:
        return text
    words = translate(_CONTEXT, template).split(_VALUE)
    values = match.groups()
    # A translation that has lost a value says less than the English text.
    return "".join(_interleaved(words, values)) if len(words) == len(values) + 1 else text


def _interleaved(words: list[str], values: tuple[str, ...]) -> list[str]:
    return [piece for pair in zip(words, (*values, ""), strict=True) for piece in pair]


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The texts with values in them, those that say most themselves first."""
    try:
        listed = (paths.resources_dir() / "translations" / "error_texts.json").read_text(encoding="utf-8")
    except OSError:
        return ()
    templates = sorted(json.loads(listed), key=lambda template: len(template.replace(_VALUE, "")), reverse=True)
    return tuple((template, _pattern(template)) for template in templates)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile("(.*?)".join(map(re.escape, template.split(_VALUE))), re.DOTALL)
