"""Asks two models the same question, in conversations that are stored nowhere, and keeps an answer on request."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot

from tether_desktop.errors import TetherError
from tether_desktop.ui.models.answer_pane import Manner
from tether_desktop.ui.models.compare_tab import CompareTab
from tether_desktop.ui.models.side_answer import SideAnswer
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    import asyncio

    from tether_desktop.app import Tether
    from tether_desktop.context.records import Persona, SessionRecord

logger = logging.getLogger(__name__)

_FRAME_S = 0.033


class CompareDesk(QObject):
    """Runs both answers, each on its own.

    Attributes:
        tab: where they are shown.
        answers: what has come of them.

    Signals:
        kept(session_id): an answer became a chat.
    """

    kept = Signal(str)
    _told = Signal(int, int, object)

    def __init__(self, worker: EngineWorker, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tab = CompareTab()
        self.answers = [SideAnswer(), SideAnswer()]
        self._worker = worker
        self._tasks = tasks
        self._round = 0
        self._running: list[asyncio.Task[None]] = []
        self.tab.show_manners(self._manners(()))
        self.tab.asked.connect(self.ask)
        for pane in self.tab.panes:
            pane.stop_requested.connect(self.stop)
            pane.keep_requested.connect(self.keep)
            pane.link_activated.connect(self._on_link)
        self._told.connect(self._on_told)
        self._tasks.start(self._read_personas())

    @Slot(str)
    def ask(self, text: str) -> None:
        """Ask both, and forget what they were asked before."""
        old = [answer.session_id for answer in self.answers if answer.session_id]
        for task in self._running:
            task.cancel()
        self._round += 1
        if old:
            self._tasks.start(self._forget(old))
        self._running = []
        for side, pane in enumerate(self.tab.panes):
            self._show(side, SideAnswer("asked"))
            self._running.append(self._tasks.start(self._ask(side, text, pane.model, pane.manner)))

    @Slot(int)
    def stop(self, side: int) -> None:
        """Stop one of them; what came so far stays."""
        self._tasks.start(self._stop(side))

    @Slot(int)
    def keep(self, side: int) -> None:
        """Begin a chat with the question and this answer."""
        session_id = self.answers[side].session_id
        if session_id:
            self._tasks.start(self._keep(session_id))

    async def _ask(self, side: int, text: str, model: str, manner: Manner) -> None:
        number = self._round

        async def answer(tether: Tether) -> None:
            import asyncio

            from tether_desktop.messages import ToolChoice
            from tether_desktop.protocol.tool_use import ToolUse

            session = await tether.temporary.create(model=model)
            self._told.emit(side, number, session.id)
            if manner.overrides:
                await tether.temporary.configure(session.id, manner.overrides, manner.persona)
            unarmed = ToolUse(choice=ToolChoice("none"))
            turn = await tether.temporary.send(session.id, text, model=model, tool_use=unarmed)
            try:
                async for events in turn.batches():
                    self._told.emit(side, number, tuple(events))
                    await asyncio.sleep(_FRAME_S)
            finally:
                await turn.cancel()

        try:
            await self._worker.submit(answer)
        except Exception as error:  # whatever it was, the person sees it where the answer would be
            told = as_tether_error(error)
            if told is not error:
                logger.exception("A comparison failed")
            self._on_told(side, number, told)

    async def _stop(self, side: int) -> None:
        session_id = self.answers[side].session_id
        if session_id:
            await self._worker.submit(lambda tether: tether.temporary.cancel(session_id))

    async def _forget(self, session_ids: list[str]) -> None:
        async def forget(tether: Tether) -> None:
            for session_id in session_ids:
                await tether.temporary.erase(session_id)

        await self._worker.submit(forget)

    async def _keep(self, session_id: str) -> None:
        async def keep(tether: Tether) -> SessionRecord:
            import asyncio
            import tempfile
            from pathlib import Path

            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "answer.json"
                file = await asyncio.to_thread(path.open, "wb")
                try:
                    await tether.temporary.export(file, [session_id])
                finally:
                    await asyncio.to_thread(file.close)
                report = await tether.sessions.import_from(path)
            return report.imported[0]

        self.kept.emit((await self._worker.submit(keep)).id)

    async def _read_personas(self) -> None:
        try:
            personas = await self._worker.submit(lambda tether: tether.library.personas())
        except TetherError:
            logger.info("The personas cannot be read", exc_info=True)
            return
        self.tab.show_manners(self._manners(personas))

    def _manners(self, personas: list[Persona] | tuple[()]) -> list[Manner]:
        return [
            Manner(self.tr("As the settings say")),
            Manner(self.tr("Precisely (temperature 0.2)"), {"temperature": 0.2}),
            Manner(self.tr("Freely (temperature 1.2)"), {"temperature": 1.2}),
            *(
                Manner(self.tr("As {persona}").format(persona=each.name), dict(each.overrides), each.name)
                for each in personas
            ),
        ]

    def _show(self, side: int, answer: SideAnswer) -> None:
        self.answers[side] = answer
        self.tab.panes[side].show_answer(answer)

    @Slot(int, int, object)
    def _on_told(self, side: int, number: int, what: object) -> None:
        """Take news of an answer: its session's id, its events, or why there is none."""
        if number != self._round:
            return
        answer = self.answers[side]
        if isinstance(what, str):
            self._show(side, replace(answer, session_id=what))
        elif isinstance(what, TetherError):
            self._show(side, replace(answer, state="failed", error=what))
        elif isinstance(what, tuple):
            self._show(side, answer.after(what))

    @Slot(str)
    def _on_link(self, address: str) -> None:
        """Show where a link leads, and ask."""
        from tether_desktop.ui.chat.link_dialog import LinkDialog, allowed_url

        url = allowed_url(address)
        if url is not None:
            dialog = LinkDialog(url, self.tab.window())
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()
