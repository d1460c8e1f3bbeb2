"""The model picker: a button that names the model, and a list of all models with their states."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QLabel, QScrollArea, QVBoxLayout, QWidget

from tether_desktop.ui.look import icons
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.model_row import ModelRow, state_text
from tether_desktop.ui.models.model_status import ModelStatus

POPUP_WIDTH = 460
MAX_POPUP_HEIGHT = 480
_FOOT_SPACING = 5


class ModelPopup(QFrame):
    """The list under the button.

    Signals:
        chosen(name), load_requested(name), unload_requested(name), cancel_requested(name): as of its rows.
        permission_requested(name), prepare_requested(name): as of its rows; the list closes first.
        add_requested(): the button below the list; the list closes first.
        closed(): it was closed, by choice or by a click elsewhere.
    """

    chosen = Signal(str)
    load_requested = Signal(str)
    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    permission_requested = Signal(str)
    prepare_requested = Signal(str)
    add_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("model_popup")
        self.setProperty("kind", "menu")
        self.setAccessibleName("Models")
        self._rows: dict[str, ModelRow] = {}
        self._empty = QLabel("There is no model yet.")
        self._empty.setProperty("kind", "muted")
        self._empty.setContentsMargins(12, 10, 12, 10)
        self._inside = QWidget()
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(2)
        self._list.addWidget(self._empty)
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._inside)
        self.add_button = ThemedButton("Add a model…", "plus", kind="sidebar_row")
        self.add_button.clicked.connect(self._on_add)
        line = QFrame()
        line.setProperty("kind", "line")
        line.setFixedHeight(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(_FOOT_SPACING)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(line)
        layout.addWidget(self.add_button)

    @property
    def rows(self) -> list[ModelRow]:
        """The rows as they are shown."""
        return list(self._rows.values())

    def row(self, name: str) -> ModelRow:
        """The row of a model; KeyError when it is not listed."""
        return self._rows[name]

    def show_models(self, models: Sequence[ModelStatus], chosen: str) -> None:
        """Show these models, keeping the rows (and the focus) of those that were there."""
        for name in [name for name in self._rows if name not in {model.name for model in models}]:
            row = self._rows.pop(name)
            self._list.removeWidget(row)
            row.deleteLater()
        for place, model in enumerate(models):
            row = self._rows.get(model.name) or self._add_row(model)
            row.show_status(model, selected=model.name == chosen)
            self._list.insertWidget(place, row)
        self._empty.setVisible(not models)
        self._fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802  (Qt's name)
        """Escape closes."""
        if event.key() == Qt.Key.Key_Escape:
            self.close()
        else:
            super().keyPressEvent(event)

    def closeEvent(self, _event: QCloseEvent) -> None:  # noqa: N802  (Qt's name)
        """Tell that it is gone."""
        self.closed.emit()

    def _add_row(self, model: ModelStatus) -> ModelRow:
        row = ModelRow(model)
        row.chosen.connect(self._on_chosen)
        row.load_requested.connect(self.load_requested)
        row.unload_requested.connect(self.unload_requested)
        row.cancel_requested.connect(self.cancel_requested)
        row.permission_requested.connect(self._on_permission_requested)
        row.prepare_requested.connect(self._on_prepare_requested)
        self._rows[model.name] = row
        return row

    def _fit(self) -> None:
        wanted = max(self._list.heightForWidth(POPUP_WIDTH - 14), self._inside.sizeHint().height())
        foot = self.add_button.sizeHint().height() + 2 * _FOOT_SPACING + 1
        self.setFixedSize(POPUP_WIDTH, min(wanted + 14 + foot, MAX_POPUP_HEIGHT))

    @Slot(str)
    def _on_chosen(self, name: str) -> None:
        self.chosen.emit(name)
        self.close()

    @Slot(str)
    def _on_permission_requested(self, name: str) -> None:
        self.close()
        self.permission_requested.emit(name)

    @Slot(str)
    def _on_prepare_requested(self, name: str) -> None:
        self.close()
        self.prepare_requested.emit(name)

    @Slot()
    def _on_add(self) -> None:
        self.close()
        self.add_requested.emit()


class ModelPicker(ThemedButton):
    """Names the chosen model and its progress; a click lists all models.

    Signals:
        chosen(name): another model is to answer.
        load_requested(name), unload_requested(name), cancel_requested(name): from the list.
        permission_requested(name): a model was chosen whose library nobody has allowed yet.
        prepare_requested(name): a model is to be made ready for this computer.
        add_requested(): another one is to be added.
        opened(): the list is shown, so the model folders should be looked at again.
    """

    chosen = Signal(str)
    load_requested = Signal(str)
    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    permission_requested = Signal(str)
    prepare_requested = Signal(str)
    add_requested = Signal()
    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("No model", "cpu", parent, color="text")
        self.setProperty("kind", "picker")
        self.setMinimumWidth(200)
        self.setToolTip("Choose the model (Ctrl+M)")
        self.popup = ModelPopup(self)
        self._models: list[ModelStatus] = []
        self._chosen = ""
        self.clicked.connect(self.open_popup)
        self.popup.chosen.connect(self.chosen)
        self.popup.load_requested.connect(self.load_requested)
        self.popup.unload_requested.connect(self.unload_requested)
        self.popup.cancel_requested.connect(self.cancel_requested)
        self.popup.permission_requested.connect(self.permission_requested)
        self.popup.prepare_requested.connect(self.prepare_requested)
        self.popup.add_requested.connect(self.add_requested)

    @property
    def current(self) -> ModelStatus | None:
        """The chosen model; None when there is none."""
        return next((model for model in self._models if model.name == self._chosen), None)

    def show_models(self, models: Sequence[ModelStatus], chosen: str) -> None:
        """Show these models, one of them chosen (or none, for an empty name)."""
        self._models = list(models)
        self._chosen = chosen
        current = self.current
        self.setText(self._text(current))
        state = f", {state_text(current)}" if current else ""
        self.setAccessibleName(f"Model: {current.label if current else 'none'}{state}")
        self.popup.show_models(models, chosen)
        self.update()

    @Slot()
    def open_popup(self) -> None:
        """Show the list below the button, the chosen model having the focus."""
        self.opened.emit()
        self.popup.show_models(self._models, self._chosen)
        self.popup.move(self.mapToGlobal(QPoint(0, self.height() + 4)))
        self.popup.show()
        current = self.current
        if current is not None:
            self.popup.row(current.name).setFocus(Qt.FocusReason.PopupFocusReason)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """The text, and space for the arrow."""
        hint = super().sizeHint()
        return QSize(hint.width() + 30, hint.height())

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """The button, and an arrow that says there is a list."""
        super().paintEvent(event)
        arrow = icons.pixmap("chevron-down", "muted", 16, self.devicePixelRatioF())
        QPainter(self).drawPixmap(self.width() - 28, self.height() // 2 - 8, arrow)

    @staticmethod
    def _text(current: ModelStatus | None) -> str:
        if current is None:
            return "No model"
        return f"{current.label} — {state_text(current)}" if current.state == "loading" else current.label
