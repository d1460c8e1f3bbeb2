"""What a terminal shows of what was written to it: as much of one as the command line uses."""

from __future__ import annotations

import re

_PIECE = re.compile(r"\x1b\[(\??[\d;]*)([A-Za-z])|([\r\n])|([^\x1b\r\n]+)")


def shown_on(written: str, height: int) -> list[str]:
    """All lines, those that have scrolled away included, without colours and without blanks at their ends.

    Args:
        written: text, line ends, colours, and the sequences that move up and erase a line.
        height: lines that the cursor can still go back to.
    """
    lines, row, column = [""], 0, 0
    for piece in _PIECE.finditer(written):
        count, action, end, text = piece.groups()
        if text:
            lines[row] = lines[row][:column].ljust(column) + text + lines[row][column + len(text) :]
            column += len(text)
        elif end == "\r":
            column = 0
        elif end == "\n":
            row, column = row + 1, 0
            lines += [""] * (row + 1 - len(lines))
        elif action == "A":
            row = max(row - int(count or 1), len(lines) - height, 0)
        elif action == "K":
            lines[row] = ""
    return [line.rstrip() for line in lines]
