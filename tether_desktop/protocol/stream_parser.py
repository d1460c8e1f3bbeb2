"""Tells visible text and hidden thoughts apart in a stream, one parser per turn."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tether_desktop.events import HiddenThought, Token

THOUGHT_TAGS = ("think", "thinking", "reflection")
VISIBLE = "visible"


@dataclass(frozen=True, slots=True)
class _State:
    """A state of the parser: the tags that leave it, and where each of them leads."""

    exits: dict[str, str]
    pattern: re.Pattern[str]

    @classmethod
    def leaving_by(cls, exits: dict[str, str]) -> _State:
        # ASCII, or the Turkish dotless i and the long s would match too, but only in one piece.
        return cls(exits, re.compile("|".join(map(re.escape, exits)), re.IGNORECASE | re.ASCII))

    def may_begin(self, text: str) -> bool:
        """Whether more text could turn this one into a tag."""
        return text.isascii() and any(tag.startswith(text.lower()) for tag in self.exits)


_STATES = {VISIBLE: _State.leaving_by({f"<{name}>": name for name in THOUGHT_TAGS})} | {
    name: _State.leaving_by({f"</{name}>": VISIBLE}) for name in THOUGHT_TAGS
}
_OPENED_BY_PROMPT = re.compile(rf"<({'|'.join(THOUGHT_TAGS)})>\s*\Z", re.IGNORECASE | re.ASCII)


def state_after_prompt(prompt_text: str) -> str:
    """Where a reply starts: inside a thought when the chat template itself has opened one."""
    opened = _OPENED_BY_PROMPT.search(prompt_text)
    return opened.group(1).lower() if opened else VISIBLE


class StreamParser:
    """Makes events of the text a model generates.

    Tags are taken out, whatever their case and however they are split; every other character comes
    through once and in order. Only text that may still become a tag is held back.

    Attributes:
        state: ``visible``, or the name of the thought tag that is open.
    """

    def __init__(self, state: str = VISIBLE) -> None:
        self.state = state
        self._pending = ""

    def feed(self, text: str) -> list[Token | HiddenThought]:
        """The events that are certain after ``text``."""
        text = self._pending + text
        events: list[Token | HiddenThought] = []
        start = 0
        while tag := _STATES[self.state].pattern.search(text, start):
            self._emit(text[start : tag.start()], events)
            self.state = _STATES[self.state].exits[tag.group().lower()]
            start = tag.end()
        end = self._certain_until(text, start)
        self._emit(text[start:end], events)
        self._pending = text[end:]
        return events

    def finish(self) -> list[Token | HiddenThought]:
        """What was held back; a thought that was never closed stays a thought."""
        events: list[Token | HiddenThought] = []
        self._emit(self._pending, events)
        self._pending = ""
        return events

    def _certain_until(self, text: str, start: int) -> int:
        opening = text.rfind("<", start)
        return opening if opening >= 0 and _STATES[self.state].may_begin(text[opening:]) else len(text)

    def _emit(self, text: str, events: list[Token | HiddenThought]) -> None:
        if text:
            events.append(Token(text) if self.state == VISIBLE else HiddenThought(text))
