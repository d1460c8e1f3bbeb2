"""Adding a model: a sheet that asks which one, and shows how far it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Signal, Slot
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_page import InstallPage
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.installation import Installation
from tether_desktop.ui.models.model_source_form import ModelSourceForm

if TYPE_CHECKING:
    from tether_desktop.ui.models.model_fits import RatedOffer

STOPPED = "Stopped. What was downloaded so far is kept, and gone on with next time."

_WIDTH = 700
_HEIGHT = 560
_FRAME = 56
"""What the frames of windows take, so that the dialog fits on a small screen with them."""


class AddModelDialog(QDialog):
    """Asks which model to add, or shows the one that is being added.

    Signals:
        add_requested(Installation): begin.
        try_again_requested(), cancel_requested(): of what failed, of what goes on.
        another_requested(): how the last one ended was seen.
    """

    add_requested = Signal(object)
    try_again_requested = Signal()
    cancel_requested = Signal()
    another_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Add a model")
        self.form = ModelSourceForm()
        self.page = InstallPage()
        self.note = plain_label("small")
        self.back_button = ThemedButton("")
        self.close_button = ThemedButton("Close")
        self.go_button = ThemedButton("", kind="primary")
        self._title = QLabel("Add a model")
        self._title.setProperty("kind", "title")
        self._installation: Installation | None = None
        self._layout = QVBoxLayout(self)
        self._fitted = 0
        self._lay_out()
        self.form.changed.connect(self._refresh)
        self.form.add_requested.connect(self._on_go)
        self.go_button.clicked.connect(self._on_go)
        self.back_button.clicked.connect(self._on_back)
        self.close_button.clicked.connect(self.reject)
        self.show_installation(None)

    @property
    def installation(self) -> Installation | None:
        """The one that is shown; None while the form is."""
        return self._installation

    def show_offers(self, offers: Sequence[RatedOffer]) -> None:
        """Show the catalogue."""
        self.form.show_offers(offers)

    def show_installation(self, installation: Installation | None) -> None:
        """Show how far it is, or the form for None."""
        before, self._installation = self._installation, installation
        if installation is not None:
            self.page.show_installation(installation)
        self.note.setText(STOPPED if installation is None and _was_downloading(before) else "")
        self._refresh()
        if (before is None) != (installation is None) or not self.isVisible():
            self._turn()
        elif before is not None and installation is not None and before.phase != installation.phase:
            self.go_button.setFocus()

    def event(self, event: QEvent) -> bool:
        """Grow and shrink with the words of an installation, once Qt knows what room they take."""
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._fit()
        return done

    def _turn(self) -> None:
        """Show the other page."""
        asking = self._installation is None
        self._title.setVisible(asking)
        self.form.setVisible(asking)
        self.page.setVisible(not asking)
        self._fit()
        (self.form.field if asking else self.go_button).setFocus()

    def _fit(self) -> None:
        """As high as an installation needs; the form as high as the screen allows, up to a limit."""
        room = self.screen().availableSize().height() - _FRAME
        asking = self._installation is None
        height = min(_HEIGHT if asking else self._layout.totalHeightForWidth(_WIDTH), room)
        if height != self._fitted:
            self._fitted = height
            self.resize(_WIDTH, height)

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.back_button)
        buttons.addWidget(self.note, 1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.go_button)
        for button in (self.back_button, self.close_button):
            button.setAutoDefault(False)
        self.go_button.setDefault(True)
        layout = self._layout
        layout.setContentsMargins(24, 22, 24, 18)
        layout.setSpacing(14)
        layout.addWidget(self._title)
        layout.addWidget(self.form, 1)
        layout.addWidget(self.page, 1)
        layout.addSpacing(4)
        layout.addLayout(buttons)

    @Slot()
    def _refresh(self) -> None:
        phase = self._installation.phase if self._installation is not None else ""
        back = {"working": "Cancel", "failed": "Add another…", "done": "Add another…"}.get(phase, "")
        go = {"working": "Go on in the background", "failed": "Try again", "done": "Done"}.get(phase, "Add")
        for button, text in ((self.back_button, back), (self.go_button, go)):
            button.setText(text)
            button.setAccessibleName(text)
        self.back_button.setVisible(bool(back))
        self.close_button.setVisible(phase in {"", "failed"})
        self.go_button.setEnabled(bool(phase) or self.form.wanted is not None)

    @Slot()
    def _on_go(self) -> None:
        phase = self._installation.phase if self._installation is not None else ""
        if phase == "failed":
            self.try_again_requested.emit()
        elif phase:
            self.accept()
        elif (wanted := self.form.wanted) is not None:
            self.add_requested.emit(wanted)

    @Slot()
    def _on_back(self) -> None:
        working = self._installation is not None and self._installation.phase == "working"
        (self.cancel_requested if working else self.another_requested).emit()


def _was_downloading(installation: Installation | None) -> bool:
    return installation is not None and installation.phase == "working" and "downloading" in installation.stages
