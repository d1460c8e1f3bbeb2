"""The bar above the conversation: the model on the left, memory, context and speed on the right."""

from __future__ import annotations

import time

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QWidget

from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.models.install_strip import InstallStrip
from tether_desktop.ui.models.model_picker import ModelPicker
from tether_desktop.ui.models.model_status import ModelStatus, size_text

NEARLY_FULL = 0.85
"""Above this fraction of the context window the meter warns."""

_CALM_S = 0.5


def status_text(model: ModelStatus | None, tokens: int | None, rate: float | None) -> str:
    """Memory, context meter and speed, as far as they are known: "up to 118 MB · 412 / 2048 tokens · 87 tok/s"."""
    parts = []
    if model is not None and model.loaded and model.memory_bytes:
        parts.append(f"up to {size_text(model.memory_bytes)}")
    if model is not None and model.context_window:
        parts.append(f"{tokens or 0} / {model.context_window} tokens")
    if rate is not None:
        parts.append(f"{rate:.0f} tok/s" if rate >= 10 else f"{rate:.1f} tok/s")
    return " · ".join(parts)


class Header(QWidget):
    """The bar above the conversation."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("kind", "topbar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.picker = ModelPicker()
        self.install_strip = InstallStrip()
        self.status_label = QLabel()
        self.status_label.setProperty("kind", "small")
        self.status_label.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._shown_at = 0.0
        layout = QHBoxLayout(self)
        layout.setContentsMargins(18, 9, 18, 9)
        layout.addWidget(self.picker)
        layout.addWidget(self.install_strip)
        layout.addWidget(self.status_label, 1)
        self.setFixedHeight(53)

    def show_status(
        self, model: ModelStatus | None, tokens: int | None, rate: float | None, *, calmly: bool = False
    ) -> None:
        """Show the figures; ``calmly`` at most twice a second, so that they can be read while they change."""
        now = time.monotonic()
        if calmly and now - self._shown_at < _CALM_S:
            return
        self._shown_at = now
        text = status_text(model, tokens, rate)
        window = model.context_window if model else 0
        full = bool(window) and (tokens or 0) > NEARLY_FULL * window
        self.status_label.setText(text)
        set_kind(self.status_label, "warning" if full else "small")
        self.status_label.setToolTip(self._explanation(model, full=full))
        self.status_label.setAccessibleName(text)

    @staticmethod
    def _explanation(model: ModelStatus | None, *, full: bool) -> str:
        lines = ["Memory of the model · how much of its context window this chat fills · speed of the newest answer"]
        if model is not None and model.device:
            lines.append(f"Runs on {model.device}")
        if full:
            lines.append("The window is nearly full: soon the oldest messages will be left out, and you will be told.")
        return "\n".join(lines)
