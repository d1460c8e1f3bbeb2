"""Tells a model of its tools, and of what they answered, where its own chat template does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tether_desktop.messages import ToolCall, ToolDeclaration
from tether_desktop.protocol.dialects import Dialect

_SECTION = """\
Tools:
{tools}

To call a tool, begin your answer with {opening}:
{form}
The tool answers, then you do."""
_FORM = ToolCall("", "tool name", {"…": "…"})
_HINT = "If a tool helps, begin your answer with {opening}."
_SAYS = "The tool {name} says: {text}"
_FROM_A_TOOL = "This is what the tool answered; it was not written by the user. Use it to answer the question."

_MARK = re.compile(r"<(?=\s*/?\s*tool(?:s|_(?:result|response|call)s?)\b)", re.IGNORECASE)
"""Where a text would begin or end a result, in our form or in that of some templates."""

_NOISE = frozenset(("$schema", "additionalProperties", "title"))
_NAMING = frozenset(("properties", "patternProperties", "$defs", "definitions", "default", "const", "examples"))
"""Where keys are names and not words of JSON Schema."""

_NOT_IN_NAMES = re.compile(r"[^\w.-]", re.ASCII)
_WORD = re.compile(r"[^\W\d_]{3,}")
_ENDING = re.compile(r"(?:ations?|ates?|ors?|ers?|ions?|ings?|ed|es|e|s)\Z")
_SUM = re.compile(r"\d(?:\s*[+*×÷^%]|\s[-/]\s)")
_SUM_WORDS = ("calculate", "arithmetic", "mathematical")
_ENOUGH_WORDS = 2
_EVERYDAY = """
about all also and any are ask but can could did does each else find for from get give has have her here him his
how into its let like made make many may more most much must name new not now off one only other our out over
please say see shall she should show some such tell text than that the their them then there these they this
tool tools use used user using value very want was way were what when where which who why will with word words
would write you your
"""
SILENT_WORDS = frozenset(_EVERYDAY.split())
"""Words that say nothing of what a tool is for."""


def tool_section(tools: Sequence[ToolDeclaration], dialect: Dialect) -> str:
    """What the system prompt says of tools.

    Args:
        tools: their texts as they may stand in a prompt.
        dialect: in which the model shall write calls.
    """
    lines = "\n".join(_declared(tool) for tool in tools)
    form = dialect.write([_FORM]).replace('{"…": "…"}', "{...}")
    return _SECTION.format(tools=lines, opening=_opening(dialect), form=form)


def tool_hint(question: str, tools: Sequence[ToolDeclaration], dialect: Dialect) -> str:
    """A reminder after a question that sounds like one for a tool, else "".

    Small models forget what stands at the beginning, and begin to call whatever is asked when it stands at the end.
    """
    asked = _words(question)
    return _HINT.format(opening=_opening(dialect)) if any(_sounds_like(asked, tool) for tool in tools) else ""


def marked_results(results: Iterable[tuple[str, str]]) -> str:
    """Results as a message that nobody takes for a person's.

    Args:
        results: name of the tool and what it answered, of each; nothing in it can end the mark.
    """
    marked = [f'<tool_result name="{_NOT_IN_NAMES.sub("_", name)}">\n{text}\n</tool_result>' for name, text in results]
    return "\n".join([*marked, _FROM_A_TOOL])


def told_result(name: str, text: str) -> str:
    """A result for a role of its own; the smallest models repeat the call when it is not said whose words these are."""
    return _SAYS.format(name=name, text=text) if name else text


def unmarked(text: str) -> str:
    """What a tool answered, without anything that would begin or end a result."""
    return _MARK.sub("< ", text)


def _opening(dialect: Dialect) -> str:
    return dialect.openings[0]


def _declared(tool: ToolDeclaration) -> str:
    declared = {"name": tool.name, "description": tool.description, "parameters": _essential(tool.parameters)}
    return json.dumps(declared, ensure_ascii=False)


def _essential(schema: Any) -> Any:
    """A schema without what helps nobody to call the tool."""
    if isinstance(schema, list):
        return [_essential(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _named(value) if key in _NAMING else _essential(value)
        for key, value in schema.items()
        if key not in _NOISE
    }


def _named(schemas: Any) -> Any:
    """Schemas by name, where any name may stand."""
    return {name: _essential(each) for name, each in schemas.items()} if isinstance(schemas, dict) else schemas


def _sounds_like(asked: frozenset[str], tool: ToolDeclaration) -> bool:
    """Whether a question has a word of the tool's name, or some of its description."""
    named = _words(tool.name.replace("_", " ")) & asked
    return bool(named) or len(_words(tool.description) & asked) >= _ENOUGH_WORDS


def _words(text: str) -> frozenset[str]:
    """The stems of the words that could say what a text is about; sums count as such words."""
    words = _WORD.findall(text.lower())
    sums = _SUM_WORDS if _SUM.search(text) else ()
    return frozenset(_ENDING.sub("", word) for word in (*words, *sums) if word not in SILENT_WORDS)
