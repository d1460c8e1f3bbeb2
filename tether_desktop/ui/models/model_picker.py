"""The model picker: a button that names the model, and a list of all models with their states."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QPoint, QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from tether_desktop.ui.look import icons, spacing
from tether_desktop.ui.look.themed_button import ThemedButton
from tether_desktop.ui.models.model_row import ModelRow
from tether_desktop.ui.models.model_status import ModelStatus
from tether_desktop.ui.models.model_words import state_text

POPUP_WIDTH, MAX_POPUP_WIDTH = 460, 720
MAX_POPUP_HEIGHT = 480
MANY = 8
"""More models than these are searched."""

_FOOT_SPACING = 5
_MARGIN = 6
_SCROLL_BAR = 14
_FRAME = 54
"""The picker's paddings and its arrow."""


class ModelPopup(QFrame):
    """The list under the button.

    Signals:
        chosen(name), load_requested(name), unload_requested(name), cancel_requested(name): as of its rows.
        permission_requested(name), prepare_requested(name): as of its rows; the list closes first.
        add_requested(), manage_requested(): the buttons below the list; the list closes first.
        closed(): it was closed, by choice or by a click elsewhere.
    """

    chosen = Signal(str)
    load_requested = Signal(str)
    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    permission_requested = Signal(str)
    prepare_requested = Signal(str)
    add_requested = Signal()
    manage_requested = Signal()
    closed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("model_popup")
        self.setProperty("kind", "menu")
        self.setAccessibleName(self.tr("Models"))
        self._rows: dict[str, ModelRow] = {}
        self._models: list[ModelStatus] = []
        self._chosen = ""
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search models"))
        self.search.setAccessibleName(self.tr("Search models"))
        self.search.textChanged.connect(self._on_search)
        self.search.installEventFilter(self)
        self._empty = QLabel(self.tr("There is no model yet."))
        self._empty.setProperty("kind", "muted")
        self._empty.setContentsMargins(spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM, spacing.MEDIUM)
        self._inside = QWidget()
        self._list = QVBoxLayout(self._inside)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(spacing.HAIR)
        self._list.addWidget(self._empty)
        self._scroll = QScrollArea()
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setWidget(self._inside)
        self.add_button = ThemedButton(self.tr("Add a model…"), "plus", kind="sidebar_row")
        self.add_button.clicked.connect(self._on_add)
        self.manage_button = ThemedButton(self.tr("Manage models…"), "sliders-horizontal", kind="sidebar_row")
        self.manage_button.clicked.connect(self._on_manage)
        line = QFrame()
        line.setProperty("kind", "line")
        line.setFixedHeight(1)
        foot = QHBoxLayout()
        foot.setSpacing(spacing.TIGHT)
        foot.addWidget(self.add_button, 1)
        foot.addWidget(self.manage_button, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(_MARGIN, _MARGIN, _MARGIN, _MARGIN)
        layout.setSpacing(_FOOT_SPACING)
        layout.addWidget(self.search)
        layout.addWidget(self._scroll, 1)
        layout.addWidget(line)
        layout.addLayout(foot)

    @property
    def rows(self) -> list[ModelRow]:
        """The rows as they are shown."""
        return list(self._rows.values())

    def row(self, name: str) -> ModelRow:
        """The row of a model; KeyError when it is not listed."""
        return self._rows[name]

    def show_models(self, models: Sequence[ModelStatus], chosen: str) -> None:
        """Show these models, keeping the rows (and the focus) of those that were there."""
        self._models, self._chosen = list(models), chosen
        self.search.setVisible(len(models) > MANY)
        wanted = self.search.text().strip().casefold()
        shown = [model for model in models if wanted in f"{model.label} {model.name}".casefold()]
        for name in [name for name in self._rows if name not in {model.name for model in shown}]:
            row = self._rows.pop(name)
            row.hide()
            self._list.removeWidget(row)
            row.deleteLater()
        for place, model in enumerate(shown):
            row = self._rows.get(model.name) or self._add_row(model)
            row.show_status(model, selected=model.name == chosen)
            self._list.insertWidget(place, row)
        self._rows = {model.name: self._rows[model.name] for model in shown}
        self._empty.setText(self.tr("No model is called that.") if models else self.tr("There is no model yet."))
        self._empty.setVisible(not shown)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802  (Qt's name)
        """From the search, the arrow goes down to the first model and Enter chooses it."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self.rows:
            if event.key() == Qt.Key.Key_Down:
                self.rows[0].setFocus(Qt.FocusReason.TabFocusReason)
                return True
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
                self.rows[0].choose()
                return True
        return super().eventFilter(watched, event)

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

    @property
    def _width(self) -> int:
        """Room for the longest name, as far as the screen goes."""
        longest = max((row.natural_width for row in self.rows), default=0) + 2 * _MARGIN + _SCROLL_BAR
        most = min(MAX_POPUP_WIDTH, self.screen().availableSize().width() - 2 * _MARGIN)
        return max(POPUP_WIDTH, min(longest, most))

    def _fit(self) -> None:
        width = self._width
        wanted = max(self._list.heightForWidth(width - 14), self._inside.sizeHint().height())
        frame = self.add_button.sizeHint().height() + 2 * _FOOT_SPACING + 1
        if not self.search.isHidden():
            frame += self.search.sizeHint().height() + _FOOT_SPACING
        self.setFixedSize(width, min(wanted + 14 + frame, MAX_POPUP_HEIGHT))

    @Slot()
    def _on_search(self) -> None:
        self.show_models(self._models, self._chosen)

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

    @Slot()
    def _on_manage(self) -> None:
        self.close()
        self.manage_requested.emit()


class ModelPicker(ThemedButton):
    """Names the chosen model and its progress; a click lists all models.

    Signals:
        chosen(name): another model is to answer.
        load_requested(name), unload_requested(name), cancel_requested(name): from the list.
        permission_requested(name): a model was chosen whose library nobody has allowed yet.
        prepare_requested(name): a model is to be made ready for this computer.
        add_requested(): another one is to be added.
        manage_requested(): all that can be done with models is wanted.
        opened(): the list is shown, so the model folders should be looked at again.
    """

    chosen = Signal(str)
    load_requested = Signal(str)
    unload_requested = Signal(str)
    cancel_requested = Signal(str)
    permission_requested = Signal(str)
    prepare_requested = Signal(str)
    add_requested = Signal()
    manage_requested = Signal()
    opened = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", "cpu", parent, color="text")
        self.setProperty("kind", "picker")
        self.setMinimumWidth(200)
        self.setText(self.tr("No model"))
        self.setToolTip(self.tr("Choose the model"))
        self.popup = ModelPopup(self)
        self._models: list[ModelStatus] = []
        self._chosen = ""
        self._recent: list[str] = []
        self.clicked.connect(self.open_popup)
        self.popup.chosen.connect(self.chosen)
        self.popup.load_requested.connect(self.load_requested)
        self.popup.unload_requested.connect(self.unload_requested)
        self.popup.cancel_requested.connect(self.cancel_requested)
        self.popup.permission_requested.connect(self.permission_requested)
        self.popup.prepare_requested.connect(self.prepare_requested)
        self.popup.add_requested.connect(self.add_requested)
        self.popup.manage_requested.connect(self.manage_requested)

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
        named = f"{self.text()}\n" if current is not None else ""
        self.setToolTip(named + self.tr("Choose the model"))
        if current is None:
            self.setAccessibleName(self.tr("Model: none"))
        else:
            words = self.tr("Model: {model}, {state}")
            self.setAccessibleName(words.format(model=current.label, state=state_text(current)))
        self.popup.show_models(self._ordered(), chosen)
        self.update()

    @Slot()
    def open_popup(self) -> None:
        """Show the list below the button, the chosen model having the focus."""
        self.opened.emit()
        self.popup.search.clear()
        self.popup.show_models(self._ordered(), self._chosen)
        self.popup.move(self.mapToGlobal(QPoint(0, self.height() + 4)))
        self.popup.show()
        current = self.current
        if not self.popup.search.isHidden():
            self.popup.search.setFocus(Qt.FocusReason.PopupFocusReason)
        elif current is not None:
            self.popup.row(current.name).setFocus(Qt.FocusReason.PopupFocusReason)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """The text, and space for the arrow."""
        hint = super().sizeHint()
        return QSize(hint.width() + 30, hint.height())

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """The button, its words cut in the middle where they need more room, and an arrow: there is a list."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        room = self.width() - self.iconSize().width() - _FRAME
        words = self.fontMetrics().elidedText(option.text, Qt.TextElideMode.ElideMiddle, room)
        option.text = words.replace("&", "&&")
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)
        arrow = icons.pixmap("chevron-down", "muted", 16, self.devicePixelRatioF())
        left = 12 if self.layoutDirection() == Qt.LayoutDirection.RightToLeft else self.width() - 28
        QPainter(self).drawPixmap(left, self.height() // 2 - 8, arrow)

    def _ordered(self) -> list[ModelStatus]:
        """Of many, those first that were chosen last, then those that are loaded; the rest as they come."""
        if self._chosen and self._chosen not in self._recent[:1]:
            self._recent = [self._chosen, *(name for name in self._recent if name != self._chosen)]
        if len(self._models) <= MANY:
            return self._models
        rank = {name: place for place, name in enumerate(self._recent)}
        return sorted(self._models, key=lambda model: (rank.get(model.name, len(rank)), not model.loaded))

    def _text(self, current: ModelStatus | None) -> str:
        if current is None:
            return self.tr("No model")
        return f"{current.label} — {state_text(current)}" if current.state == "loading" else current.label
