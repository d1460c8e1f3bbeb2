"""A page for the model that is being added: how far it is, why it failed, or what it has become."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons
from tether_desktop.ui.models.fit_pill import FitPill
from tether_desktop.ui.models.install_view import InstallView, plain_label
from tether_desktop.ui.models.installation import Installation, Installed
from tether_desktop.ui.models.mapping_details import MappingDetails
from tether_desktop.ui.models.model_status import size_text, split_name

if TYPE_CHECKING:
    from tether_desktop.model.install.progress import Checked

_MARK = 22


def forecast(checked: Checked) -> str:
    """What a model will take, in a line."""
    window = f"{checked.context_window:,} tokens"
    memory = f"{size_text(checked.fit.needed_bytes)} of memory for {window}"
    return f"{size_text(checked.size_bytes)} of weights · {memory}"


class InstallPage(QWidget):
    """Shows one installation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.mark = QLabel()
        self.title = plain_label("title")
        self.view = InstallView()
        self.forecast_label = plain_label("small")
        self.pill = FitPill()
        self.details = MappingDetails()
        self._shown: Installed | None = None
        self._lay_out()

    def show_installation(self, installation: Installation) -> None:
        """Show how far it is."""
        self.mark.setVisible(installation.phase == "done")
        self.title.setText(_title(installation))
        self.view.show_installation(installation)
        self._show_forecast(installation.checked if installation.phase == "working" else None)
        installed = installation.installed
        self.details.setVisible(installed is not None)
        if installed is not None and installed is not self._shown:
            self.details.show_mappings(installed.mappings)
        self._shown = installed

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802  (Qt's name)
        """Take the colours of a new theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._paint_mark()

    def _show_forecast(self, checked: Checked | None) -> None:
        self.forecast_label.setText(forecast(checked) if checked is not None else "")
        self.forecast_label.setVisible(checked is not None)
        self.pill.show_fit(checked.fit.verdict if checked is not None else "")

    def _lay_out(self) -> None:
        self._paint_mark()
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(self.mark)
        head.addWidget(self.title, 1)
        takes = QHBoxLayout()
        takes.addWidget(self.forecast_label, 1)
        takes.addWidget(self.pill)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(14)
        layout.addLayout(head)
        layout.addWidget(self.view)
        layout.addLayout(takes)
        layout.addWidget(self.details)
        layout.addStretch(1)

    def _paint_mark(self) -> None:
        self.mark.setPixmap(icons.pixmap("circle-check", "success", _MARK, self.devicePixelRatioF()))


def _title(installation: Installation) -> str:
    match installation.phase:
        case "working":
            return f"{'Preparing' if installation.prepares else 'Adding'} {installation.title}"
        case "failed":
            return installation.short_text
    name = installation.installed.name if installation.installed else installation.title
    return f"{split_name(name)[0]} is ready"
