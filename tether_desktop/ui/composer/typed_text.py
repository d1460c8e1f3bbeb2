"""What a person typed, to blocks: nothing is taken away but the marks around code and bold words."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tether_desktop.ui.markdown.block_builder import LONGEST_PLAIN_LINE, code_blocks, plain_blocks
from tether_desktop.ui.markdown.blocks import Block, Line, Span
from tether_desktop.ui.markdown.hidden_text import all_marked
from tether_desktop.ui.markdown.shortened import rest_line
from tether_desktop.ui.markdown.spans import linked
from tether_desktop.ui.number_text import whole
from tether_desktop.ui.translation import translate

MOST_SHOWN = 12_000
"""Characters of a question that are shown; the rest is a click away, since all is laid out at once."""

MOST_LINES = 400
"""And lines."""

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})[ \t]*([^\s`]*)[^`]*$")
# Bold only between blanks and punctuation: 2**8 and x**2 stay what they are.
_MARKED = re.compile(r"(?<![\w`])`([^`\n]+)`(?![\w`])|(?<!\S)\*\*(\S(?:[^*\n]*\S)?)\*\*(?=[\s.,;:!?)]|$)")


def typed_blocks(text: str) -> list[Block]:
    """The blocks of a question, its line breaks and indents kept; of a very long one, those of its beginning."""
    shown = beginning(text)
    blocks = _blocks(shown)
    if len(shown) < len(text):
        words = translate("Markdown", "… {count} more characters are not shown here. Show all of it")
        blocks.append(rest_line(words.format(count=whole(len(text) - len(shown))), text))
    return blocks


def beginning(text: str) -> str:
    """As much of a text as is shown of a question."""
    lines = text[:MOST_SHOWN].split("\n", MOST_LINES)
    return "\n".join(lines[:MOST_LINES])


def _blocks(text: str) -> list[Block]:
    blocks: list[Block] = []
    lines = iter(text.split("\n"))
    for line in lines:
        fence = _FENCE.match(line)
        if fence:
            blocks += code_blocks("\n".join(_fenced(lines, fence.group(1))), fence.group(2))
        else:
            blocks += _paragraph(line, first=not blocks)
    return blocks


def _fenced(lines: Iterator[str], fence: str) -> Iterator[str]:
    """The lines up to the closing fence, or all when there is none."""
    for line in lines:
        closing = line.strip()
        if len(closing) >= len(fence) and not closing.strip(fence[0]):
            return
        yield line


def _paragraph(line: str, *, first: bool) -> list[Block]:
    if len(line) > LONGEST_PLAIN_LINE:
        return list(plain_blocks(line))
    return [Line("paragraph", all_marked(_spans(line)), tight=not first)]


def _spans(line: str) -> Iterator[Span]:
    end = 0
    for found in _MARKED.finditer(line):
        yield from _plain(line[end : found.start()])
        code, bold = found.groups()
        yield Span(code, code=True) if code else Span(bold, bold=True)
        end = found.end()
    yield from _plain(line[end:])


def _plain(text: str) -> Iterator[Span]:
    return (span for span in linked(Span(text)) if span.text)
