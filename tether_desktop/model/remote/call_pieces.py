"""Calls of tools as servers tell them: whole or in pieces, numbered or not, named once or each time."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from tether_desktop.model.engine import RequestedCall

MOST_CALLS = 64
LARGEST_CALLS = 1 << 20
"""Characters of all calls of a reply together."""

_LONGEST_ID = 200


class TooManyCalls(Exception):
    """Calls grow without an end."""


@dataclass(frozen=True, slots=True)
class CallPiece:
    """What a piece of a reply tells of a call.

    Attributes:
        index: which call of the reply it is of; None where that is not told.
        id, name, arguments: what it adds to them, or repeats of them; empty where it tells none.
        whole: whether these are all arguments there are.
        alone: whether it is all that there is of the call.
    """

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""
    whole: bool = False
    alone: bool = False


def read_calls(message: dict[str, Any], *, at_once: bool) -> tuple[CallPiece, ...]:
    """The calls, or pieces of them, in a piece of a reply.

    Args:
        message: what the server calls a delta or a message.
        at_once: whether it is the whole reply, so that each call is one of its own.
    """
    listed = message.get("tool_calls")
    found = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    if not found and isinstance(message.get("function_call"), dict):
        # What the API had before, of which there was one at most; some servers send both.
        found = [{"index": 0, "function": message["function_call"]}]
    unnumbered = len(found) > 1 and all(type(each.get("index")) is not int for each in found)
    pieces = (_piece(each, position if unnumbered else None) for position, each in enumerate(found))
    return tuple(replace(piece, alone=at_once) for piece in pieces)


class CallCollector:
    """Puts the calls of one reply together.

    The API numbers them, and names each in its first piece. There are servers that leave the number out, give each
    call the same one, repeat name and id in every piece, make up a new id for every piece, or send the name in two.
    """

    def __init__(self, names: Collection[str]) -> None:
        """Prepare; ``names`` are those of the tools that may be called."""
        self._names = names
        self._calls: list[_Call] = []
        self._size = 0

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, pieces: Iterable[CallPiece]) -> None:
        """Take the pieces that came together.

        Raises:
            TooManyCalls: there are more of them than any reply has.
        """
        for piece in pieces:
            self._size += len(piece.id) + len(piece.name) + len(piece.arguments)
            call = self._call_of(piece)
            if call is None:
                call = _Call(piece.index, piece.id, piece.name)
                self._calls.append(call)
            else:
                call.name = self._joined(call.name, piece.name)
                call.id = call.id or piece.id
            call.add(piece)
            if self._size > LARGEST_CALLS or len(self._calls) > MOST_CALLS:
                raise TooManyCalls

    def calls(self) -> tuple[RequestedCall, ...]:
        """The calls in the order in which they began, each with an id of its own."""
        taken: set[str] = set()
        return tuple(call.finish(taken) for call in self._calls if call.name or call.begun)

    def _call_of(self, piece: CallPiece) -> _Call | None:
        """The call that a piece goes on with; None where it begins another."""
        call = None if piece.alone else self._last_with(piece)
        return call if call is not None and self._goes_on(call, piece) else None

    def _last_with(self, piece: CallPiece) -> _Call | None:
        calls = self._calls[::-1]
        if piece.index is not None:
            found = next((call for call in calls if call.index == piece.index), None)
            if found is not None:
                return found
        if piece.id:
            found = next((call for call in calls if call.id == piece.id), None)
            if found is not None or piece.index is not None:
                return found
        last = next(iter(calls), None)
        return last if piece.index is None or (last and last.index is None) else None

    def _goes_on(self, call: _Call, piece: CallPiece) -> bool:
        if not piece.name or (piece.id and piece.id == call.id):
            return True
        other_id = bool(piece.id and call.id)
        if call.begun:
            blank = not piece.arguments.strip() and not (piece.index is None and other_id)
            return piece.name == call.name and (blank or not call.complete)
        if call.name + piece.name in self._names:
            return True
        if piece.index is None:
            return not other_id and (piece.name == call.name or piece.name not in self._names)
        return piece.name == call.name or not other_id

    def _joined(self, name: str, piece: str) -> str:
        """A name and what came after it: the rest of it, or the same once more."""
        candidates = (name + piece, piece, name)
        known = next((each for each in candidates if each in self._names), None)
        return known or (name if piece == name else name + piece)


class _Call:
    """A call that is being put together."""

    def __init__(self, index: int | None, id_: str, name: str) -> None:
        self.index = index
        self.id = id_
        self.name = name
        self._pieces: list[str] = []
        self._depth = 0
        self._in_string = self._escaped = False

    @property
    def begun(self) -> bool:
        """Whether any arguments have come."""
        return bool(self._pieces)

    @property
    def complete(self) -> bool:
        """Whether the arguments are an object that is closed."""
        return self.begun and self._depth == 0

    def add(self, piece: CallPiece) -> None:
        if piece.whole:
            self._pieces, self._depth = [piece.arguments], 0
        elif piece.arguments:
            self._pieces.append(piece.arguments)
            for character in piece.arguments:
                self._follow(character)

    def finish(self, taken: set[str]) -> RequestedCall:
        usable = self.id and self.id not in taken and len(self.id) <= _LONGEST_ID and self.id.isprintable()
        # Nine letters and digits are what the strictest chat templates demand.
        id_ = self.id if usable else secrets.token_hex(5)[:9]
        taken.add(id_)
        arguments = "".join(self._pieces)
        told = "{}" if arguments.strip() in {"", "null"} else arguments
        return RequestedCall(id_, _whole_characters(self.name), _whole_characters(told))

    def _follow(self, character: str) -> None:
        """Keep count of what is open, so that nothing has to be read twice."""
        if self._in_string:
            if self._escaped:
                self._escaped = False
            elif character == "\\":
                self._escaped = True
            elif character == '"':
                self._in_string = False
        elif character == '"':
            self._in_string = True
        elif character in "{[":
            self._depth += 1
        elif character in "}]":
            self._depth -= 1


def _piece(fields: dict[str, Any], position: int | None) -> CallPiece:
    index = fields.get("index")
    number = position if position is not None else index if type(index) is int else None
    function = fields.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments")
    whole = isinstance(arguments, (dict, list))
    told = json.dumps(arguments, ensure_ascii=False) if whole else arguments
    id_, name, text = (each if isinstance(each, str) else "" for each in (fields.get("id"), function.get("name"), told))
    return CallPiece(number, id_, name, text, whole)


def _whole_characters(text: str) -> str:
    """A text whose halves of characters beyond 16 bits, which may come in two pieces, are joined."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
