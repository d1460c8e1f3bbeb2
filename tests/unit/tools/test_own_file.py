"""A file with a person's own tools: which tools it has, or what is wrong with it and where."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tether_desktop.tools.own_file import BrokenFile, declared, load

ROOT = Path(__file__).parents[3]
HEADER = "from tether_desktop.tools.declaration import tool\n"


@pytest.fixture(autouse=True)
def nothing_stays_loaded() -> Iterator[None]:
    """A file is loaded in a process of its own otherwise."""
    yield
    sys.modules.pop("own_tools_mine", None)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("", "It declares no tool: put @tool above a function."),
        ("x = 1\ndef (", "Line 2: SyntaxError: invalid syntax."),
        ("import sys\nsys.exit()", "Line 2: SystemExit"),
        ("def f():\n  1 / 0\n\nf()", "Line 2: ZeroDivisionError: division by zero"),
        (HEADER + "@tool\ndef f(x):\n  'F.'", "Line 2: TypeError: f: the parameter 'x' has no type hint."),
        (HEADER + "@tool\ndef f():\n  'F.'\ng = tool(name='f')(f.function)", "Two tools in it are called f."),
        ("from tether_desktop.tools.builtin.calculator import calculate", "It declares no tool"),
        ("\0", "null bytes"),
        ("# -*- coding: nonsense -*-", "unknown encoding: nonsense"),
        ("x = " + "(" * 500, "too many nested parentheses"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_and_where(source: str, problem: str) -> None:
    with pytest.raises(BrokenFile) as broken:
        load("mine.py", source.encode())
    assert problem in str(broken.value)


def test_a_tool_asks_whatever_it_says_itself() -> None:
    [tool] = load("mine.py", (HEADER + "@tool(permission='always')\ndef f():\n  'F.'").encode())
    assert tool.permission == "ask"


def test_hints_are_looked_up_in_the_file() -> None:
    source = (
        "from __future__ import annotations\nimport datetime\nfrom dataclasses import dataclass\n"
        + HEADER
        + "@dataclass\nclass Trip:\n  day: datetime.date\n@tool\ndef f(trip: Trip) -> str:\n  'F.'\n"
    )
    [tool] = load("mine.py", source.encode())
    trip = declared(tool)["parameters"]["properties"]["trip"]
    assert trip["properties"] == {"day": {"type": "string", "format": "date"}}


EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "tools.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
async def test_the_examples_of_the_guide_are_tools(example: str, tmp_path: Path) -> None:
    [tool] = load("mine.py", example.encode())
    (tmp_path / "a.txt").write_text("two words")
    arguments = {"days_until": {"day": "2000-01-01"}, "word_count": {"folder": str(tmp_path)}}[tool.declaration.name]
    output = await tool.run(arguments, lambda *_: None)
    assert output.text.endswith(" days") or output.text == '{"a.txt":2}'
