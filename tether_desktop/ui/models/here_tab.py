"""What is on this computer: models that are being added, and all that are there."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QFrame, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.keyed_rows import KeyedRows
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_row import InstallRow
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.installation import Installation
from tether_desktop.ui.models.model_card import ModelCard
from tether_desktop.ui.models.model_care import Care
from tether_desktop.ui.models.model_status import ModelStatus

MANY = 8
"""More models than these are searched."""

_GAP = 12


class HereTab(QScrollArea):
    """Rows that stay the same widgets while what they show changes.

    Signals:
        add_requested(): there is no model, and one is wanted.
    """

    add_requested = Signal()

    def __init__(
        self,
        wire_card: Callable[[ModelCard], None],
        wire_row: Callable[[InstallRow], None],
        parent: QWidget | None = None,
    ) -> None:
        """``wire_card`` and ``wire_row`` connect what is made."""
        super().__init__(parent)
        self._wire_card, self._wire_row = wire_card, wire_row
        self._models: Sequence[ModelStatus] = ()
        self._default, self._idle_minutes = "", 0
        self._origins: Mapping[str, str] = {}
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search models"))
        self.search.setAccessibleName(self.tr("Search models"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._on_search)
        self.installs: KeyedRows[InstallRow] = KeyedRows(self._make_row, _GAP)
        self.cards: KeyedRows[ModelCard] = KeyedRows(self._make_card, _GAP)
        self.empty = EmptyHere()
        self.empty.add_button.clicked.connect(self.add_requested)
        self.nothing_found = plain_label("muted", self.tr("No model is called that."))
        self._lay_out()

    def show_installations(self, installations: Sequence[Installation]) -> None:
        """Show what is being added."""
        self.installs.show([each.key for each in installations])
        for each in installations:
            self.installs.rows[each.key].show_installation(each)
        self._refresh()

    def show_models(
        self, models: Sequence[ModelStatus], *, default: str, idle_minutes: int, origins: Mapping[str, str]
    ) -> None:
        """Show all models.

        Args:
            models: usable or not.
            default: the one that new chats use; empty for none in particular.
            idle_minutes: after which one that nobody uses is unloaded.
            origins: what they were made of, where that is known.
        """
        self._models, self._default, self._idle_minutes, self._origins = models, default, idle_minutes, origins
        self._refresh()

    def show_care(self, name: str, care: Care) -> None:
        """Show what is done with a model."""
        card = self.cards.rows.get(name)
        if card is not None:
            card.show_care(care)

    def _refresh(self) -> None:
        wanted = self.search.text().strip().casefold()
        shown = [each for each in self._models if wanted in f"{each.label} {each.name}".casefold()]
        self.cards.show([each.name for each in shown])
        for each in shown:
            self.cards.rows[each.name].show_status(
                each,
                is_default=each.name == self._default,
                idle_minutes=self._idle_minutes,
                again=each.broken and each.name in self._origins,
            )
        self.search.setVisible(len(self._models) > MANY)
        self.nothing_found.setVisible(bool(self._models) and not shown)
        self.empty.setVisible(not self._models and not self.installs.rows)

    def _make_card(self, name: Hashable) -> ModelCard:
        card = ModelCard(str(name))
        self._wire_card(card)
        return card

    def _make_row(self, key: Hashable) -> InstallRow:
        assert isinstance(key, tuple)  # noqa: S101  (narrows)
        row = InstallRow(key)
        self._wire_row(row)
        return row

    def _lay_out(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        inside = QWidget()
        layout = QVBoxLayout(inside)
        layout.setContentsMargins(spacing.BROAD, spacing.LARGE, spacing.BROAD, spacing.BROAD)
        layout.setSpacing(_GAP)
        layout.addWidget(self.search)
        layout.addLayout(self.installs.layout)
        layout.addLayout(self.cards.layout)
        layout.addWidget(self.nothing_found)
        layout.addWidget(self.empty)
        layout.addStretch(1)
        self.setWidget(inside)

    @Slot()
    def _on_search(self) -> None:
        self._refresh()


class EmptyHere(QWidget):
    """What is said when there is no model at all."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.add_button = ThemedButton(self.tr("Add a model"), "plus", kind="primary", color="on_accent")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, spacing.VAST, 0, 0)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(plain_label("title", self.tr("No models yet")))
        layout.addWidget(
            plain_label("muted", self.tr("Choose one from the catalogue, or take a file that you have already."))
        )
        layout.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignLeft)
