"""Tells visible text, hidden thoughts and calls apart in a stream, one parser per reply."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from tether_desktop.events import HiddenThought, Token
from tether_desktop.messages import Phase
from tether_desktop.protocol.call_scanner import CallScanner, Scanned
from tether_desktop.protocol.dialects.bare_call import BareCall
from tether_desktop.protocol.dialects.dialect import MOST_CHARACTERS, BadCall, Call, CallForm, Dialect
from tether_desktop.protocol.tags import any_of, beginning_of
from tether_desktop.protocol.thoughts import HARMONY, HARMONY_BEGINS, HARMONY_ENDS, THOUGHTS

VISIBLE = "visible"
HARMONY_VISIBLE = "harmony"
_PIECE = 4096
_BROKEN_OFF = "It breaks off before its end."
_NAME = re.compile(r'"name"\s*:\s*"([^"\\\n]{1,64})"')


@dataclass(frozen=True, slots=True)
class ParsedCall:
    """A call that can be understood.

    Attributes:
        text: what the model wrote, tags included; of several calls between the same tags the first has it all.
    """

    name: str
    arguments: dict[str, Any]
    text: str


@dataclass(frozen=True, slots=True)
class BrokenCall:
    """A call that cannot be understood.

    Attributes:
        name: the tool it is about, where that can be seen; else empty.
        text: what the model wrote, tags included.
        problem: what is wrong with it, for the model.
    """

    name: str
    text: str
    problem: str


Parsed = Token | HiddenThought | ParsedCall | BrokenCall


@dataclass(frozen=True, slots=True)
class _State:
    """A state outside of calls: the tags that leave it, and where each of them leads.

    Attributes:
        exits: by tag, in lower case where its case does not matter: the next state, or the form of the call it opens.
        pattern: finds one.
        beginning: finds what may become one at the end of text.
        longest: of its tags, in characters.
    """

    exits: dict[str, str | CallForm]
    pattern: re.Pattern[str]
    beginning: re.Pattern[str]
    longest: int

    @classmethod
    def leaving_by(cls, exact: dict[str, str | CallForm], in_any_case: dict[str, str | CallForm]) -> _State:
        pattern = f"{any_of(exact)}|{any_of(in_any_case, exact=False)}"
        beginning = f"{beginning_of(exact)}|{beginning_of(in_any_case, exact=False)}"
        exits = exact | in_any_case
        return cls(exits, re.compile(pattern), re.compile(beginning), max(map(len, exits)))

    def leads(self, tag: str) -> str | CallForm:
        """Where this tag leads."""
        return self.exits[tag] if tag in self.exits else self.exits[tag.lower()]


def _visible_exits(dialects: Sequence[Dialect]) -> dict[str, str | CallForm]:
    forms = [form for dialect in dialects for form in dialect.forms]
    # A closing tag that stands alone is what is left of a call, and no text.
    return (
        {form.closing: VISIBLE for form in forms if form.closing}
        | {form.opening: form for form in reversed(forms)}
        | dict.fromkeys(HARMONY_BEGINS, HARMONY_VISIBLE)
        | {thought.opening: thought.name for thought in THOUGHTS if thought.exact}
    )


@lru_cache(maxsize=16)
def _machine(dialects: tuple[Dialect, ...]) -> dict[str, _State]:
    """The states outside of calls. Inside a thought only its own end counts: what looks like a call is thought too."""
    visible = _visible_exits(dialects)
    in_any_case: dict[str, str | CallForm] = {
        thought.opening: thought.name for thought in THOUGHTS if not thought.exact
    }
    framed = visible | dict.fromkeys(HARMONY_ENDS, HARMONY_VISIBLE)
    states = {
        VISIBLE: _State.leaving_by(visible, in_any_case),
        HARMONY_VISIBLE: _State.leaving_by(framed, in_any_case),
    }
    for thought in THOUGHTS:
        closing: dict[str, str | CallForm] = {thought.closing: HARMONY_VISIBLE if thought.name == HARMONY else VISIBLE}
        states[thought.name] = _State.leaving_by(*((closing, {}) if thought.exact else ({}, closing)))
    return states


_OPENED_BY_PROMPT = re.compile(
    "(?:"
    + "|".join(f"(?P<{thought.name}>{any_of([thought.opening], exact=thought.exact)})" for thought in THOUGHTS)
    + r")\s*\Z"
)


def state_after_prompt(prompt_text: str) -> str:
    """Where a reply starts: inside a thought when the chat template itself has opened one."""
    opened = _OPENED_BY_PROMPT.search(prompt_text)
    return opened.lastgroup or VISIBLE if opened else VISIBLE


class StreamParser:
    """Makes events of the text a model generates.

    Tags of thoughts are taken out, calls come out whole with all they were written with, and every other character
    comes through once and in order, however the text is split. Only what may still become a tag, or is part of a
    call, is held back.

    What cannot be a call is never shown either once it has begun as one: it is a :class:`BrokenCall`, up to its
    closing tag or the end of its JSON; where it has neither, up to the next call, the line's end (for a dialect
    without closing tags) or the end of the reply.

    Attributes:
        state: ``visible``, or the name of the thought that is open; while a call is read, the state around it.
    """

    def __init__(
        self,
        state: str = VISIBLE,
        *,
        dialects: Sequence[Dialect] = (),
        names: Sequence[str] = (),
        phase: Phase = "pre_tool",
    ) -> None:
        """Begin a reply.

        Args:
            state: where it starts, from :func:`state_after_prompt`.
            dialects: in which calls are recognised; with none, all is text.
            names: of the tools there are; bare JSON is a call only of one of them.
            phase: of its first thoughts; those after a call are ``post_tool``.
        """
        self.state = state
        self._phase = phase
        self._states = _machine(tuple(dialects))
        self._openings = tuple(dict.fromkeys(opening for dialect in dialects for opening in dialect.openings))
        bare = next((dialect.bare for dialect in dialects if dialect.bare), None)
        self._bare = BareCall(bare, names) if bare and names else None
        self._call: CallScanner | None = None
        self._is_blank = True
        self._pending = ""
        self._events: list[Parsed] = []

    @property
    def in_call(self) -> bool:
        """Whether a call has begun and not ended."""
        return self._call is not None

    def feed(self, text: str) -> list[Parsed]:
        """The events that are certain after ``text``."""
        # In pieces, or each call of a long text would copy all that follows it.
        for start in range(0, len(text), _PIECE):
            self._advance(self._pending + text[start : start + _PIECE])
        return self._take_events()

    def finish(self) -> list[Parsed]:
        """What was held back; a thought that was never closed stays a thought."""
        while self._call:
            self._advance(self._take_call(self._call, self._call.finish()))
        if self._is_cut_bare_call():
            self._events.append(BrokenCall("", self._pending, _BROKEN_OFF))
        else:
            self._emit(self._pending)
        self._pending = ""
        return self._take_events()

    def _take_events(self) -> list[Parsed]:
        events, self._events = self._events, []
        return events

    def _advance(self, text: str) -> None:
        self._pending = ""
        while text:
            text = self._read_call(self._call, text) if self._call else self._read_text(text)

    def _read_call(self, call: CallScanner, text: str) -> str:
        """Read on in a call; what is left to read."""
        scanned = call.feed(text)
        return self._take_call(call, scanned) if scanned else ""

    def _read_text(self, text: str) -> str:
        """Read to the next tag; what is left to read."""
        rest = self._read_bare(text)
        if rest is not None:
            return rest
        state = self._states[self.state]
        found = state.pattern.search(text)
        if not found:
            return self._hold_back(text, state)
        self._emit(text[: found.start()])
        leads = state.leads(found.group())
        if isinstance(leads, CallForm):
            self._call = CallScanner(leads, self._openings)
        else:
            self.state = leads
        return text[found.end() :]

    def _hold_back(self, text: str, state: _State) -> str:
        beginning = state.beginning.search(text, max(0, len(text) - state.longest))
        end = beginning.start() if beginning else len(text)
        self._emit(text[:end])
        self._pending = text[end:]
        return ""

    def _read_bare(self, text: str) -> str | None:
        """Begin a call of bare JSON, or wait until that is certain; None where there is none."""
        json = text.lstrip()
        if not (self._bare and self._is_blank and self.state == VISIBLE and json.startswith("{")):
            return None
        begins = self._bare.begins(json)
        if begins == "no":
            self._is_blank = False
            return None
        if begins == "maybe":
            self._pending = text
            return ""
        self._emit(text[: -len(json)])
        self._call = CallScanner(self._bare.form, self._openings)
        return json

    def _is_cut_bare_call(self) -> bool:
        return bool(self._bare) and self._pending.lstrip().startswith("{") and '"name"' in self._pending

    def _take_call(self, call: CallScanner, scanned: Scanned) -> str:
        """Tell of a call that has ended; what is left to read."""
        self._call = None
        if self._bare and call.form is self._bare.form and self._bare.is_other(scanned.payload):
            self._emit(scanned.text)
        else:
            self._events.extend(_parsed(call.form, scanned))
            self._phase = "post_tool"
        return scanned.rest

    def _emit(self, text: str) -> None:
        if not text:
            return
        if self.state in {VISIBLE, HARMONY_VISIBLE}:
            self._is_blank = self._is_blank and text.isspace()
            self._events.append(Token(text))
        else:
            self._events.append(HiddenThought(text, self._phase))


def _parsed(form: CallForm, scanned: Scanned) -> list[ParsedCall | BrokenCall]:
    try:
        calls = _calls(form, scanned)
    except BadCall as problem:
        named = _NAME.search(scanned.payload)
        return [BrokenCall(named[1] if named else "", scanned.text, str(problem))]
    texts = [scanned.text, *([""] * (len(calls) - 1))]
    return [ParsedCall(call.name, call.arguments, text) for call, text in zip(calls, texts, strict=True)]


def _calls(form: CallForm, scanned: Scanned) -> tuple[Call, ...]:
    if len(scanned.payload) > MOST_CHARACTERS:
        raise BadCall(f"It is longer than {MOST_CHARACTERS:,} characters.")
    try:
        return form.parse(scanned.payload)
    except BadCall:
        if scanned.complete:
            raise
        raise BadCall(_BROKEN_OFF) from None
