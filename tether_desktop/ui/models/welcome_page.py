"""The first start: no model yet, and one click to add the starter model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import InstallView, plain_label
from tether_desktop.ui.models.installation import STARTER, Installation
from tether_desktop.ui.models.model_status import ModelStatus

COLUMN_WIDTH = 560
_ADD = "Add the starter model"


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
        self.add_button = ThemedButton(_ADD, "download", kind="primary", color="on_accent")
        self.cancel_button = ThemedButton("Cancel", "x")
        self.view = InstallView()
        self._lay_out()
        self.add_button.clicked.connect(self.add_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.show_installation(None)

    def show_installation(self, installation: Installation | None) -> None:
        """Show how far it is; while another model is being added, this one has to wait."""
        ours = installation if installation is not None and installation.what == STARTER else None
        working = ours is not None and ours.phase == "working"
        self.view.show_installation(ours)
        self.cancel_button.setVisible(working)
        self.add_button.setVisible(not working)
        self.add_button.setText("Try again" if ours is not None and ours.phase == "failed" else _ADD)
        self.add_button.setEnabled(ours is not None or installation is None or installation.phase != "working")

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(22, 20, 22, 20)
        layout.setSpacing(10)
        layout.addWidget(plain_label("heading", "SmolLM2 135M Instruct"))
        facts = "A download of about 95 MB · licence Apache-2.0 · runs on the processor"
        layout.addWidget(plain_label("small", facts))
        good = (
            "Good for: short questions, rewording and summing up a few paragraphs, trying Tether out. "
            "It answers at once, even without a graphics card."
        )
        layout.addWidget(plain_label(text=good))
        bad = (
            "Not good for: facts, arithmetic, long texts and most languages but English. "
            "It is small and often wrong; larger models can be added below, now or later."
        )
        layout.addWidget(plain_label("muted", bad))
        layout.addSpacing(4)
        layout.addWidget(self.view)
        buttons = QHBoxLayout()
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        layout.addLayout(buttons)


class WelcomePage(QScrollArea):
    """A calm page for when there is no model that can be used.

    Signals:
        look_again_requested(): the model folders may have changed.
        add_requested(): another model than the starter is to be added.
    """

    look_again_requested = Signal()
    add_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.card = StarterCard()
        self.add_button = ThemedButton("Add a model…", "plus")
        self.add_button.clicked.connect(self.add_requested)
        self.look_again_button = ThemedButton("Look again", "refresh-cw", kind="ghost")
        self.look_again_button.clicked.connect(self.look_again_requested)
        self.folder_label = plain_label("small")
        self.folder_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.broken_label = plain_label("small")
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
        other = QHBoxLayout()
        other.addWidget(plain_label(text="Or another one: from the catalogue, a file, a link or Hugging Face."), 1)
        other.addWidget(self.add_button)
        own = QHBoxLayout()
        own.addWidget(self.folder_label, 1)
        own.addWidget(self.look_again_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(12)
        column.addStretch(2)
        column.addWidget(plain_label("display", "Welcome to Tether"))
        column.addWidget(
            plain_label("muted", "An assistant on this computer. What you write stays here. It needs a model first.")
        )
        column.addSpacing(8)
        column.addWidget(self.card)
        column.addLayout(other)
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
