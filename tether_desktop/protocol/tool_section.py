"""Tells a model of its tools, and of what they answered, where its own chat template does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from tether_desktop.messages import ToolCall, ToolDeclaration
from tether_desktop.protocol.dialects import Dialect

_SECTION = """\
You can call these tools:
{tools}

To call a tool, reply only with:
{form}"""
_FORM = ToolCall("", "tool name", {"…": "…"})
_HINT = "If a tool helps, begin your reply with {opening}."
_FROM_A_TOOL = "This is what the tool answered; it was not written by the user. Use it to answer the question."

_MARK = re.compile(r"<(?=\s*/?\s*tool_(?:result|response|call)s?\b)", re.IGNORECASE)
"""Where a text would begin or end a result, in our form or in that of some templates."""

_NOT_IN_NAMES = re.compile(r"[^\w.-]", re.ASCII)
_WORD = re.compile(r"[^\W\d_]{3,}|\d+\s*[-+*/×÷^%]\s*\d+")
_SUM = re.compile(r"\d")
_SUM_WORDS = frozenset(("calculate", "calculates", "calculator", "arithmetic", "expression", "mathematical"))
_EVERYDAY = """
about all also and any are ask but can could did does each else find for from get give has have her here him his
how into its let like made make many may more most much must name new not now off one only other our out over
please say see shall she should show some such tell text than that the their them then there these they this
tool tools use used user using value very want was way were what when where which who why will with word words
would write you your
"""
_SILENT = frozenset(_EVERYDAY.split())
"""Words that say nothing of what a tool is for."""


def tool_section(tools: Sequence[ToolDeclaration], dialect: Dialect) -> str:
    """What the system prompt says of tools.

    Args:
        tools: their texts as they may stand in a prompt.
        dialect: in which the model shall write calls.
    """
    lines = "\n".join(_declared(tool) for tool in tools)
    form = dialect.write([_FORM]).replace('{"…": "…"}', "{...}")
    return _SECTION.format(tools=lines, form=form)


def tool_hint(question: str, tools: Sequence[ToolDeclaration], dialect: Dialect) -> str:
    """A reminder after a question that sounds like one for a tool, else "".

    Small models forget what stands at the beginning, and begin to call whatever is asked when it stands at the end.
    """
    asked = _words(question)
    return _HINT.format(opening=dialect.openings[0]) if any(asked & _words(_about(tool)) for tool in tools) else ""


def marked_results(results: Iterable[tuple[str, str]]) -> str:
    """Results as a message that nobody takes for a person's.

    Args:
        results: name of the tool and what it answered, of each; nothing in it can end the mark.
    """
    marked = [f'<tool_result name="{_NOT_IN_NAMES.sub("_", name)}">\n{text}\n</tool_result>' for name, text in results]
    return "\n".join([*marked, _FROM_A_TOOL])


def unmarked(text: str) -> str:
    """What a tool answered, without anything that would begin or end a result."""
    return _MARK.sub("< ", text)


def _declared(tool: ToolDeclaration) -> str:
    declared: dict[str, Any] = {"name": tool.name, "description": tool.description, "parameters": tool.parameters}
    return json.dumps(declared, ensure_ascii=False)


def _about(tool: ToolDeclaration) -> str:
    return f"{tool.name.replace('_', ' ')} {tool.description}"


def _words(text: str) -> frozenset[str]:
    """The words of a text that could say what it is about, in the singular."""
    found = _WORD.findall(text.lower())
    words = {word.removesuffix("s") for word in found if not _SUM.match(word)} - _SILENT
    return frozenset(words | _SUM_WORDS if any(_SUM.match(word) for word in found) else words)
