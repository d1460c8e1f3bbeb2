"""The catalogue of models that can be added by name: a list with size, licence, purpose and fit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QListView, QWidget

from tether_desktop.ui.models.fit_pill import fit_title
from tether_desktop.ui.models.offer_delegate import OFFER_ROLE, OfferDelegate, facts_text, purpose_text

if TYPE_CHECKING:
    from tether_desktop.model.install.offers import Offer
    from tether_desktop.ui.models.model_fits import RatedOffer

Index = QModelIndex | QPersistentModelIndex


class OfferItemModel(QAbstractListModel):
    """The offers as rows."""

    def __init__(self, offers: Sequence[RatedOffer] = ()) -> None:
        super().__init__()
        self.offers = list(offers)

    def rowCount(self, _parent: Index | None = None) -> int:  # noqa: N802  (Qt's name)
        """How many there are."""
        return len(self.offers)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """The name, what a screen reader says, or the offer itself."""
        if not index.isValid():
            return None
        rated = self.offers[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return rated.offer.title
            case Qt.ItemDataRole.AccessibleTextRole:
                return description(rated)
            case Qt.ItemDataRole.ToolTipRole:
                return purpose_text(rated.offer)
            case _:
                return rated if role == OFFER_ROLE else None


class OfferList(QListView):
    """The list; one can be chosen, or none.

    Signals:
        chosen(): another one is chosen, or none.
        add_requested(): one was clicked twice.
    """

    chosen = Signal()
    add_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("offers")
        self.setAccessibleName(self.tr("Models to choose from"))
        self.setItemDelegate(OfferDelegate(self))
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QListView.EditTrigger.NoEditTriggers)
        self._shown = OfferItemModel()
        self.show_offers(())
        self.doubleClicked.connect(self._on_double_clicked)

    def show_offers(self, offers: Sequence[RatedOffer]) -> None:
        """Show these; the one that is chosen stays it."""
        chosen = self.offer.id if self.model() is not None and self.offer else ""
        self._shown = OfferItemModel(offers)
        self.setModel(self._shown)
        rows = [row for row, offer in enumerate(self.offers) if offer.id == chosen]
        if rows:
            self.setCurrentIndex(self._shown.index(rows[0]))
        self.selectionModel().selectionChanged.connect(self.chosen)

    @property
    def offers(self) -> list[Offer]:
        """What is shown."""
        return [rated.offer for rated in self._shown.offers]

    @property
    def offer(self) -> Offer | None:
        """The one that is chosen."""
        rows = self.selectionModel().selectedIndexes()
        return self._shown.offers[rows[0].row()].offer if rows else None

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """The first arrow down chooses the first, where Qt would go on to the second."""
        if self.offer is None and event.key() == Qt.Key.Key_Down:
            self.setCurrentIndex(self._shown.index(max(self.currentIndex().row(), 0)))
        else:
            super().keyPressEvent(event)

    @Slot(QModelIndex)
    def _on_double_clicked(self, _index: QModelIndex) -> None:
        self.add_requested.emit()


def description(rated: RatedOffer) -> str:
    """All that is shown of an offer, in a sentence."""
    offer = rated.offer
    return f"{offer.title}, {fit_title(rated.fit)}. {facts_text(offer)}. {purpose_text(offer)}"
