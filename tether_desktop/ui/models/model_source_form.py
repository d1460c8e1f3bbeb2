"""The form that asks which model to add: a field for what lies or can be fetched somewhere, and the catalogue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QFrame, QHBoxLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.dropped_model import ModelDrop
from tether_desktop.ui.models.installation import Installation, title_of
from tether_desktop.ui.models.offer_list import OfferList

if TYPE_CHECKING:
    from tether_desktop.model.install.offers import Offer
    from tether_desktop.ui.models.model_fits import RatedOffer

FIELD = "A file, a folder, a link or a name on Hugging Face (hf:org/name)"
_LEAST_LIST_HEIGHT = 120


class ModelSourceForm(QWidget):
    """What to add: what the field says, or else the offer that is chosen.

    Signals:
        changed(): whether and what can be added.
        add_requested(): an offer was clicked twice.
    """

    changed = Signal()
    add_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.field = QLineEdit()
        self.field.setAccessibleName(FIELD)
        self.field.setPlaceholderText("hf:Qwen/Qwen3-4B-GGUF")
        self.file_button = ThemedButton("Choose file…", "file-text")
        self.folder_button = ThemedButton("Choose folder…", "folder-open")
        self.list = OfferList()
        self.list.setMinimumHeight(_LEAST_LIST_HEIGHT)
        self.terms = TermsNotice()
        for button in (self.file_button, self.folder_button):
            button.setAutoDefault(False)
        self._lay_out()
        self.field.textEdited.connect(self._on_edited)
        self.file_button.clicked.connect(self._on_choose_file)
        self.folder_button.clicked.connect(self._on_choose_folder)
        self.list.chosen.connect(self._on_offer_chosen)
        self.list.add_requested.connect(self.add_requested)
        self.terms.box.toggled.connect(self.changed)
        ModelDrop(self).dropped.connect(self.set_text)
        self._refresh()

    def show_offers(self, offers: Sequence[RatedOffer]) -> None:
        """Show the catalogue."""
        self.list.show_offers(offers)
        self._refresh()

    @Slot(str)
    def set_text(self, text: str) -> None:
        """Fill the field in."""
        self.field.setText(text)
        self._on_edited(text)

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
        caption = QLabel(FIELD)
        caption.setWordWrap(True)
        caption.setBuddy(self.field)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.field, 1)
        row.addWidget(self.file_button)
        row.addWidget(self.folder_button)
        choice = QLabel("Or one of these, by size")
        choice.setBuddy(self.list)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(caption)
        layout.addLayout(row)
        layout.addSpacing(8)
        layout.addWidget(choice)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.terms)

    def _refresh(self) -> None:
        self.terms.show_offer(self._offer())
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
    def _on_choose_file(self) -> None:
        dialog = QFileDialog(self, "Choose a model file", "", "Models (*.gguf);;All files (*)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        self._open(dialog)

    @Slot()
    def _on_choose_folder(self) -> None:
        dialog = QFileDialog(self, "Choose a folder of weights")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open(dialog)

    def _open(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.set_text)
        dialog.open()


class TermsNotice(QFrame):
    """Terms of use that have to be accepted before a model is fetched."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "notice")
        self._offer: Offer | None = None
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.read_button = ThemedButton("Read them", "external-link", kind="ghost")
        self.read_button.setAutoDefault(False)
        self.read_button.clicked.connect(self._on_read)
        self.box = QCheckBox("I accept them")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 6)
        layout.setSpacing(10)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.read_button)
        layout.addWidget(self.box)
        self.hide()

    def show_offer(self, offer: Offer | None) -> None:
        """Show the terms of an offer that has any; another one's have to be accepted anew."""
        shown = offer if offer is not None and offer.must_accept else None
        if shown is not self._offer:
            self._offer = shown
            self.box.setChecked(False)
        if shown is not None:
            self.label.setText(f"{shown.title} comes with terms of use.")
            self.read_button.setToolTip(shown.licence_url)
            self.box.setAccessibleName(f"I accept the terms of use of {shown.title}")
        self.setVisible(shown is not None)

    @Slot()
    def _on_read(self) -> None:
        if self._offer is not None:
            QDesktopServices.openUrl(QUrl(self._offer.licence_url))


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
