"""Finds out what the About page tells, away from the window."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Slot, qVersion

from tether_desktop.ui.error_words import put_in_words
from tether_desktop.ui.settings.about_page import AboutPage
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.tools.server_dialogs import TextDialog
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.ui.settings.about_facts import AboutFacts, Licence
    from tether_desktop.updates.check import UpdateCheck


class AboutDesk(QObject):
    """Serves one page as long as it is there."""

    def __init__(self, worker: EngineWorker, tasks: Tasks, page: AboutPage) -> None:
        super().__init__(page)
        self._worker = worker
        self._tasks = tasks
        self._page = page
        page.licence_requested.connect(self._on_licence)
        page.diagnostics_requested.connect(self._on_diagnostics)
        page.updates.requested.connect(self._on_update)
        self._start(self._look())

    async def _look(self) -> None:
        self._page.show_facts(await self._worker.submit(_facts))

    async def _diagnose(self) -> None:
        self._page.copy_diagnostics(await self._worker.submit(_diagnostics))

    async def _check(self) -> None:
        from tether_desktop.errors import UpdateCheckFailed

        try:
            self._page.updates.show_check(await self._worker.submit(_newest))
        except UpdateCheckFailed as error:
            put_in_words(error)
            self._page.updates.show_problem(error)

    async def _show(self, licence: Licence) -> None:
        async def read(_tether: Tether) -> str:
            import asyncio

            return await asyncio.to_thread(licence.read)

        text = await self._worker.submit(read)
        dialog = TextDialog(self.tr("Licence of {name}").format(name=licence.name), self._page)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.text.setPlainText(text or licence.kind or self.tr("Its makers put no text beside it."))
        dialog.open()

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do it as long as the page is there."""
        self._page.destroyed.connect(self._tasks.start(work).cancel)

    @Slot(object)
    def _on_licence(self, licence: Licence) -> None:
        self._start(self._show(licence))

    @Slot()
    def _on_update(self) -> None:
        self._start(self._check())

    @Slot()
    def _on_diagnostics(self) -> None:
        self._start(self._diagnose())


async def _newest(_tether: Tether) -> UpdateCheck:
    import asyncio

    from tether_desktop.updates.channel import read_channel
    from tether_desktop.updates.check import check_for_updates

    return await asyncio.to_thread(lambda: check_for_updates(read_channel()))


async def _facts(_tether: Tether) -> AboutFacts:
    import asyncio

    from tether_desktop.ui.settings.about_facts import read_about

    return await asyncio.to_thread(read_about, qVersion())


async def _diagnostics(_tether: Tether) -> str:
    import asyncio

    return await asyncio.to_thread(_examined)


def _examined() -> str:
    """What the doctor finds, a line each; the person's own folder is not named."""
    from tether_desktop.doctor import examine

    lines = [
        " ".join(filter(None, (f"{each.status:4} {each.check}: {each.message}", each.remedy))) for each in examine()
    ]
    return "\n".join(lines).replace(str(Path.home()), "~") + "\n"
