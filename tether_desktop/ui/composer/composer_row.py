"""The buttons below the message: attach, prompts, tools, persona, what it costs, send."""

from __future__ import annotations

from PySide6.QtCore import QLocale, QSize, Qt, Signal, Slot
from PySide6.QtGui import QFontMetrics, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from tether_desktop.ui.composer.file_words import token_text
from tether_desktop.ui.composer.message_edit import SendKey
from tether_desktop.ui.composer.tool_button import ToolButton
from tether_desktop.ui.look import spacing
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.plain_view import visible
from tether_desktop.ui.look.stylesheet import set_kind

_BUTTON = 36
_WIDEST_NAME = 140
_NARROW = 380
"""Below this width the persona is shown by its icon alone."""


class ComposerRow(QWidget):
    """Lays the buttons out; the composer says what they do.

    Attributes:
        attach_button, prompts_button, tool_button, persona_button: what goes with the question.
        token_label: what the question costs; empty for a short one.
        queue_button: sends after the answer that is being written; shown while there is one.
        button: sends, or stops the answer.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.attach_button = IconButton("paperclip", self.tr("Attach files"))
        self.prompts_button = IconButton("bookmark", self.tr("Saved prompts (/)"))
        self.tool_button = ToolButton()
        self.persona_button = PersonaButton()
        self.token_label = QLabel()
        self.token_label.setProperty("kind", "small")
        self.queue_button = IconButton("arrow-up", "", size=20)
        self.queue_button.setProperty("kind", "floating")
        self.queue_button.hide()
        self.button = IconButton("arrow-up", "", color="on_accent", size=20)
        self.button.setProperty("kind", "round")
        for button in (self.attach_button, self.prompts_button, self.queue_button, self.button):
            button.setFixedSize(_BUTTON, _BUTTON)
        self._send_keys = ""
        self._busy = False
        self._stop_label = self.tr("Stop")
        self._lay_out()
        self.name_send_key("enter")

    def name_send_key(self, send_key: SendKey) -> None:
        """Let the buttons name the key that sends."""
        keys = Qt.Key.Key_Enter if send_key == "enter" else Qt.Modifier.CTRL | Qt.Key.Key_Enter
        self._send_keys = QKeySequence(keys).toString(QKeySequence.SequenceFormat.NativeText)
        self.show_busy(busy=self._busy, can_queue=self.queue_button.isVisibleTo(self))

    def name_keys(self, attach: str, stop: str) -> None:
        """Let the buttons name the keys that attach and that stop; empty for none."""
        what = self.tr("Attach files")
        self.attach_button.set_label(f"{what} ({attach})" if attach else what)
        self._stop_label = self.tr("Stop ({keys})").format(keys=stop) if stop else self.tr("Stop")
        self.show_busy(busy=self._busy, can_queue=self.queue_button.isVisibleTo(self))

    def show_busy(self, *, busy: bool, can_queue: bool) -> None:
        """While an answer is written the button stops it, and another one beside it queues what is typed."""
        self._busy = busy
        self.button.set_icon("square" if busy else "arrow-up")
        send = self.tr("Send ({keys})").format(keys=self._send_keys)
        self.button.set_label(self._stop_label if busy else send)
        self.queue_button.set_label(self.tr("Send when the answer is done ({keys})").format(keys=self._send_keys))
        self.queue_button.setVisible(can_queue)

    def show_tokens(self, tokens: int | None, window: int = 0) -> None:
        """Say what the question costs; ``window`` is what the model keeps in mind, 0 when unknown."""
        if tokens is None:
            self.token_label.clear()
            self.token_label.setToolTip("")
            return
        share = tokens / window if window else 0.0
        text = token_text(tokens)
        if window:
            text += f" · {_percent(share)}"
        self.token_label.setText(text)
        self.token_label.setToolTip(self._explained(window, fits=share < 1))
        set_kind(self.token_label, "small" if share < 1 else "warning")

    def _explained(self, window: int, *, fits: bool) -> str:
        if not window:
            return self.tr("What the model reads of this question")
        words = (
            self.tr("Of {window} tokens that this model keeps in mind")
            if fits
            else self.tr(
                "More than the {window} tokens that this model keeps in mind: it cannot be answered as a whole"
            )
        )
        return words.format(window=QLocale().toString(window))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802  (Qt's name)
        """Leave the persona's name out where there is little room."""
        super().resizeEvent(event)
        self.persona_button.show_name(shown=event.size().width() >= _NARROW)

    def _lay_out(self) -> None:
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(spacing.HAIR)
        for button in (self.attach_button, self.prompts_button, self.tool_button, self.persona_button):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.token_label)
        row.addSpacing(spacing.SMALL)
        row.addWidget(self.queue_button)
        row.addSpacing(spacing.TIGHT)
        row.addWidget(self.button)


class PersonaButton(IconButton):
    """Shows who the model is in this chat, and opens a menu.

    Signals:
        menu_wanted(): it was pressed.
    """

    menu_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("user-round", "", parent)
        self._persona = ""
        self._own = False
        self._shown = True
        self.setFixedHeight(_BUTTON)
        self.setMinimumWidth(_BUTTON)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._on_clicked)
        self.show_persona("")

    def show_persona(self, persona: str, *, own: bool = False) -> None:
        """Name the persona, empty for none; ``own`` when the chat has settings of its own without one."""
        self._persona, self._own = persona, own
        name = visible(persona) if persona else self.tr("Custom") if own else self.tr("Default")
        metrics = QFontMetrics(self.font())
        # Qt leaves too little between an icon and the words.
        self.setText(f" {metrics.elidedText(name, Qt.TextElideMode.ElideRight, _WIDEST_NAME)}")
        self.set_label(self.tr("Persona: {name}").format(name=name))
        self.set_icon("user-round", "accent" if persona or own else "muted")

    def show_name(self, *, shown: bool) -> None:
        """Show the name beside the icon, or the icon alone."""
        style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon if shown else Qt.ToolButtonStyle.ToolButtonIconOnly
        if self.toolButtonStyle() != style:
            self.setToolButtonStyle(style)

    def sizeHint(self) -> QSize:  # noqa: N802  (Qt's name)
        """With a little air behind the name."""
        hint = super().sizeHint()
        beside = self.toolButtonStyle() == Qt.ToolButtonStyle.ToolButtonTextBesideIcon
        return QSize(hint.width() + 8, hint.height()) if beside else QSize(_BUTTON, _BUTTON)

    @Slot()
    def _on_clicked(self) -> None:
        self.menu_wanted.emit()


def _percent(share: float) -> str:
    if share < 0.01:
        return f"<1{QLocale().percent()}"
    return f"{round(share * 100)}{QLocale().percent()}"
