"""The small sign at the foot of the sidebar that says that programs can reach the window."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.port.port_state import PortState


class PortSign(IconButton):
    """Shown while the local port is open, or should be and is not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("plug", "", parent, color="success", size=16)
        self.hide()

    def show_state(self, state: PortState) -> None:
        """Show how the port is."""
        failed = state.phase == "failed"
        if state.phase == "open":
            self.set_icon("plug", "warning" if state.exposed else "success")
            self.set_label(self.tr("Programs can reach this window at {place}").format(place=state.place))
        elif failed and state.error is not None:
            self.set_icon("plug", "danger")
            self.set_label(f"{state.error.title}. {state.error.message}")
        self.setVisible(state.phase == "open" or failed)
