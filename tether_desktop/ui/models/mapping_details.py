"""What became of a model's weights, matrix by matrix, for whoever wants to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.model.install.compile_job import MappedMatrix

_HEADINGS = (
    mark("MappingDetails", "Weights"),
    mark("MappingDetails", "In the source"),
    mark("MappingDetails", "Here"),
    mark("MappingDetails", "Difference"),
)
_MATRICES = {
    "embed": mark("MappingDetails", "embedding"),
    "qkv": mark("MappingDetails", "query, key, value"),
    "o": mark("MappingDetails", "attention output"),
    "gate_up": mark("MappingDetails", "gate, up"),
    "down": mark("MappingDetails", "down"),
    "lm_head": mark("MappingDetails", "head"),
}
_MOST_HEIGHT = 210


def summary(mappings: Sequence[MappedMatrix]) -> str:
    """What became of all of them, in a sentence."""
    if not mappings:
        return translate("MappingDetails", "Its weights were packed before and are as they were.")
    worst = max((mapped.relative_rms for mapped in mappings if not mapped.exact), default=None)
    if worst is None:
        return translate("MappingDetails", "All weights were taken over exactly.")
    words = translate("MappingDetails", "Weights differ from those of the source by at most {error} (relative RMS).")
    return words.format(error=_percent(worst))


def difference(mapped: MappedMatrix) -> str:
    """Exact, or the error in percent."""
    return translate("MappingDetails", "exact") if mapped.exact else _percent(mapped.relative_rms)


class MappingDetails(QWidget):
    """A line that says it in a sentence, and a button that opens the table."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.summary_label = plain_label("muted")
        self.button = ThemedButton(self.tr("Details"), "chevron-right", kind="disclosure")
        self.button.setCheckable(True)
        self.button.setAutoDefault(False)
        self.table = QScrollArea()
        self.table.setWidgetResizable(True)
        self.table.setObjectName("weights_table")
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.setAccessibleName(self.tr("What became of the weights"))
        self.table.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.SMALL)
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
    rows = [
        (
            translate("MappingDetails", _MATRICES.get(mapped.matrix, mapped.matrix)),
            ", ".join(mapped.encodings),
            mapped.tile_format,
            difference(mapped),
        )
        for mapped in mappings
    ]
    table = QFrame()
    table.setProperty("kind", "well")
    grid = QGridLayout(table)
    grid.setContentsMargins(spacing.LARGE, spacing.MEDIUM, spacing.LARGE, spacing.MEDIUM)
    grid.setHorizontalSpacing(spacing.WIDE)
    grid.setVerticalSpacing(spacing.NEAR)
    for row, cells in enumerate([tuple(translate("MappingDetails", each) for each in _HEADINGS), *rows]):
        for column, text in enumerate(cells):
            label = plain_label("" if row else "small", text)
            label.setWordWrap(False)
            grid.addWidget(label, row, column)
    for column in range(len(_HEADINGS)):
        grid.setColumnStretch(column, 1)
    return table


def _percent(error: float) -> str:
    return f"{error:.2%}".replace("%", " %")
