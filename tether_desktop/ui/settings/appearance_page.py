"""The settings' page of the look, with a sample of what it makes of a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.settings.settings_page import SettingsPage, section

if TYPE_CHECKING:
    from tether_desktop.settings import Settings


class AppearancePage(SettingsPage):
    """Theme, text size, density, motion.

    Attributes:
        sample: a question and an answer, which follow what is chosen as the whole window does.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__("Appearance")
        self.add_groups(settings)
        self.column.addWidget(section(self.tr("Sample")))
        self.sample = self._make_sample()
        self.column.addWidget(self.sample)
        self.column.addStretch(1)

    def _make_sample(self) -> QWidget:
        sample = QFrame()
        sample.setProperty("kind", "well")
        bubble = QFrame()
        bubble.setProperty("kind", "chip")
        asked = QHBoxLayout(bubble)
        asked.setContentsMargins(spacing.LARGE, spacing.SMALL, spacing.LARGE, spacing.SMALL)
        asked.addWidget(QLabel(self.tr("How far is the moon?")))
        right = QHBoxLayout()
        right.addStretch(1)
        right.addWidget(bubble)
        answer = plain_label(
            "", self.tr("About 384,000 km on average. Light needs 1.3 seconds for the way, a car half a year.")
        )
        figures = plain_label("code", "384400 / 299792 = 1.28")
        layout = QVBoxLayout(sample)
        layout.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.LARGE, spacing.LARGE)
        layout.setSpacing(spacing.SMALL)
        layout.addLayout(right)
        for label in (answer, figures):
            layout.addWidget(label)
        layout.addLayout(self._make_buttons())
        sample.setAccessibleName(self.tr("Sample of the look"))
        return sample

    def _make_buttons(self) -> QHBoxLayout:
        """What they would do, they do elsewhere: here they are only looked at."""
        row = QHBoxLayout()
        for words, kind in ((self.tr("Action"), "primary"), (self.tr("Another"), "")):
            button = ThemedButton(words, kind=kind)
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            button.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
            row.addWidget(button)
        row.addStretch(1)
        return row
