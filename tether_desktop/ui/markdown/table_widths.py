"""How wide the columns of a table are: words stay whole, and what does not fit is scrolled."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtGui import QFontMetricsF, QTextLength, QTextTable

from tether_desktop.ui.markdown.blocks import Cell, Table

WIDEST_COLUMN = 360.0
PADDING = 18.0
"""Of a cell and its border, both sides together."""
BOLDER = 1.1
"""How much wider the bold letters of the header are."""
LONGEST_MEASURED = 200
"""Characters of a cell that are measured: any more is wider than a column may be."""


def column_widths(table: Table, metrics: QFontMetricsF, room: float) -> tuple[float, ...] | None:
    """The width of each column in so much room; None where the table fits by itself.

    Narrow columns take what they want and the wide ones share the rest, none less than its longest word needs.
    """
    columns = [[_text(row[column]) for row in table.rows] for column in range(len(table.alignments))]
    natural = [_widest(metrics, cells) for cells in columns]
    room -= len(columns) + 1
    if sum(natural) <= room:
        return None
    least = [_widest(metrics, [max(cell.split() or [""], key=len) for cell in cells]) for cells in columns]
    least = [min(width, WIDEST_COLUMN) for width in least]
    widths, rest = [0.0] * len(columns), room
    by_width = sorted(range(len(columns)), key=natural.__getitem__)
    for taken, column in enumerate(by_width):
        fair = rest / (len(columns) - taken)
        widths[column] = max(least[column], min(natural[column], fair))
        rest -= widths[column]
    if sum(widths) <= room:
        return tuple(widths)
    return tuple(max(width, min(wish, WIDEST_COLUMN)) for width, wish in zip(least, natural, strict=True))


def _widest(metrics: QFontMetricsF, cells: Sequence[str]) -> float:
    header, *rest = cells
    return max(BOLDER * metrics.horizontalAdvance(header), *map(metrics.horizontalAdvance, rest), 0.0) + PADDING


def set_widths(grid: QTextTable, widths: Sequence[float] | None) -> None:
    """Give the columns these widths, or let them be as the table sees fit; nothing is done where they are so."""
    looks = grid.format().toTableFormat()
    wanted = [QTextLength(QTextLength.Type.FixedLength, width) for width in widths or ()]
    if looks.columnWidthConstraints() == wanted:
        return
    if wanted:
        looks.setColumnWidthConstraints(wanted)
    else:
        looks.clearColumnWidthConstraints()
    grid.setFormat(looks)


def _text(cell: Cell) -> str:
    return "".join(span.text for span in cell)[:LONGEST_MEASURED]
