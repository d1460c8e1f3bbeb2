"""The cells of a table as text for other programs."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence

from tether_desktop.ui.markdown.blocks import LINE_BREAK, Block, Line, Table

Rows = list[list[str]]

_BORDER = re.compile(r"(?<!\\)\|")
_LINE_BEGINS = re.compile(r"^[ \t>]*\|?")


def table_rows(blocks: Sequence[Block], index: int) -> Rows:
    """All cells of the table of this index, the header first; also those that are not shown."""
    table, after = blocks[index], blocks[index + 1] if index + 1 < len(blocks) else None
    if isinstance(after, Line) and after.whole and after.whole.lstrip(" \t>").startswith("|"):
        header, _, *lines = after.whole.split("\n")
        return [_written_cells(line) for line in (header, *lines)]
    rows = table.rows if isinstance(table, Table) else ()
    return [["".join(span.original for span in cell).replace(LINE_BREAK, "\n") for cell in row] for row in rows]


def as_csv(rows: Rows) -> str:
    """Values between commas, in quotes where they need them."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def as_tabs(rows: Rows) -> str:
    """Values between tabs, as spreadsheets paste them; each row is one line."""
    return "\n".join("\t".join(" ".join(cell.split()) for cell in row) for row in rows)


def _written_cells(line: str) -> list[str]:
    """The cells of a line of Markdown as they were written: a table that is too long to be shown is never parsed."""
    inner = _LINE_BEGINS.sub("", line).rstrip()
    inner = inner[:-1] if inner.endswith("|") and not inner.endswith("\\|") else inner
    return [cell.strip().replace("\\|", "|") for cell in _BORDER.split(inner)]
