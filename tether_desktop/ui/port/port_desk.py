"""Opens, moves and closes the local port as the settings say, and sees to the token."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal, Slot

from tether_desktop.errors import TetherError
from tether_desktop.ui.banner import Banner
from tether_desktop.ui.port.port_sign import PortSign
from tether_desktop.ui.port.port_state import PortState, is_local
from tether_desktop.ui.tasks import Tasks
from tether_desktop.ui.told import as_tether_error
from tether_desktop.ui.worker.worker import EngineWorker

if TYPE_CHECKING:
    from tether_desktop.app import Tether
    from tether_desktop.settings import Settings

PLACE = ("serve", "host", "port", "lan_access")
"""The settings that say whether and where the port is open; the others hold from the next request on by themselves."""


class PortDesk(QObject):
    """Keeps the port as the settings say, and the window's signs of it true; all work is the worker's.

    Attributes:
        state: how the port is.
        has_page: whether its page is open, which tells by itself what goes wrong.

    Signals:
        changed(): so is ``state``.
        state_changed(PortState): the same, with it.
        token_known(token): the own token, because it was asked for or renewed.
        token_failed(TetherError): it could not be read or made.
    """

    changed = Signal()
    state_changed = Signal(object)
    token_known = Signal(str)
    token_failed = Signal(object)

    def __init__(
        self, worker: EngineWorker, tasks: Tasks, sign: PortSign, banner: Banner, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.state = PortState()
        self.has_page = False
        self._sign = sign
        self._banner = banner
        self._worker = worker
        self._tasks = tasks
        self._wanted: Settings | None = None
        self._told: TetherError | None = None
        self._due = False
        self._moving = False
        worker.port_changed.connect(self._on_port_changed)

    def follow(self, settings: Settings) -> None:
        """Open, move or close the port where these settings want it otherwise than those before."""
        before, self._wanted = self._wanted, settings
        if before is None:
            wanted = settings.serve == "on"
        else:
            wanted = any(getattr(before, name) != getattr(settings, name) for name in PLACE)
        if wanted:
            self.open_again()

    @Slot()
    def open_again(self) -> None:
        """Try once more to have it as the settings say."""
        self._due = True
        if not self._moving:
            self._tasks.start(self._move())

    @Slot()
    def tell_token(self) -> None:
        """Tell the own token, by ``token_known``."""
        self._tasks.start(self._tell(_own_token))

    @Slot()
    def renew_token(self) -> None:
        """Replace the own token and tell the new one, by ``token_known``."""
        self._tasks.start(self._tell(_renewed_token))

    async def _tell(self, find: Callable[[Tether], Coroutine[Any, Any, str]]) -> None:
        try:
            token = await self._worker.submit(find)
        except TetherError as error:
            self.token_failed.emit(error)
        else:
            self.token_known.emit(token)

    async def _move(self) -> None:
        """Open and close until all that was asked for meanwhile is done."""
        self._moving = True
        try:
            while self._due and self._wanted is not None:
                self._due = False
                await self._move_to(self._wanted)
        finally:
            self._moving = False

    async def _move_to(self, settings: Settings) -> None:
        self._show(PortState("opening" if settings.serve == "on" else "closing"))
        try:
            url = await self._worker.submit(lambda tether: _reopen(tether, settings))
        except Exception as error:  # noqa: BLE001 — whatever went wrong, nobody may wait for the port for ever
            told = as_tether_error(error)
            self._show(PortState("failed", error=told))
        else:
            self._show(PortState("open", url, exposed=not is_local(settings.host)) if url else PortState())

    def _show(self, state: PortState) -> None:
        if state.error is not None and not self.has_page:
            self._banner.show_calmly(state.error)
        elif state.phase in {"open", "closed"}:
            self._banner.withdraw(self._told)
        self._told = state.error or self._told
        self.state = state
        self._sign.show_state(state)
        self.changed.emit()
        self.state_changed.emit(state)

    @Slot(str)
    def _on_port_changed(self, url: str) -> None:
        """Somebody else has opened or closed it."""
        if not self._moving and url != self.state.url:
            exposed = self._wanted is not None and not is_local(self._wanted.host)
            self._show(PortState("open", url, exposed=exposed) if url else PortState())


async def _reopen(tether: Tether, settings: Settings) -> str:
    """Close the port, and open it where the settings say if they do; its address, empty when it is closed."""
    await tether.port.close()
    return await tether.port.open(settings.host, settings.port) if settings.serve == "on" else ""


async def _own_token(tether: Tether) -> str:
    import asyncio  # not at the top: the first frame of the window must not wait for it

    return await asyncio.to_thread(tether.port.tokens.own)


async def _renewed_token(tether: Tether) -> str:
    import asyncio

    return await asyncio.to_thread(tether.port.tokens.renew)
