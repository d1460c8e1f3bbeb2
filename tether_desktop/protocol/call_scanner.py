"""Finds where a call ends while it streams in: a machine of states, each with its lexemes and where they lead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from tether_desktop.protocol.dialects.dialect import MOST_CHARACTERS, CallForm
from tether_desktop.protocol.tags import any_of, beginning_of

_START, _HEAD, _JSON, _STRING, _AFTER = "start", "head", "json", "string", "after"
_REST, _SHIELDED, _LINE = "rest", "shielded", "line"
_END, _CUT, _BACK, _WAIT = "end", "cut", "back", "wait"
"""The call ends with the lexeme, before it, or where it could have ended already; or it needs more text."""

_DEPTH = {"rise": 1, "brace": 1, "fall": -1}

_LEXEMES = {
    "rise": r"[\[{]",
    "brace": r"\{",
    "fall": r"[\]}]",
    "quote": '"',
    "escape": r"\\[\s\S]",
    "dangling": r"\\",
    "newline": r"\n",
    "space": r"\s+",
    "separator": "[;,]",
    "no_json": r"[^\s0-9eEtrufalsnNIity.:,+-]",
    "other": r"[\s\S]",
}


def _exits(form: CallForm) -> dict[str, dict[str, str]]:
    """Each state's lexemes, the first that fits counts, and the state or ending each of them leads to."""
    tagged = bool(form.closing)
    tags = {"closing": _END, "opening": _CUT}
    broken = _HEAD if form.headed else _REST if tagged else _LINE
    return {
        _START: tags | {"rise": _JSON, "space": _START, "other": broken},
        _HEAD: tags | {"brace": _JSON, "newline": _CUT},
        _JSON: tags | {"quote": _STRING, "rise": _JSON, "fall": _JSON, "no_json": _REST if tagged else _JSON},
        _STRING: {"closing": _STRING, "quote": _JSON, "escape": _STRING, "dangling": _WAIT},
        _AFTER: {
            "closing": _END,
            "opening": _BACK,
            "fall": _AFTER,
            "space": _AFTER if tagged or form.listed else _BACK,
            "rise": _JSON if tagged else _BACK,
            "separator": _START if form.listed else _BACK,
            "other": _BACK,
        },
        _REST: {"closing": _END, "again": _CUT, "shield": _SHIELDED},
        _SHIELDED: {"unshield": _REST, "closing": _SHIELDED},
        _LINE: tags | {"newline": _CUT},
    }


@dataclass(frozen=True, slots=True)
class _Lexicon:
    """What the states of a form look for.

    Attributes:
        exits: of each state, where its lexemes lead.
        patterns: of each state, its lexemes as named groups.
        beginning: text at the end that may become a tag.
    """

    exits: dict[str, dict[str, str]]
    patterns: dict[str, re.Pattern[str]]
    beginning: re.Pattern[str]
    longest: int


@lru_cache(maxsize=64)
def _lexicon(form: CallForm, openings: tuple[str, ...]) -> _Lexicon:
    shield, unshield = form.shield or ("", "")
    tags = {
        "closing": [form.closing],
        "opening": [opening for opening in openings if opening != form.inner],
        "again": [form.opening],
        "shield": [shield],
        "unshield": [unshield],
    }
    tags = {lexeme: [tag for tag in some if tag] for lexeme, some in tags.items()}
    lexemes = _LEXEMES | {lexeme: any_of(some) for lexeme, some in tags.items()}
    exits = _exits(form)
    patterns = {
        state: re.compile("|".join(f"(?P<{name}>{lexemes[name]})" for name in leads)) for state, leads in exits.items()
    }
    every = [tag for some in tags.values() for tag in some]
    return _Lexicon(exits, patterns, re.compile(beginning_of(every)), max(map(len, every), default=1))


