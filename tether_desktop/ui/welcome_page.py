"""The first start: no model yet, and one click to add the starter model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.model_status import ModelStatus
from tether_desktop.ui.stylesheet import set_kind
from tether_desktop.ui.themed_button import ThemedButton

if TYPE_CHECKING:
    from tether_desktop.model.install.progress import InstallProgress

STAGES = {
    "downloading": "Downloading",
    "packing": "Packing the weights",
    "compiling": "Compiling for this processor",
    "finishing": "Finishing",
}

COLUMN_WIDTH = 560


def _label(text: str = "", kind: str = "") -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if kind:
        label.setProperty("kind", kind)
    return label


class StarterCard(QFrame):
    """What the starter model is, and how far adding it has come.

    Signals:
        add_requested(): add it, or try again.
        cancel_requested(): stop adding it.
    """

    add_requested = Signal()
    cancel_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "card")
        self.add_button = ThemedButton("Add the starter model", "download", kind="primary", color="on_accent")
        self.cancel_button = ThemedButton("Cancel", "x")
        self.stage_label = _label()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of adding the model")
        self.detail_label = _label(kind="small")
        self.error_frame, self.error_title, self.error_text = self._make_error()
        self._lay_out()
        self.add_button.clicked.connect(self.add_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.show_offer()

    def show_offer(self) -> None:
        """Offer the model."""
        self._show(working=False)
        self.add_button.setText("Add the starter model")
        self.error_frame.hide()

    def show_working(self) -> None:
        """It was asked for, and nothing is known yet."""
        self._show(working=True)
        self.error_frame.hide()
        self.stage_label.setText("Starting…")
        self.detail_label.setText("")
        self.bar.setRange(0, 0)

    def show_progress(self, progress: InstallProgress) -> None:
        """How far it has come."""
        names = list(STAGES)
        step = names.index(progress.stage) + 1
        self.stage_label.setText(f"Step {step} of {len(names)}: {STAGES[progress.stage]}")
        self.detail_label.setText(progress.detail)
        self.bar.setRange(0, 0 if progress.progress is None else 1000)
        self.bar.setValue(round((progress.progress or 0) * 1000))

    def show_error(self, error: TetherError) -> None:
        """It failed; it can be tried again."""
        self._show(working=False)
        self.add_button.setText("Try again")
        self.error_title.setText(error.title)
        self.error_text.setText(f"{error.message}\n{error.hint}".strip())
        self.error_frame.show()

    def _show(self, *, working: bool) -> None:
        for widget in (self.stage_label, self.bar, self.detail_label, self.cancel_button):
            widget.setVisible(working)
        self.add_button.setVisible(not working)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 20, 22, 20)
        layout.setSpacing(10)
        layout.addWidget(_label("SmolLM2 135M Instruct", "heading"))
        layout.addWidget(_label("A download of about 95 MB · licence Apache-2.0 · runs on the processor", "small"))
        layout.addWidget(
            _label(
                "Good for: short questions, rewording and summing up a few paragraphs, trying Tether out. "
                "It answers at once, even without a graphics card."
            )
        )
        layout.addWidget(
            _label(
                "Not good for: facts, arithmetic, long texts and most languages but English. "
                "It is small and often wrong; larger models can be added later.",
                "muted",
            )
        )
        layout.addSpacing(4)
        for widget in (self.error_frame, self.stage_label, self.bar, self.detail_label):
            layout.addWidget(widget)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        layout.addLayout(buttons)

    @staticmethod
    def _make_error() -> tuple[QFrame, QLabel, QLabel]:
        frame = QFrame()
        frame.setProperty("kind", "danger_card")
        title, text = _label(kind="danger"), _label()
        layout = QVBoxLayout(frame)
        layout.setContentsMargins(12, 10, 12, 10)
        layout.setSpacing(4)
        layout.addWidget(title)
        layout.addWidget(text)
        return frame, title, text


class WelcomePage(QScrollArea):
    """A calm page for when there is no model that can be used.

    Signals:
        look_again_requested(): the model folders may have changed.
    """

    look_again_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card = StarterCard()
        self.look_again_button = ThemedButton("Look again", "refresh-cw", kind="ghost")
        self.look_again_button.clicked.connect(self.look_again_requested)
        self.folder_label = _label(kind="small")
        self.folder_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.broken_label = _label(kind="small")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self._make_page())
        self.set_folder("")
        self.show_models([])

    def set_folder(self, folder: str) -> None:
        """Say where models of one's own go."""
        self.folder_label.setText(f"Have a model already? Put its folder into {folder or 'the model folder'}.")

    def show_models(self, models: Sequence[ModelStatus]) -> None:
        """Name the folders that were found and cannot be used, and why."""
        broken = [f"{model.name}: {model.reason} {model.remedy}".strip() for model in models if not model.usable]
        self.broken_label.setText("Found, but not usable:\n" + "\n".join(broken) if broken else "")
        self.broken_label.setVisible(bool(broken))
        set_kind(self.broken_label, "warning" if broken else "small")

    def _make_page(self) -> QWidget:
        own = QHBoxLayout()
        own.addWidget(self.folder_label, 1)
        own.addWidget(self.look_again_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(_label("Welcome to Tether", "display"))
        column.addWidget(
            _label("An assistant on this computer. What you write stays here. It needs a model first.", "muted")
        )
        column.addSpacing(8)
        column.addWidget(self.card)
        column.addLayout(own)
        column.addWidget(self.broken_label)
        column.addStretch(3)
        page = QWidget()
        inside = QWidget(page)
        inside.setMaximumWidth(COLUMN_WIDTH)
        inside.setLayout(column)
        layout = QHBoxLayout(page)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.addStretch(1)
        layout.addWidget(inside, 20)
        layout.addStretch(1)
        return page
