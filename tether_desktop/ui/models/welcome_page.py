"""The first start: no model yet, and one click to add the starter model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.errors import NoConnection
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import InstallView, plain_label
from tether_desktop.ui.models.installation import Installation
from tether_desktop.ui.models.model_status import ModelStatus

COLUMN_WIDTH = 560


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
        self.add_button = ThemedButton(self.tr("Add the starter model"), "download", kind="primary", color="on_accent")
        self.cancel_button = ThemedButton(self.tr("Cancel"), "x")
        self.view = InstallView()
        self._lay_out()
        self.add_button.clicked.connect(self.add_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.show_installation(None)

    def show_installation(self, ours: Installation | None, *, busy: bool = False) -> None:
        """Show how far it is; while another model is being added (``busy``), this one has to wait."""
        working = ours is not None and ours.phase in {"working", "queued"}
        failed = ours is not None and ours.phase == "failed"
        self.view.show_installation(ours)
        if ours is not None and isinstance(ours.error, NoConnection):
            self.view.show_offline(ours.error)
        self.cancel_button.setVisible(working)
        self.add_button.setVisible(not working)
        self.add_button.setText(self.tr("Try again") if failed else self.tr("Add the starter model"))
        self.add_button.setAccessibleName(self.add_button.text())
        self.add_button.setEnabled(ours is not None or not busy)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.BROAD, spacing.WIDE, spacing.BROAD, spacing.WIDE)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(plain_label("heading", "SmolLM2 135M Instruct"))
        facts = self.tr("A download of about 95 MB · licence Apache-2.0 · runs on the processor")
        layout.addWidget(plain_label("small", facts))
        good = self.tr(
            "Good for: short questions, rewording and summing up a few paragraphs, trying Tether out. "
            "It answers at once, even without a graphics card."
        )
        layout.addWidget(plain_label(text=good))
        bad = self.tr(
            "Not good for: facts, arithmetic, long texts and most languages but English. "
            "It is small and often wrong; larger models can be added below, now or later."
        )
        layout.addWidget(plain_label("muted", bad))
        layout.addSpacing(spacing.TIGHT)
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
        self.add_button = ThemedButton(self.tr("Add a model…"), "plus")
        self.add_button.clicked.connect(self.add_requested)
        self.look_again_button = ThemedButton(self.tr("Look again"), "refresh-cw", kind="ghost")
        self.look_again_button.clicked.connect(self.look_again_requested)
        self.folder_label = plain_label("small")
        self.folder_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.broken_label = plain_label("small")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(self.tr("Welcome"))
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(self._make_page())
        self.set_folder("")
        self.show_models([])

    def set_folder(self, folder: str) -> None:
        """Say where models of one's own go."""
        words = self.tr("Have a model already? Put its folder into {folder}.")
        self.folder_label.setText(words.format(folder=folder or self.tr("the model folder")))

    def show_models(self, models: Sequence[ModelStatus]) -> None:
        """Name the folders that were found and cannot be used, and why."""
        broken = [f"{model.name}: {model.reason} {model.remedy}".strip() for model in models if not model.usable]
        self.broken_label.setText("\n".join((self.tr("Found, but not usable:"), *broken)) if broken else "")
        self.broken_label.setVisible(bool(broken))
        set_kind(self.broken_label, "warning" if broken else "small")

    def _make_page(self) -> QWidget:
        other = QHBoxLayout()
        other.addWidget(
            plain_label(text=self.tr("Or another one: from the catalogue, a file, a link or Hugging Face.")), 1
        )
        other.addWidget(self.add_button)
        own = QHBoxLayout()
        own.addWidget(self.folder_label, 1)
        own.addWidget(self.look_again_button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(spacing.MEDIUM)
        column.addStretch(2)
        column.addWidget(plain_label("display", self.tr("Welcome to Tether")))
        column.addWidget(
            plain_label(
                "muted",
                self.tr("An assistant on this computer. What you write stays here. It needs a model first."),
            )
        )
        column.addSpacing(spacing.SMALL)
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
        layout.setContentsMargins(spacing.BROAD, spacing.BROAD, spacing.BROAD, spacing.BROAD)
        layout.addStretch(1)
        layout.addWidget(inside, 20)
        layout.addStretch(1)
        return page
