"""Errors of the core, which speaks English, in the language of the window."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from tether_desktop import paths
from tether_desktop.errors import TetherError
from tether_desktop.ui.translation import translate

_CONTEXT = "Errors"
_VALUE = re.compile(r"\{(\d+)\}")


def put_in_words(error: TetherError) -> None:
    """Let an error speak the language that is on."""
    error.title, error.message, error.hint = map(error_words, (error.title, error.message, error.hint))


def error_words(text: str) -> str:
    """A title, a message or a hint in the language that is on; the text itself where nobody has translated it."""
    translated = translate(_CONTEXT, text)
    if translated != text:
        return translated
    for template, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            return _with_values(translate(_CONTEXT, template), match.groups())
    return text


def _with_values(words: str, values: tuple[str, ...]) -> str:
    return _VALUE.sub(lambda place: values[int(place[1]) - 1], words)


@lru_cache(maxsize=1)
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The texts with values in them, those that say most themselves first."""
    try:
        listed = (paths.resources_dir() / "translations" / "error_texts.json").read_text(encoding="utf-8")
    except OSError:
        return ()
    templates = sorted(json.loads(listed), key=lambda template: len(_VALUE.sub("", template)), reverse=True)
    return tuple((template, _pattern(template)) for template in templates)


def _pattern(template: str) -> re.Pattern[str]:
    pieces = _VALUE.split(template)[::2]
    return re.compile("(.*?)".join(map(re.escape, pieces)), re.DOTALL)
