"""The form that asks which model to add: a field for what lies or can be fetched somewhere, and the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.dropped_model import ModelDrop
from tether_desktop.ui.models.installation import Installation, title_of
from tether_desktop.ui.models.offer_delegate import licence_text, purpose_text
from tether_desktop.ui.models.offer_list import OfferList

if TYPE_CHECKING:
    from tether_desktop.model.install.offers import Offer
    from tether_desktop.ui.models.model_fits import RatedOffer

_LEAST_LIST_HEIGHT = 200


class ModelSourceForm(QWidget):
    """What to add: what the field says, or else the offer that is chosen.

    Signals:
        changed(): whether and what can be added.
        add_requested(Installation): what is wanted, by its button, by Enter or by a double click.
    """

    changed = Signal()
    add_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self._caption = self.tr("A file, a folder, a link or a name on Hugging Face (hf:org/name)")
        self.field.setAccessibleName(self._caption)
        self.field.setPlaceholderText("hf:Qwen/Qwen3-4B-GGUF")
        self.file_button = ThemedButton(self.tr("Choose file…"), "file-text")
        self.folder_button = ThemedButton(self.tr("Choose folder…"), "folder-open")
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search the catalogue"))
        self.search.setAccessibleName(self.tr("Search the catalogue"))
        self.search.setClearButtonEnabled(True)
        self.list = OfferList()
        self.list.setMinimumHeight(_LEAST_LIST_HEIGHT)
        self.terms = TermsNotice()
        self.add_button = ThemedButton(self.tr("Add"), "plus", kind="primary", color="on_accent")
        self._offers: Sequence[RatedOffer] = ()
        self._lay_out()
        self.field.textEdited.connect(self._on_edited)
        self.file_button.clicked.connect(self._on_choose_file)
        self.folder_button.clicked.connect(self._on_choose_folder)
        self.list.chosen.connect(self._on_offer_chosen)
        self.list.add_requested.connect(self._on_add)
        self.field.returnPressed.connect(self._on_add)
        self.search.textChanged.connect(self._on_search)
        self.add_button.clicked.connect(self._on_add)
        self.terms.box.toggled.connect(self._refresh)
        ModelDrop(self).dropped.connect(self.set_text)
        self._refresh()

    def show_offers(self, offers: Sequence[RatedOffer]) -> None:
        """Show the catalogue."""
        self._offers = offers
        self._on_search()

    @Slot(str)
    def set_text(self, text: str) -> None:
        """Fill the field in."""
        self.field.setText(text)
        self._on_edited(text)

    def clear(self) -> None:
        """Forget what was filled in and chosen."""
        self.field.clear()
        self.list.clearSelection()
        self._refresh()

    @property
    def wanted(self) -> Installation | None:
        """What can be added as it is; None while something is missing."""
        offer = self._offer()
        if offer is not None and offer.must_accept and not self.terms.box.isChecked():
            return None
        what = _plain(self.field.text())
        if what:
            return Installation(what, offer.title if offer else title_of(what))
        return Installation(offer.id, offer.title) if offer else None

    def _offer(self) -> Offer | None:
        """The offer that is meant, by its name, by where it comes from or by a click."""
        what = _plain(self.field.text())
        if not what:
            return self.list.offer
        return next((offer for offer in self.list.offers if _names(what.casefold(), offer)), None)

    def _lay_out(self) -> None:
        caption = QLabel(self._caption)
        caption.setWordWrap(True)
        caption.setBuddy(self.field)
        row = QHBoxLayout()
        row.setSpacing(spacing.SMALL)
        row.addWidget(self.file_button)
        row.addWidget(self.folder_button)
        row.addStretch(1)
        choice = QLabel(self.tr("From the catalogue, by size"))
        choice.setBuddy(self.list)
        bottom = QHBoxLayout()
        bottom.addStretch(1)
        bottom.addWidget(self.add_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(spacing.SMALL)
        layout.addWidget(choice)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.terms)
        layout.addSpacing(spacing.SMALL)
        layout.addWidget(caption)
        layout.addWidget(self.field)
        layout.addLayout(row)
        layout.addSpacing(spacing.TIGHT)
        layout.addLayout(bottom)

    @Slot()
    def _refresh(self) -> None:
        self.terms.show_offer(self._offer())
        self.add_button.setEnabled(self.wanted is not None)
        self.changed.emit()

    @Slot(str)
    def _on_edited(self, text: str) -> None:
        if text.strip():
            self.list.clearSelection()
        self._refresh()

    @Slot()
    def _on_offer_chosen(self) -> None:
        if self.list.offer is not None:
            self.field.clear()
        self._refresh()

    @Slot()
    def _on_search(self) -> None:
        wanted = self.search.text().strip().casefold()
        self.list.show_offers([rated for rated in self._offers if wanted in _searched(rated.offer)])
        self._refresh()

    @Slot()
    def _on_add(self) -> None:
        if (wanted := self.wanted) is not None:
            self.add_requested.emit(wanted)

    @Slot()
    def _on_choose_file(self) -> None:
        kinds = self.tr("Models (*.gguf);;All files (*)")
        dialog = QFileDialog(self, self.tr("Choose a model file"), "", kinds)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._open(dialog)

    @Slot()
    def _on_choose_folder(self) -> None:
        dialog = QFileDialog(self, self.tr("Choose a folder of weights"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open(dialog)

    def _open(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.set_text)
        dialog.open()


class TermsNotice(QFrame):
    """Under which licence the chosen model comes, and terms of use that have to be accepted before it is fetched."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._offer: Offer | None = None
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.read_button = ThemedButton(self.tr("Read it"), "external-link", kind="ghost")
        self.read_button.clicked.connect(self._on_read)
        self.box = QCheckBox(self.tr("I accept the terms"))
        words = QHBoxLayout()
        words.setSpacing(spacing.SMALL)
        words.addWidget(self.label, 1)
        words.addWidget(self.read_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(spacing.LARGE, spacing.NEAR, spacing.SMALL, spacing.SMALL)
        layout.setSpacing(spacing.TIGHT)
        layout.addLayout(words)
        layout.addWidget(self.box)
        self.hide()

    def show_offer(self, offer: Offer | None) -> None:
        """Show the licence of an offer; the terms of another one have to be accepted anew."""
        if offer is not self._offer:
            self._offer = offer
            self.box.setChecked(False)
        if offer is not None:
            words = self.tr("{title} is free under the licence {licence}.")
            if offer.must_accept:
                words = self.tr("{title} comes with terms of use: {licence}.")
            self.label.setText(words.format(title=offer.title, licence=licence_text(offer)))
            self.read_button.setToolTip(offer.licence_url)
            licence = self.tr("Read the licence of {title} in the browser").format(title=offer.title)
            self.read_button.setAccessibleName(licence)
            self.box.setAccessibleName(self.tr("I accept the terms of use of {title}").format(title=offer.title))
            self.box.setVisible(offer.must_accept)
            set_kind(self, "notice" if offer.must_accept else "well")
        self.setVisible(offer is not None)

    @Slot()
    def _on_read(self) -> None:
        if self._offer is not None:
            QDesktopServices.openUrl(QUrl(self._offer.licence_url))


def _searched(offer: Offer) -> str:
    """All of an offer's words that somebody might look for."""
    return f"{offer.title} {offer.id} {purpose_text(offer)} {offer.licence} {offer.source}".casefold()


def _names(what: str, offer: Offer) -> bool:
    """Whether a text means an offer: its name, or its repository on the hub, whichever file of it."""
    repository = offer.source.removeprefix("hf:").partition(":")[0].casefold()
    return what == offer.id or (what.startswith(("hf:", "https:")) and repository in what)


def _plain(text: str) -> str:
    """What was typed or pasted, without the quotes and the scheme that file managers give to paths."""
    bare = text.strip()
    if len(bare) > 1 and bare[0] == bare[-1] and bare[0] in "\"'":
        bare = bare[1:-1].strip()
    return QUrl(bare).toLocalFile() if bare.casefold().startswith("file://") else bare
