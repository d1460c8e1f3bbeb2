"""What became of a model's weights, matrix by matrix, for whoever wants to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label

if TYPE_CHECKING:
    from tether_desktop.model.install.compile_job import MappedMatrix

_HEADINGS = ("Weights", "In the source", "Here", "Difference")
_MOST_HEIGHT = 210


def summary(mappings: Sequence[MappedMatrix]) -> str:
    """What became of all of them, in a sentence."""
    if not mappings:
        return "Its weights were packed before and are as they were."
    worst = max((mapped.relative_rms for mapped in mappings if not mapped.exact), default=None)
    if worst is None:
        return "All weights were taken over exactly."
    return f"Weights differ from those of the source by at most {_percent(worst)} (relative RMS)."


def difference(mapped: MappedMatrix) -> str:
    """Exact, or the error in percent."""
    return "exact" if mapped.exact else _percent(mapped.relative_rms)


class MappingDetails(QWidget):
    """A line that says it in a sentence, and a button that opens the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary_label = plain_label("muted")
        self.button = ThemedButton("Details", "chevron-right", kind="disclosure")
        self.button.setCheckable(True)
        self.button.setAutoDefault(False)
        self.table = QScrollArea()
        self.table.setWidgetResizable(True)
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.setAccessibleName("What became of the weights")
        self.table.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self.summary_label)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.table)
        self.button.toggled.connect(self._on_toggled)

    def show_mappings(self, mappings: Sequence[MappedMatrix]) -> None:
        """Show these, closed at first."""
        self.summary_label.setText(summary(mappings))
        self.button.setChecked(False)
        self.button.setVisible(bool(mappings))
        table = _make_table(mappings)
        self.table.setWidget(table)
        self.table.setFixedHeight(min(table.sizeHint().height(), _MOST_HEIGHT))

    @Slot(bool)
    def _on_toggled(self, opened: bool) -> None:
        self.button.set_icon("chevron-down" if opened else "chevron-right", "muted")
        self.table.setVisible(opened)


def _make_table(mappings: Sequence[MappedMatrix]) -> QWidget:
    # Imported here: whoever shows a table has installed a model, and the module is loaded.
    from tether_desktop.model.install.compile_job import MATRIX_TITLES

    rows = [
        (
            MATRIX_TITLES.get(mapped.matrix, mapped.matrix),
            ", ".join(mapped.encodings),
            mapped.tile_format,
            difference(mapped),
        )
        for mapped in mappings
    ]
    table = QFrame()
    table.setProperty("kind", "well")
    grid = QGridLayout(table)
    grid.setContentsMargins(14, 10, 14, 10)
    grid.setHorizontalSpacing(20)
    grid.setVerticalSpacing(6)
    for row, cells in enumerate([_HEADINGS, *rows]):
        for column, text in enumerate(cells):
            label = plain_label("" if row else "small", text)
            label.setWordWrap(False)
            grid.addWidget(label, row, column)
    for column in range(len(_HEADINGS)):
        grid.setColumnStretch(column, 1)
    return table


def _percent(error: float) -> str:
    return f"{error:.2%}".replace("%", " %")
