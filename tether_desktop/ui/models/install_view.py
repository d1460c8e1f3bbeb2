"""How far a model is that is being added, or why it was not."""

from __future__ import annotations

import re

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QProgressBar, QVBoxLayout, QWidget

from tether_desktop.errors import TetherError
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.stylesheet import set_kind
from tether_desktop.ui.models.installation import Installation

_SEPARATOR = re.compile(r"[/\\]+")


class InstallView(QWidget):
    """Stage, percentage, bar and detail; or the error."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage_label = plain_label()
        self.percent_label = plain_label()
        self.percent_label.setWordWrap(False)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(self.tr("Progress of adding the model"))
        self.detail_label = plain_label("small")
        self.error_frame = QFrame()
        self.error_frame.setProperty("kind", "danger_card")
        self.error_title, self.error_text = plain_label("danger"), plain_label()
        self._progress = QWidget()
        self._lay_out()

    def show_installation(self, installation: Installation | None) -> None:
        """Show this one; of one that is complete, nothing is left to be told."""
        phase = installation.phase if installation is not None else ""
        self._progress.setVisible(phase in {"queued", "working", "paused"})
        self.error_frame.setVisible(phase == "failed")
        self.setVisible(phase not in {"", "done"})
        if installation is not None and installation.error is not None:
            self._show_error(installation.error)
        elif installation is not None:
            self._show_progress(installation)

    def show_offline(self, error: TetherError) -> None:
        """Say that there is no connection, which is nobody's fault and loses nothing."""
        set_kind(self.error_frame, "notice")
        set_kind(self.error_title, "heading")
        self.error_title.setText(self.tr("You are offline"))
        rest = self.tr("Connect to the internet, then try again: it goes on from where it stopped.")
        self.error_text.setText(f"{error.message}\n{rest}")
        self.error_frame.setAccessibleName(f"{self.error_title.text()}. {error.message} {rest}")

    def _show_progress(self, installation: Installation) -> None:
        progress = installation.progress
        part = progress.progress if progress is not None else None
        if part is None and installation.kept_bytes and installation.total_bytes:
            part = min(installation.kept_bytes / installation.total_bytes, 1.0)
        working = installation.phase == "working"
        self.stage_label.setText(installation.stage_text)
        self.percent_label.setText(installation.percent_text if working else "")
        self.detail_label.setText(installation.detail_text)
        self.detail_label.setVisible(working)
        self.bar.setVisible(installation.phase != "queued" and (working or part is not None))
        self.bar.setRange(0, 0 if part is None else 1000)
        self.bar.setValue(round((part or 0) * 1000))
        self.bar.setAccessibleDescription(installation.stage_text)

    def _show_error(self, error: TetherError) -> None:
        set_kind(self.error_frame, "danger_card")
        set_kind(self.error_title, "danger")
        self.error_title.setText(error.title)
        self.error_text.setText(f"{error.message}\n{error.hint}".strip())
        self.error_frame.setAccessibleName(f"{error.title}. {error.message} {error.hint}".strip())

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.stage_label, 1)
        top.addWidget(self.percent_label)
        progress = QVBoxLayout(self._progress)
        progress.setContentsMargins(0, 0, 0, 0)
        progress.setSpacing(spacing.SMALL)
        progress.addLayout(top)
        progress.addWidget(self.bar)
        progress.addWidget(self.detail_label)
        error = QVBoxLayout(self.error_frame)
        error.setContentsMargins(spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM)
        error.setSpacing(spacing.TIGHT)
        error.addWidget(self.error_title)
        error.addWidget(self.error_text)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._progress)
        layout.addWidget(self.error_frame)


def plain_label(kind: str = "", text: str = "") -> QLabel:
    """A label that wraps, and shows what looks like markup as it is."""
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    if kind:
        label.setProperty("kind", kind)
    return label


def path_label(kind: str, path: str) -> QLabel:
    """A label for a path, which may go on in another line after each of its folders."""
    label = plain_label(kind, _SEPARATOR.sub("\\g<0>\u200b", path))
    label.setAccessibleName(path)
    label.setToolTip(path)
    return label
