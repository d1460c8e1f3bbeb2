"""Writes grammars that hold a reply to valid calls: llguidance's Lark dialect, as text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import astuple

from tether_desktop.errors import ConstraintRefused
from tether_desktop.messages import ToolChoice, ToolDeclaration
from tether_desktop.model.engine import Constraint
from tether_desktop.model.json_schemas import as_written
from tether_desktop.protocol.dialects import OURS
from tether_desktop.protocol.dialects.dialect import Dialect, GrammarItem, JsonItem, OptionalItems, TextItem
from tether_desktop.protocol.schema_bounds import BoundedSchema, Bounds, bounded_arguments, text_count
from tether_desktop.protocol.stream_parser import VISIBLE
from tether_desktop.protocol.thoughts import THOUGHTS

_MOST_CALLS = 8
_TOKENS_FOR_A_CALL = 512
_FEWEST_CHARACTERS = 24
_FEW_ITEMS = 6
_JSON = {
    # As the models' own templates write it. Any whitespace would do, but small models never come to an end of it.
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    # No \u: half of a surrogate pair is no text.
    "json_allowed_escapes": 'nrbtf\\"',
    "lenient": True,
}
_ANY = "/(?s:.*)/"
_SPACE_FIRST = r"[ \n](?s:.*)"
_SPACES = r"[ \n]{0,4}"
_CLOSING = ">]|}"
_OUR_STEM = "<<function"
"""Models that do not know our dialect write variants of it, as ``<<function_add>>``."""

_BARE_CALL = r'\s*\{\s*"(?:name|type)"'


def call_constraint(
    dialect: Dialect,
    tools: Sequence[ToolDeclaration],
    choice: ToolChoice,
    *,
    may_think: bool,
    state: str = VISIBLE,
    most_tokens: int | None = None,
    most_calls: int = _MOST_CALLS,
    form: object = None,
) -> Constraint | None:
    """What a reply has to be so that its calls are valid ones of known tools.

    ``auto``: any text, and after it calls or none; text after a call is not allowed, for it would be written before
    the result is known. With a ``form`` it is calls at once, or JSON that keeps to it. ``required`` and ``named``:
    calls at once. Text never has the opening of a call in it but where a call follows.

    Everything in a call has an end: whitespace is as the dialect writes it, texts have at most 2,000 characters, lists
    and maps 32 items, numbers 16 digits, replies 8 calls, or less where the schema says so. With ``most_tokens``, a
    call comes to its end within them even where each character costs a token: all texts of a call together have at
    most half as many characters (but 24 each), its lists and maps 6 items, and there is one call for each 512 tokens.
    That is what makes 50 of 50 calls of a model of 135 million parameters parse and validate with 512 tokens.

    Args:
        dialect: how the calls are written.
        tools: what may be called. Of a schema, what no grammar can express is left out; one that no grammar can be
            made of leaves its arguments any object.
        choice: whether a call may or must come, and of which tool.
        may_think: whether a block of hidden thoughts may come before, in which anything may stand.
        state: where the reply starts, as the parser is told it: inside a thought that the prompt has opened.
        most_tokens: how long the reply may be, where that is known.
        most_calls: how many calls it may make.
        form: a JSON schema that a reply without calls has to keep to; None for free text.

    Returns:
        A grammar; None where there is nothing to hold to, without tools or with calls forbidden.

    Raises:
        ConstraintRefused: there is a form, but the model's calls are JSON without a mark that tells them from it.
    """
    tools = [tool for tool in tools if choice.mode != "named" or tool.name == choice.name]
    if not tools or choice.mode == "none":
        return None
    if form is not None and dialect.bare and choice.mode == "auto":
        message = "This model's calls are plain JSON, which cannot be told from a reply that is JSON too."
        raise ConstraintRefused("Tools and a reply format", message, "Ask for one of both, or choose another model.")
    calls = max(1, min(most_calls, (most_tokens or _MOST_CALLS * _TOKENS_FOR_A_CALL) // _TOKENS_FOR_A_CALL))
    grammar = _Grammar(dialect, tools, calls, most_tokens, form)
    rules = grammar.rules(choice, may_think=may_think, state=state)
    return Constraint("lark", "\n".join(rules) + "\n", exact_after=grammar.opening)


def no_call_constraint(dialect: Dialect) -> Constraint:
    """Any text but calls: for a reply that has to be an answer."""
    text = _without((*dialect.openings, *OURS.openings))
    begun = _BARE_CALL if dialect.bare else r"\s*<<"
    return Constraint("lark", f"start: TEXT\nTEXT: {text} & ~{_regex(f'{begun}(?s:.*)')}\n")


class _Grammar:
    """The rules for one set of tools.

    Attributes:
        opening: of a call; empty where the JSON of calls stands alone.
    """

    def __init__(
        self,
        dialect: Dialect,
        tools: Sequence[ToolDeclaration],
        calls: int,
        most_tokens: int | None,
        form: object,
    ) -> None:
        self._dialect = dialect
        self._form = form
        self._tools = tools
        self._calls = calls
        self._most_tokens = most_tokens
        self.opening = "" if dialect.bare else dialect.openings[0]
        self._texts: dict[TextItem, str] = {}

    def rules(self, choice: ToolChoice, *, may_think: bool, state: str) -> Iterator[str]:
        """The lines of the grammar."""
        thought, thinks = self._thought(state, may_think=may_think)
        demanded = choice.mode in {"required", "named"}
        formed = not demanded and self._form is not None
        calls = "form | SPACE? calls" if formed else "SPACE? calls"
        yield f"start: {thinks}{f'({calls})' if demanded or formed else 'reply'}"
        yield from thought
        if demanded or formed:
            yield r"SPACE: /[ \n]{1,4}/"
            yield f"calls: {_literal(self.opening)} calls_after_opening"
            if formed:
                yield f"form: %json {_json_form(self._form)}"
        else:
            yield from self._reply(may_think=may_think)
        yield from self._after_opening()

    def _thought(self, state: str, *, may_think: bool) -> tuple[list[str], str]:
        """The rule of a thought, and what refers to it."""
        if state != VISIBLE:
            closing = next((thought.closing for thought in THOUGHTS if thought.name == state), "")
            return ([f"thought[lazy]: {_regex(f'(?s:.*){re.escape(closing)}')}"], "thought ") if closing else ([], "")
        if not may_think:
            return [], ""
        kinds = "|".join(f"{re.escape(thought.opening)}(?s:.*){re.escape(thought.closing)}" for thought in THOUGHTS)
        return [f"thought[lazy]: {_regex(f'{_SPACES}(?:{kinds})')}"], "thought? "

    def _reply(self, *, may_think: bool) -> Iterator[str]:
        """Text, and calls after it; or either."""
        text = _without((*self._dialect.openings, *OURS.openings))
        if may_think:
            openings = "|".join(re.escape(thought.opening) for thought in THOUGHTS)
            text += f" & ~{_regex(f'{_SPACES}(?:{openings})(?s:.*)')}"
        if self._dialect.bare:
            # The longest lexeme wins: were space a part of the text, no call could follow it.
            yield "reply: SPACE? (TEXT | calls_after_opening)"
            yield r"SPACE: /[ \n]+/"
            yield f"TEXT: {text} & ~{_regex(rf'{_BARE_CALL}(?s:.*)')} & ~{_regex(_SPACE_FIRST)}"
        else:
            yield "reply: TEXT | head calls_after_opening"
            yield f"TEXT: {text}"
            yield f"head[lazy]: TEXT {_literal(self.opening)}"

    def _after_opening(self) -> Iterator[str]:
        """Calls, from behind the first one's opening."""
        dialect = self._dialect
        begin = dialect.begin.removeprefix(self.opening)
        again = _literal(dialect.between + ("" if dialect.begin else self.opening))
        more = f" ({again} call){{0,{self._calls - 1}}}" if self._calls > 1 else ""
        yield f"calls_after_opening: {_literal(begin)} call{more} {_literal(dialect.end)}"
        yield "call: " + " | ".join(f"call_{index}" for index in range(len(self._tools)))
        for index, tool in enumerate(self._tools):
            yield f"call_{index}: {self._call(tool)}"
        for (closing, most), name in ((astuple(text), name) for text, name in self._texts.items()):
            yield f"{name}[lazy]: {_regex(f'(?s:.){{0,{most}}}{re.escape(closing)}')}"

    def _call(self, tool: ToolDeclaration) -> str:
        arguments = self._arguments(tool)
        first, *others = self._dialect.call_items(tool.name, arguments.schema)
        if not self._dialect.begin and isinstance(first, str):
            first = first.removeprefix(self.opening)
        return " ".join(self._written(item, arguments) for item in (first, *others))

    def _arguments(self, tool: ToolDeclaration) -> BoundedSchema:
        if self._most_tokens is None:
            return bounded_arguments(tool.parameters, Bounds())
        tokens = min(self._most_tokens // self._calls, 4 * Bounds().characters)
        texts = text_count(bounded_arguments(tool.parameters, Bounds(items=_FEW_ITEMS)))
        characters = min(Bounds().characters, max(_FEWEST_CHARACTERS, tokens // (2 * max(1, texts))))
        return bounded_arguments(tool.parameters, Bounds(characters, _FEW_ITEMS))

    def _written(self, item: GrammarItem, arguments: BoundedSchema) -> str:
        match item:
            case JsonItem(schema):
                definitions = {"$defs": arguments.definitions} if arguments.definitions else {}
                return f"%json {json.dumps({'x-guidance': _JSON, **schema, **definitions})}"
            case TextItem():
                return self._texts.setdefault(item, f"text_{len(self._texts)}")
            case OptionalItems(items):
                return "(" + " ".join(self._written(inner, arguments) for inner in items) + ")?"
            case str():
                return _literal(item)


def _json_form(form: object) -> str:
    """A schema as a grammar has it, written as where it stands alone; of what cannot be held to nothing is left out."""
    schema = as_written(form)
    style = {name: _JSON[name] for name in ("whitespace_flexible", "item_separator", "key_separator")}
    return json.dumps({"x-guidance": style, **schema} if isinstance(schema, dict) else {"x-guidance": style})


def _without(openings: Sequence[str]) -> str:
    """Any text that has none of these in it, nor what only lacks the end of one."""
    stems = (_OUR_STEM if opening in OURS.openings else opening.rstrip(_CLOSING) for opening in openings)
    some = "|".join(map(re.escape, filter(None, dict.fromkeys(stems))))
    return f"{_ANY} & ~{_regex(f'(?s:.*)(?:{some})(?s:.*)')}" if some else _ANY


def _literal(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _regex(pattern: str) -> str:
    return "/" + pattern.replace("/", r"\/").replace("\\\n", r"\n").replace("\n", r"\n") + "/"
