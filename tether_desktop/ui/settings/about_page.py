"""The settings' last page: what the program is, and whom it thanks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal, Slot
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFormLayout, QLabel, QListWidget, QListWidgetItem, QWidget

from tether_desktop import __version__, paths
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.flow_layout import FlowLayout
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.settings_page import SettingsPage, section
from tether_desktop.ui.settings.update_card import UpdateCard

if TYPE_CHECKING:
    from tether_desktop.ui.settings.about_facts import AboutFacts

_LINES = 8


class AboutPage(SettingsPage):
    """Version, parts, licences, diagnostics.

    Attributes:
        updates: asks for newer releases.
        licences: one line for each thing that comes with the program.

    Signals:
        licence_requested(Licence): its text is to be read.
        diagnostics_requested(): to be given to :meth:`copy_diagnostics`.
        tour_requested(): the first tour is to be shown again.
    """

    licence_requested = Signal(object)
    diagnostics_requested = Signal()
    tour_requested = Signal()

    def __init__(self) -> None:
        super().__init__("About")
        self._parts = QFormLayout()
        self.updates = UpdateCard()
        self.licences = QListWidget()
        self.diagnostics_button = ThemedButton(self.tr("Copy diagnostics"), "copy")
        self.logs_button = ThemedButton(self.tr("Open the folder of logs"), "folder-open")
        self.guide_button = ThemedButton(self.tr("User guide"), "external-link")
        self.notices_button = ThemedButton(self.tr("All notices in one file"), "external-link")
        self.tour_button = ThemedButton(self.tr("Show the tour again"), "sparkles")
        self.said = plain_label("small", "")
        self.said.hide()
        self._lay_out()
        self.licences.itemActivated.connect(self._on_licence)
        self.diagnostics_button.clicked.connect(self._on_diagnostics)
        self.logs_button.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths.log_dir()))))
        self.guide_button.clicked.connect(self._on_guide)
        self.notices_button.clicked.connect(self._on_notices)
        self.tour_button.clicked.connect(self.tour_requested)

    def show_facts(self, facts: AboutFacts) -> None:
        """Show what the program is made of."""
        while self._parts.rowCount():
            self._parts.removeRow(0)
        for name, value in facts.versions[1:]:
            label = plain_label("", value)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            caption = plain_label("muted", self._part(name))
            caption.setWordWrap(False)
            self._parts.addRow(caption, label)
        self.licences.clear()
        for licence in facts.licences:
            words = " — ".join(filter(None, (f"{licence.name} {licence.version}".strip(), licence.kind)))
            item = QListWidgetItem(words)
            item.setData(Qt.ItemDataRole.UserRole, licence)
            self.licences.addItem(item)

    def copy_diagnostics(self, text: str) -> None:
        """Put it where it can be pasted, and say so."""
        QGuiApplication.clipboard().setText(text)
        self.diagnostics_button.release()
        self._say(self.tr("Copied. It has no words of your chats; read it before you send it on."))

    def _say(self, words: str) -> None:
        self.said.setText(words)
        self.said.show()

    def _part(self, name: str) -> str:
        return {"Engines": self.tr("Engines"), "Computer": self.tr("Computer")}.get(name, name)

    def _lay_out(self) -> None:
        title = QLabel(f"Tether {__version__}")
        title.setProperty("kind", "heading")
        self._parts.setHorizontalSpacing(spacing.WIDE)
        self._parts.setVerticalSpacing(spacing.TIGHT)
        buttons = QWidget()
        row = FlowLayout(buttons, 8)
        self.notices_button.setAutoDefault(False)
        self.notices_button.setVisible(_notices().is_file())
        for button in (self.diagnostics_button, self.logs_button, self.guide_button, self.tour_button):
            button.setAutoDefault(False)
            row.addWidget(button)
        self.guide_button.setVisible(self._guide.is_file())
        self.licences.setProperty("kind", "texts")
        self.licences.setAccessibleName(self.tr("Licences of what comes with Tether"))
        self.licences.setFixedHeight(_LINES * (self.fontMetrics().lineSpacing() + 18))
        self.column.addWidget(title)
        self.column.addWidget(
            plain_label(
                "muted", self.tr("A private assistant on your own computer. Nothing leaves it unless you say so.")
            )
        )
        self.column.addLayout(self._parts)
        self.column.addWidget(self.updates)
        self.column.addWidget(buttons)
        self.column.addWidget(self.said)
        self.column.addWidget(section(self.tr("Licences")))
        self.column.addWidget(plain_label("small", self.tr("Enter or a double click shows the whole text.")))
        self.column.addWidget(self.licences)
        self.column.addWidget(self.notices_button, alignment=Qt.AlignmentFlag.AlignLeading)
        self.column.addStretch(1)

    @property
    def _guide(self) -> Path:
        return paths.project_root() / "docs" / "user-guide.md"

    @Slot(object)
    def _on_licence(self, item: QListWidgetItem) -> None:
        self.licence_requested.emit(item.data(Qt.ItemDataRole.UserRole))

    @Slot()
    def _on_diagnostics(self) -> None:
        self.diagnostics_button.hold()
        self._say(self.tr("Looking at everything…"))
        self.diagnostics_requested.emit()

    @Slot()
    def _on_guide(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._guide)))

    @Slot()
    def _on_notices(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(_notices())))


def _notices() -> Path:
    """What a build writes of everything that it carries."""
    return paths.project_root() / "THIRD_PARTY_NOTICES.txt"
