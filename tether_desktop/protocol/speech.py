"""What a model says in one round, taken apart into visible text, thoughts and calls as it comes."""

from __future__ import annotations

from typing import Protocol

from tether_desktop.events import HiddenThought, Stage, Token
from tether_desktop.model.engine import GenerationChunk, RequestedCall
from tether_desktop.protocol.dialects.dialect import BadCall
from tether_desktop.protocol.dialects.json_calls import arguments_in_json
from tether_desktop.protocol.stream_parser import BrokenCall, ParsedCall, StreamParser

Call = ParsedCall | BrokenCall


class Listener(Protocol):
    """Hears what is said, as it comes."""

    def tell(self, stage: Stage, progress: float | None) -> None:
        """What a person is waiting for."""
        ...

    def say(self, event: Token | HiddenThought) -> None:
        """Visible text, or a thought."""
        ...


class Heard:
    """Keeps what is said until it is fetched."""

    def __init__(self) -> None:
        self._said: list[Token | HiddenThought] = []

    def tell(self, stage: Stage, progress: float | None) -> None:
        """Nobody waits here to hear of stages."""

    def say(self, event: Token | HiddenThought) -> None:
        """Keep it."""
        self._said.append(event)

    def fetch(self) -> list[Token | HiddenThought]:
        """What was said since the last time."""
        said, self._said = self._said, []
        return said


class Speech:
    """The speech of one round.

    Attributes:
        calls: what it called so far, in order.
        text: what the model has written, tags and calls included.
        tokens: how many tokens that was.
        thought_tokens: how many of them were thoughts.
    """

    def __init__(self, parser: StreamParser, out: Listener) -> None:
        self.calls: list[Call] = []
        self.text = ""
        self.tokens = self.thought_tokens = 0
        self._parser = parser
        self._out = out

    def take(self, chunk: GenerationChunk) -> None:
        """Take in what an engine has sent."""
        if chunk.progress is not None:
            self._out.tell("reading_prompt", chunk.progress)
        if chunk.text:
            if not self.text:
                self._out.tell("generating", None)
            self.tokens += 1
            said = self.add(chunk.text)
            if self._parser.in_call:
                self._out.tell("calling", None)
            self.thought_tokens += bool(said) and all(isinstance(each, HiddenThought) for each in said)
        self.calls += [_understood(call) for call in chunk.tool_calls]

    def add(self, text: str) -> list[Token | HiddenThought | ParsedCall | BrokenCall]:
        """Take in text; what it says for certain."""
        self.text += text
        return self._say(self._parser.feed(text))

    def finish(self) -> None:
        """Say what was held back."""
        self._say(self._parser.finish())

    def _say(
        self, said: list[Token | HiddenThought | ParsedCall | BrokenCall]
    ) -> list[Token | HiddenThought | ParsedCall | BrokenCall]:
        for each in said:
            if isinstance(each, Token | HiddenThought):
                self._out.say(each)
            else:
                self.calls.append(each)
        return said


def _understood(call: RequestedCall) -> Call:
    """A call that a server has told apart, with its arguments read."""
    try:
        arguments = arguments_in_json(call.arguments) if call.arguments.strip() else {}
    except BadCall as problem:
        return BrokenCall(call.name, call.arguments, str(problem))
    return ParsedCall(call.name, arguments, call.arguments)
