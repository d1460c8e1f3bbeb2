"""How fast the models of this computer answer: measured on request, compared with each other and with before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QProgressBar, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.install_view import plain_label
from tether_desktop.ui.models.model_care import NOTHING, Care
from tether_desktop.ui.models.model_status import ModelStatus, split_name
from tether_desktop.ui.models.model_words import date_text
from tether_desktop.ui.models.speed_chart import Bar, SpeedChart
from tether_desktop.ui.models.speed_words import details, rate_text, verdict

if TYPE_CHECKING:
    from tether_desktop.protocol.speed_test import SpeedResult

_EARLIER = 6


class SpeedTab(QScrollArea):
    """A model to measure, what that said, and two charts.

    Signals:
        measure_requested(name), stop_requested(name): the button.
    """

    measure_requested = Signal(str)
    stop_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.model_box = QComboBox()
        self.model_box.setAccessibleName(self.tr("Model to measure"))
        self.button = ThemedButton("", "gauge", kind="primary", color="on_accent")
        self.stage = plain_label("small")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.error = plain_label("warning")
        self.verdict = plain_label("heading")
        self.figures = plain_label("small")
        self.models_title = plain_label("heading", self.tr("Models, by how fast they write"))
        self.models_chart = SpeedChart(self.tr("Models, by how fast they write"))
        self.earlier_title = plain_label("heading", self.tr("This model, measured before"))
        self.earlier_chart = SpeedChart(self.tr("This model, measured before"))
        self._results: Sequence[SpeedResult] = ()
        self._care = NOTHING
        self._lay_out()
        self.model_box.currentIndexChanged.connect(self._refresh)
        self.button.clicked.connect(self._on_button)
        self._refresh()

    @property
    def model(self) -> str:
        """The model that is chosen; empty when there is none."""
        return str(self.model_box.currentData() or "")

    def choose(self, name: str) -> None:
        """Choose a model."""
        index = self.model_box.findData(name)
        if index >= 0:
            self.model_box.setCurrentIndex(index)

    def show_models(self, models: Sequence[ModelStatus]) -> None:
        """Offer those that can be measured, keeping the one that is chosen."""
        listed = [(each.label, each.name) for each in models if each.usable and not each.server]
        if listed != [
            (self.model_box.itemText(at), self.model_box.itemData(at)) for at in range(self.model_box.count())
        ]:
            chosen = self.model
            self.model_box.blockSignals(True)
            self.model_box.clear()
            for label, name in listed:
                self.model_box.addItem(label, name)
            self.model_box.blockSignals(False)
            self.choose(chosen)
        self._refresh()

    def show_results(self, results: Sequence[SpeedResult]) -> None:
        """Show what was measured, the oldest first."""
        self._results = results
        self._refresh()

    def show_care(self, care: Care) -> None:
        """Show what is done with the model that is chosen."""
        self._care = care
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        self._show_work()
        own = [result for result in self._results if result.model == self.model]
        last = own[-1] if own else None
        self.verdict.setText(verdict(last) if last else self.tr("Not measured yet"))
        self.verdict.setVisible(bool(self.model))
        words = self.tr("It takes less than a minute with most models. Chats go first: it waits its turn.")
        self.figures.setText(f"{details(last)}\n{last.device}, {date_text(last.measured)}" if last else words)
        self._show_models_chart()
        earlier = own[::-1][:_EARLIER]
        self.earlier_title.setVisible(len(earlier) > 1)
        self.earlier_chart.setVisible(len(earlier) > 1)
        self.earlier_chart.show_bars([_earlier_bar(each, marked=each is last) for each in earlier])

    def _show_models_chart(self) -> None:
        newest = {result.model: result for result in self._results}
        ranked = sorted(newest.values(), key=lambda result: -result.decode_rate)
        self.models_title.setVisible(bool(ranked))
        self.models_chart.setVisible(bool(ranked))
        self.models_chart.show_bars(
            [
                Bar(
                    " · ".join(filter(None, split_name(each.model))),
                    rate_text(each.decode_rate),
                    each.decode_rate,
                    marked=each.model == self.model,
                )
                for each in ranked
            ]
        )

    def _show_work(self) -> None:
        care = self._care
        measuring = care.work == "measuring"
        stages = {
            "waiting": self.tr("Waiting until the model is free…"),
            "loading": self.tr("Loading the model…"),
            "measuring": self.tr("Reading and writing, six times…"),
        }
        self.stage.setText(stages.get(care.stage, "") if measuring else "")
        self.stage.setVisible(measuring)
        self.bar.setVisible(measuring)
        self.bar.setRange(0, 0 if care.progress is None else 1000)
        self.bar.setValue(round((care.progress or 0) * 1000))
        self.bar.setAccessibleName(self.stage.text() or self.tr("Progress of the measurement"))
        self.error.setText(f"{care.error.message} {care.error.hint}".strip() if care.error is not None else "")
        self.error.setVisible(care.error is not None)
        text = self.tr("Stop") if measuring else self.tr("Measure speed")
        self.button.setText(text)
        self.button.setAccessibleName(text)
        self.button.setEnabled(bool(self.model) and (measuring or not care.work))

    def _lay_out(self) -> None:
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.model_box.setMinimumContentsLength(12)
        self.model_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        top = QHBoxLayout()
        top.setSpacing(spacing.SMALL)
        top.addWidget(self.model_box, 1)
        top.addWidget(self.button)
        card = QFrame()
        card.setProperty("kind", "card")
        inside = QVBoxLayout(card)
        inside.setContentsMargins(spacing.LARGE, spacing.LARGE, spacing.LARGE, spacing.LARGE)
        inside.setSpacing(spacing.SMALL)
        inside.addLayout(top)
        for widget in (self.stage, self.bar, self.error, self.verdict, self.figures):
            inside.addWidget(widget)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(spacing.BROAD, spacing.LARGE, spacing.BROAD, spacing.BROAD)
        layout.setSpacing(spacing.MEDIUM)
        layout.addWidget(card)
        layout.addSpacing(spacing.SMALL)
        for title, chart in ((self.models_title, self.models_chart), (self.earlier_title, self.earlier_chart)):
            layout.addWidget(title)
            layout.addWidget(chart)
            layout.addSpacing(spacing.MEDIUM)
        layout.addStretch(1)
        self.setWidget(page)

    @Slot()
    def _on_button(self) -> None:
        measuring = self._care.work == "measuring"
        (self.stop_requested if measuring else self.measure_requested).emit(self.model)


def _earlier_bar(result: SpeedResult, *, marked: bool) -> Bar:
    name = " · ".join(filter(None, (date_text(result.measured), result.device)))
    return Bar(name, rate_text(result.decode_rate), result.decode_rate, marked=marked)
