"""What a dialect is: how a family of models writes calls, as data with a parser and a writer."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tether_desktop.messages import ToolCall

MOST_CHARACTERS = 32_768
"""Of one payload."""


class BadCall(ValueError):
    """What a model wrote is no call; the message is a sentence for the model."""


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was written: no id, and nobody has checked whether there is such a tool."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CallForm:
    """A way to write calls.

    Attributes:
        opening: begins it.
        parse: the calls in what stands between opening and closing; raises BadCall.
        closing: ends it; empty where it ends with its JSON.
        headed: whether the name stands before the JSON.
        listed: whether further JSON may follow after ``;`` or ``,``.
        inner: another form's opening that may stand inside it.
        shield: tags around text in which no other tag counts.
    """

    opening: str
    parse: Callable[[str], tuple[Call, ...]]
    closing: str = ""
    headed: bool = False
    listed: bool = False
    inner: str = ""
    shield: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class JsonItem:
    """JSON of this schema, in a grammar."""

    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TextItem:
    """Any text of at most so many characters up to ``closing``, which is part of it, in a grammar."""

    closing: str
    most: int


@dataclass(frozen=True, slots=True)
class OptionalItems:
    """Items that may be left out, in a grammar."""

    items: tuple[GrammarItem, ...]


GrammarItem = str | JsonItem | TextItem | OptionalItems
"""A piece of a call, in a grammar; plain text stands for itself."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of models writes calls.

    Attributes:
        name: for logs and tests.
        forms: every way in which they are recognised.
        signature: what only this dialect's calls look like, in a rendered prompt.
        write_call: a single call, from its name and arguments.
        call_items: what a grammar demands of a call, from the tool's name and the schema of its arguments.
        begin, between, end: stand around and between the calls of one reply.
        markers: special tokens of the vocabulary that must come through as text.
        bare: whether a reply may also be nothing but the JSON of calls; ``forms`` then has one without an opening.
    """

    name: str
    forms: tuple[CallForm, ...]
    signature: re.Pattern[str]
    write_call: Callable[[str, dict[str, Any]], str]
    call_items: Callable[[str, dict[str, Any]], tuple[GrammarItem, ...]]
    begin: str = ""
    between: str = "\n"
    end: str = ""
    markers: tuple[str, ...] = ()
    bare: CallForm | None = field(default=None)

    @property
    def openings(self) -> tuple[str, ...]:
        """What begins a call, in the middle of text too."""
        return tuple(form.opening for form in self.forms)

    def write(self, calls: Sequence[ToolCall]) -> str:
        """The calls as such a model writes them."""
        return self.begin + self.between.join(self.write_call(call.name, call.arguments) for call in calls) + self.end
