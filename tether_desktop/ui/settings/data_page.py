"""The settings' page of what is kept: where it lies, copies of it, and erasing it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import path_label, plain_label
from tether_desktop.ui.sessions.confirm_line import ConfirmLine
from tether_desktop.ui.settings.erase_card import EraseCard
from tether_desktop.ui.settings.setting_editors import FoldersEditor, LineEditor
from tether_desktop.ui.settings.settings_page import SettingsPage, section
from tether_desktop.ui.size_text import size_text

if TYPE_CHECKING:
    from tether_desktop.settings import Settings
    from tether_desktop.ui.settings.kept import Kept


class DataPage(SettingsPage):
    """Places and sizes, copies, the bin, and the end of everything.

    Attributes:
        buttons: by what they do: back_up, export, import.
        bin_question: asks before the bin is emptied.
        erase_card: asks before everything is erased.

    Signals:
        wanted(what): back_up, export or import.
        stop_requested(): stop the copying.
        bin_emptied(), all_erased(): the person has confirmed it.
    """

    wanted = Signal(str)
    stop_requested = Signal()
    bin_emptied = Signal()
    all_erased = Signal()

    def __init__(self, settings: Settings) -> None:
        super().__init__("Data")
        self._kept: Kept | None = None
        self._places = QGridLayout()
        self.summary = plain_label("muted", self.tr("Looking…"))
        self.said = plain_label("small", "")
        self.stop_button = ThemedButton(self.tr("Stop"), "circle-stop", kind="answer")
        self.stop_button.setAutoDefault(False)
        self.buttons = {
            "back_up": ThemedButton(self.tr("Back up…"), "archive"),
            "export": ThemedButton(self.tr("Export all…"), "upload"),
            "import": ThemedButton(self.tr("Import…"), "download"),
        }
        self.empty_button = ThemedButton(self.tr("Empty bin…"), "trash-2")
        self.erase_button = ThemedButton(self.tr("Erase all chats…"), "trash-2", kind="danger", color="danger")
        self.bin_question = ConfirmLine()
        self.erase_card = EraseCard()
        self._lay_out(settings)
        self._connect()
        self.say("")

    def show_kept(self, kept: Kept) -> None:
        """Show what there is and where."""
        self._kept = kept
        sizes = kept.sizes
        counts = (
            self.tr("%n chat(s)", "", sizes.sessions),
            self.tr("%n in the bin", "", sizes.in_bin),
            self.tr("%n message(s)", "", sizes.messages),
        )
        self.summary.setText(", ".join(counts))
        self.empty_button.setEnabled(bool(sizes.in_bin))
        self.erase_button.setEnabled(bool(sizes.sessions or sizes.in_bin))
        self.buttons["back_up"].setEnabled(sizes.is_file)
        self._show_places(kept)

    def say(self, text: str, *, stoppable: bool = False) -> None:
        """Say how far it is, or how it ended."""
        self.said.setText(text)
        self.said.setVisible(bool(text))
        self.stop_button.setVisible(stoppable)

    def _show_places(self, kept: Kept) -> None:
        while (item := self._places.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        names = {
            "database": self.tr("Chats"),
            "settings": self.tr("Settings"),
            "models": self.tr("Models"),
            "logs": self.tr("Logs"),
        }
        for line, place in enumerate(kept.places):
            name = names[place.what]
            button = ThemedButton(self.tr("Open folder"), "folder-open", kind="ghost")
            button.setAutoDefault(False)
            button.setAccessibleName(self.tr("Open the folder: {name}").format(name=name))
            folder = str(place.folder)
            button.clicked.connect(lambda _=False, path=folder: QDesktopServices.openUrl(QUrl.fromLocalFile(path)))
            button.setEnabled(bool(place.folder))
            caption, size = plain_label("strong", name), plain_label("muted", size_text(place.size))
            for label in (caption, size):
                label.setWordWrap(False)
            self._places.addWidget(caption, 2 * line, 0)
            self._places.addWidget(size, 2 * line, 1)
            self._places.addWidget(button, 2 * line, 2)
            self._places.addWidget(path_label("small", place.shown), 2 * line + 1, 0, 1, 3)

    def _lay_out(self, settings: Settings) -> None:
        self._places.setColumnStretch(1, 1)
        self._places.setHorizontalSpacing(spacing.MEDIUM)
        self._places.setVerticalSpacing(spacing.TIGHT)
        self.column.addWidget(self.summary)
        self.column.addLayout(self._places)
        self.column.addWidget(section(self.tr("Copies")))
        note = self.tr("A backup is the whole database. An export is a file that any program can read.")
        self.column.addWidget(plain_label("small", note))
        self.column.addWidget(self._row(*self.buttons.values()))
        said = QHBoxLayout()
        said.addWidget(self.said, 1)
        said.addWidget(self.stop_button)
        self.column.addLayout(said)
        self.column.addWidget(section(self.tr("Bin")))
        self.add_fields(settings, ("bin_days",))
        self.column.addWidget(self._row(self.empty_button))
        self.column.addWidget(self.bin_question)
        self.column.addWidget(section(self.tr("Other places")))
        self._add_other_places(settings)
        self.column.addWidget(section(self.tr("Erase")))
        self.column.addWidget(self._row(self.erase_button))
        self.column.addWidget(self.erase_card)
        self.column.addStretch(1)

    def _add_other_places(self, settings: Settings) -> None:
        folders = FoldersEditor(nothing=self.tr("None: the program's own."), asked=self.tr("A folder that has models"))
        self.column.addWidget(self.make_field(settings, "dist_path", folders))
        address = LineEditor()
        # The address of a server may have a password in it.
        address.setEchoMode(QLineEdit.EchoMode.PasswordEchoOnEdit)
        address.setPlaceholderText(self.tr("A file in the data folder"))
        self.column.addWidget(self.make_field(settings, "sqlite_url", address))

    def _row(self, *buttons: ThemedButton) -> QWidget:
        row = QWidget()
        layout = FlowLayout(row, 8)
        for button in buttons:
            button.setAutoDefault(False)
            layout.addWidget(button)
        return row

    def _connect(self) -> None:
        for what, button in self.buttons.items():
            button.clicked.connect(lambda _=False, wanted=what: self.wanted.emit(wanted))
        self.stop_button.clicked.connect(self.stop_requested)
        self.empty_button.clicked.connect(self._on_empty)
        self.bin_question.confirmed.connect(self.bin_emptied)
        self.erase_button.clicked.connect(self._on_erase)
        self.erase_card.confirmed.connect(self.all_erased)

    @Slot()
    def _on_empty(self) -> None:
        count = self._kept.sizes.in_bin if self._kept is not None else 0
        self.bin_question.ask(self.tr("Erase %n chat(s) in the bin for good?", "", count))

    @Slot()
    def _on_erase(self) -> None:
        if self._kept is not None:
            self.erase_card.ask(self._kept.sizes.sessions + self._kept.sizes.in_bin)
            self._area.ensureWidgetVisible(self.erase_card)
