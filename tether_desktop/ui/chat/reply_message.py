"""A reply: who answers, what it is doing, its thoughts, calls and text in order, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from tether_desktop.ui.chat.error_card import ErrorCard
from tether_desktop.ui.chat.figures_popover import FiguresPopover
from tether_desktop.ui.chat.message_parts import ACTIONS_HEIGHT, Notice, StatusLine
from tether_desktop.ui.chat.message_view import CallView, MessageView, Thoughts
from tether_desktop.ui.chat.message_widget import WRAP, MessageWidget
from tether_desktop.ui.look import fonts, icons, theme
from tether_desktop.ui.look.fold import Fold
from tether_desktop.ui.look.icons import IconButton
from tether_desktop.ui.look.mirror import mirrored, place
from tether_desktop.ui.markdown.markdown_body import MarkdownBody
from tether_desktop.ui.number_text import duration_text
from tether_desktop.ui.tools.tool_card import ToolCard
from tether_desktop.ui.tools.tool_facts import ToolNames

AVATAR = 32
HEADER_HEIGHT = 22
HEADER_TOP = 5
GAP = 10
ERROR = "error"
"""The fold of an error's details."""


class ReplyMessage(MessageWidget):
    """Shows a reply in the full width of the column.

    Args:
        open_folds: which thoughts and calls the person opened before.
        tool_names: the tools by name; read anew whenever something is shown, as are the next.
        devices: what models run on, by their whole names.
    """

    def __init__(
        self,
        view: MessageView,
        parent: QWidget,
        *,
        open_folds: Container[str] = (),
        tool_names: ToolNames | None = None,
        devices: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(view, parent)
        self._open_folds = open_folds
        self._tool_names: ToolNames = {} if tool_names is None else tool_names
        self._devices: Mapping[str, str] = {} if devices is None else devices
        self._notice: Notice | None = None
        self.body.set_wrapped(WRAP in open_folds)
        self._bodies = [self.body]
        self._texts: list[tuple[str, bool]] = [("", False)]
        self._folds: list[Fold] = []
        self._cards: dict[str, ToolCard] = {}
        self._pieces: list[MarkdownBody | Fold | ToolCard] = []
        self._status: StatusLine | None = None
        self._error: ErrorCard | None = None
        self._figures: IconButton | None = None
        self.show_view(view)

    def show_view(self, view: MessageView) -> None:
        """Show another state of the same reply."""
        self._show_notice(view)
        self._show_pieces(view)
        self._show_status(view)
        self._show_error(view)
        super().show_view(view)
        self.update(0, 0, self.width(), HEADER_TOP + HEADER_HEIGHT)

    def show_more(self) -> None:
        """Show the next part of a long text."""
        self._show_pieces(self.view)

    def restyle(self) -> None:
        """Take the colours of the theme that is on now."""
        for body in self._more_bodies():
            body.restyle()
        for card in self._cards.values():
            card.restyle()
        super().restyle()
        self.update()

    @property
    def pending(self) -> bool:
        """Whether a part of a long text is not shown yet."""
        return any(body.pending for body in self._bodies)

    @property
    def is_pinned(self) -> bool:
        """Also while some of the thoughts, of a later text or of a call is selected."""
        in_text = any(body.has_selection() for body in self._more_bodies())
        return in_text or any(card.has_selection() for card in self._cards.values()) or super().is_pinned

    def bodies(self) -> list[MarkdownBody]:
        """The visible texts, in reading order."""
        return [piece for piece in self._pieces if isinstance(piece, MarkdownBody)]

    def tables_as_csv(self) -> str:
        """All tables of the visible texts."""
        return "\n".join(filter(None, (body.table_tools.all_as_csv() for body in self.bodies())))

    @property
    def cards(self) -> list[ToolCard]:
        """The cards of the calls that are shown, in order."""
        return [piece for piece in self._pieces if isinstance(piece, ToolCard)]

    def refresh_calls(self) -> None:
        """Show the calls anew, because more is known of the tools."""
        for card in self.cards:
            card.show_call(card.call)

    def fit(self, width: int) -> int:
        """Lay out at this width and return the height."""
        left = theme.active().space.gutter
        top = HEADER_TOP + HEADER_HEIGHT + 6
        for part in (self._notice, *self._pieces, self._status, self._error):
            if part is None or part.isHidden():
                continue
            height = part.fit(width - left)
            place(part, QRect(left, top, width - left, height), width)
            top += height + GAP
        self._reserve_actions(QRect(left - 6, top - 8, width - left, ACTIONS_HEIGHT))
        return top - 8 + ACTIONS_HEIGHT

    def _show_notice(self, view: MessageView) -> None:
        if view.notice and self._notice is None:
            self._notice = Notice(self)
        if self._notice is not None:
            self._notice.show_text(view.notice)
            self._notice.setVisible(bool(view.notice))

    def _more_bodies(self) -> list[MarkdownBody]:
        """All bodies but the first: later texts, and thoughts that are open."""
        return [*self._bodies[1:], *(fold.body for fold in self._folds if fold.body is not None)]

    def _show_pieces(self, view: MessageView) -> None:
        """Show text, thoughts and calls, each in the widget that showed it before."""
        sections = list(view.sections())
        pieces: list[MarkdownBody | Fold | ToolCard] = []
        for section in sections:
            is_last = section is sections[-1]
            if isinstance(section, str):
                pieces.append(self._show_text(section, pieces, complete=not (view.running and is_last)))
            elif isinstance(section, Thoughts):
                pieces.append(
                    self._show_thoughts(
                        section, pieces, thinking=view.state == "thinking" and section is view.asides[-1]
                    )
                )
            else:
                pieces.append(self._show_call(section))
        for piece in (*self._bodies, *self._folds, *self._cards.values()):
            piece.setVisible(piece in pieces)
        self._pieces = pieces

    def _show_text(self, text: str, before: list[MarkdownBody | Fold | ToolCard], *, complete: bool) -> MarkdownBody:
        number = sum(isinstance(piece, MarkdownBody) for piece in before)
        if number == len(self._bodies):
            body = self._make_body(wrap=WRAP in self._open_folds)
            self._bodies.append(body)
            self._texts.append(("", False))
        # Texts before a call are final, and would be parsed anew with every word that follows it.
        if self._texts[number] != (text, complete) or self._bodies[number].pending:
            self._texts[number] = (text, complete)
            self._bodies[number].show_markdown(text, complete=complete)
        return self._bodies[number]

    def _show_thoughts(
        self, thoughts: Thoughts, before: list[MarkdownBody | Fold | ToolCard], *, thinking: bool
    ) -> Fold:
        number = sum(isinstance(piece, Fold) for piece in before)
        if number == len(self._folds):
            key = f"thoughts {number}"
            fold = Fold(self, is_open=key in self._open_folds)
            fold.toggled.connect(self._fold_listener(key))
            fold.link_activated.connect(self.link_activated)
            fold.whole_requested.connect(self.whole_requested)
            self._folds.append(fold)
        self._folds[number].show_thoughts(
            self._thoughts_label(thoughts, thinking), thoughts.text, complete=not thinking
        )
        return self._folds[number]

    def _show_call(self, call: CallView) -> ToolCard:
        card = self._cards.get(call.id)
        if card is None:
            card = ToolCard(self, self._tool_names, is_open=call.id in self._open_folds)
            card.toggled.connect(self._fold_listener(call.id))
            card.answered.connect(self.call_answered)
            self._cards[call.id] = card
        if card.call != call:
            card.show_call(call)
        return card

    def _fold_listener(self, key: str) -> Callable[[bool], None]:
        def on_toggled(is_open: bool) -> None:
            self.fold_toggled.emit(self.view.id, key, is_open)
            self.resized.emit()

        return on_toggled

    def _thoughts_label(self, thoughts: Thoughts, thinking: bool) -> str:
        if thinking:
            seconds = int(thoughts.seconds or 0)
            return self.tr("Thinking for {seconds} s…").format(seconds=seconds) if seconds else self.tr("Thinking…")
        if thoughts.seconds is None:
            return self.tr("Thoughts")
        return self.tr("Thought for {duration}").format(duration=duration_text(thoughts.seconds))

    def _show_status(self, view: MessageView) -> None:
        shown = self._status_of(view)
        if shown and self._status is None:
            self._status = StatusLine(self)
            self._status.go_on.clicked.connect(lambda: self.continue_requested.emit(self.view.id))
        if self._status is not None:
            self._status.setVisible(shown is not None)
            if shown:
                self._status.go_on.setVisible(self._newest and view.can_go_on)
                self._status.show_status(shown[0], shown[1], view.progress if view.running else None)

    def _status_of(self, view: MessageView) -> tuple[str, str] | None:
        """Icon and words for what the reply is doing, or None when its text says enough."""
        lines = {
            "waiting": ("clock", self.tr("Waiting for the model…"), True),
            "loading": ("hard-drive", self._with_share(self.tr("Loading model"), view.progress), True),
            "reading": ("file-text", self._with_share(self.tr("Reading prompt"), view.progress), True),
            "thinking": ("brain", self.tr("Thinking…"), not view.reasoning),
            "streaming": ("pencil", self.tr("Writing…"), not view.ends_with_text),
            "preparing": ("wrench", self.tr("Preparing a tool call…"), True),
            "cut_off": ("circle-stop", self.tr("Cut off at the longest length of a reply"), True),
            "cancelled": ("circle-stop", self.tr("Stopped"), True),
        }
        icon, words, shown = lines.get(view.state, ("", "", False))
        return (icon, words) if shown else None

    def _with_share(self, words: str, progress: float | None) -> str:
        if progress is None:
            return f"{words}…"
        return self.tr("{what} {percent} %").format(what=words, percent=round(progress * 100))

    def _show_error(self, view: MessageView) -> None:
        failed = view.state == "error"
        if failed and self._error is None:
            self._error = ErrorCard(self, is_open=ERROR in self._open_folds)
            self._error.toggled.connect(self._fold_listener(ERROR))
            self._error.retry_clicked.connect(lambda: self.retry_requested.emit(self.view.id))
            self._error.continue_clicked.connect(lambda: self.continue_requested.emit(self.view.id))
            self._error.restart_clicked.connect(self.restart_requested)
        if self._error is not None:
            self._error.setVisible(failed)
            if failed:
                device = self._devices.get(view.figures.model, "")
                self._error.show_error(view, device=device, can_go_on=self._newest and bool(view.text))

    def _buttons(self) -> list[QWidget]:
        again = self._button("refresh-cw", self.tr("Answer again"))
        again.clicked.connect(lambda: self.regenerate_requested.emit(self.view.id, ""))
        self._figures = self._button("info", self.tr("What the answer took"))
        self._figures.clicked.connect(self.show_figures)
        return [self._copy_button(), again, self._figures, self._more_button(), self._version_switch()]

    def show_figures(self) -> None:
        """Show what the reply took, below its buttons."""
        if self._figures is not None and self.view.figures.model:
            popover = FiguresPopover(self.view.figures, self)
            popover.open_at(self._figures.mapToGlobal(QPoint(0, self._figures.height() + 4)))

    def _show_actions(self) -> None:
        super()._show_actions()
        if self._figures is not None:
            self._figures.setVisible(self.view.figures.usage is not None)
            self._place_actions()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802  (Qt's name)
        """Paint avatar and header."""
        look = theme.active()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(look.colors.border), 1))
        painter.setBrush(QColor(look.colors.window))
        circle = mirrored(self, QRectF(0, 0, AVATAR, AVATAR))
        painter.drawEllipse(circle.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.drawPixmap(
            circle.topLeft() + QPointF(7, 7), icons.pixmap("sparkles", "accent", 18, self.devicePixelRatioF())
        )
        self._paint_header(painter)
        painter.end()
        super().paintEvent(event)

    def _paint_header(self, painter: QPainter) -> None:
        look = theme.active()
        rect = QRectF(look.space.gutter, HEADER_TOP, self.width() - look.space.gutter, HEADER_HEIGHT)
        name = self.view.model or self.tr("Assistant")
        bold = fonts.sans(look, look.type.body - 1, bold=True)
        painter.setFont(bold)
        painter.setPen(QColor(look.colors.text))
        name = QFontMetricsF(bold).elidedText(name, Qt.TextElideMode.ElideMiddle, rect.width())
        side = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        painter.drawText(mirrored(self, rect), side, name)
        if self.view.meta:
            painter.setFont(fonts.sans(look, look.type.body - 1))
            painter.setPen(QColor(look.colors.muted))
            rest = rect.adjusted(QFontMetricsF(bold).horizontalAdvance(name), 0, 0, 0)
            painter.drawText(mirrored(self, rest), side, f" · {self.view.meta}")
