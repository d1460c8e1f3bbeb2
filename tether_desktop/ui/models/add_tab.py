"""Where a model to add is chosen: the form, on a page that scrolls."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.models.model_source_form import ModelSourceForm


class AddTab(QScrollArea):
    """The form.

    Attributes:
        form: asks what to add.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.form = ModelSourceForm()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(spacing.BROAD, spacing.LARGE, spacing.BROAD, spacing.WIDE)
        layout.addWidget(self.form)
        self.setWidget(inside)