@dataclass(frozen=True, slots=True)
class Scanned:
    """A call that has ended.

    Attributes:
        text: all of it, tags included.
        payload: what stands between its tags.
        rest: what was read and belongs to it no more.
        complete: whether it ended as such calls do, not with the stream.
    """

    text: str
    payload: str
    rest: str
    complete: bool = True


class CallScanner:
    """Reads one call from behind its opening to its end.

    A closing tag, or another opening, inside a JSON string is part of the string. Each character is looked at once,
    however the text is split; what may still become a tag is kept for the next time.
    """

    def __init__(self, form: CallForm, openings: tuple[str, ...]) -> None:
        self.form = form
        self._lexicon = _lexicon(form, openings)
        self._state = _START
        self._depth = 0
        self._parts: list[str] = []
        self._length = 0
        self._held = ""
        self._mark: tuple[int, int] | None = None
        """Where the call and its payload end if what follows does not fit."""

    def feed(self, text: str) -> Scanned | None:
        """The call, once it has ended."""
        text, self._held = self._held + text, ""
        position, limit = 0, self._certain_until(text)
        while position < limit:
            end = self._bounded(limit)
            found = self._lexicon.patterns[self._state].search(text, position, end)
            leads = self._follow(found) if found else None
            if leads in {None, _WAIT} and end < limit:
                leads = _BACK
            if leads in {_END, _CUT, _BACK}:
                return self._ended(text, *self._ending(leads, found))
            if not found or leads == _WAIT:
                position = found.start() if found else limit
                break
            position = found.end()
        self._keep(text, position)
        return None

    def finish(self) -> Scanned:
        """The call as it is when the stream ends."""
        closing = (
            self._state not in {_STRING, _SHIELDED} and bool(self._held) and self.form.closing.startswith(self._held)
        )
        if self._mark and not (closing and self._state == _AFTER):
            return self._ended(self._held, *self._mark)
        end = self._length + len(self._held)
        payload_end = self._mark[1] if self._mark else self._length if closing else end
        return self._ended(self._held, end, payload_end, complete=self._state == _AFTER)

    def _certain_until(self, text: str) -> int:
        beginning = self._lexicon.beginning.search(text, max(0, len(text) - self._lexicon.longest))
        return beginning.start() if beginning else len(text)

    def _bounded(self, limit: int) -> int:
        """How far to read: text that runs on inside a string that has a closing tag in it is not believed for ever."""
        if self._state not in {_STRING, _SHIELDED} or not self._mark:
            return limit
        return min(limit, max(0, MOST_CHARACTERS + 1 - self._length))

    def _follow(self, found: re.Match[str]) -> str:
        """Go where a lexeme leads."""
        lexeme = found.lastgroup or ""
        leads = self._lexicon.exits[self._state][lexeme]
        self._depth = max(0, self._depth + _DEPTH.get(lexeme, 0))
        start, end = self._length + found.start(), self._length + found.end()
        if lexeme == "fall" and self._depth == 0:
            leads, self._mark = _AFTER, (end, end)
        elif lexeme == "rise" and leads == _JSON != self._state:
            self._mark = None
        elif lexeme == "closing" and self._state == leads:
            self._mark = self._mark or (end, start)
        elif lexeme in {"no_json", "other"} and leads != _JSON and self._mark:
            leads = _BACK
        self._state = leads if leads in self._lexicon.exits else self._state
        return leads

    def _ending(self, leads: str | None, found: re.Match[str] | None) -> tuple[int, int]:
        """Where the call and its payload end."""
        if leads == _BACK or not found:
            return self._mark or (0, 0)
        end = found.end() if leads == _END else found.start()
        return self._length + end, self._length + found.start()

    def _keep(self, text: str, position: int) -> None:
        self._parts.append(text[:position])
        self._length += position
        self._held = text[position:]

    def _ended(self, text: str, end: int, payload_end: int, *, complete: bool = True) -> Scanned:
        whole = "".join([*self._parts, text])
        return Scanned(self.form.opening + whole[:end], whole[:payload_end], whole[end:], complete)
