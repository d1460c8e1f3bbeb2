"""Notices when models come, go or change, so that nobody has to look again.

Names, sizes and times are compared every few seconds. Notifications of the system would be cheaper, but they miss
what another computer does on a network drive, run out of handles on Linux, and need a native package.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from time import monotonic

from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.model_folder import CONFIG_NAME
from tether_desktop.model.discovery.prepared import prepared_folders
from tether_desktop.model.discovery.search import survey

logger = logging.getLogger(__name__)

INTERVAL_S = 2.0
LONGEST_INTERVAL_S = 20.0
_SHARE = 0.05
"""Of the time is spent on looking: on a slow drive it is looked at less often, down to the longest interval."""

Sleep = Callable[[float], Awaitable[None]]
FolderState = frozenset[tuple[str, int, int]]
"""Path, size and time of change of all that the catalogue reads or goes by."""

_NEVER: FolderState = frozenset({("", -1, -1)})
"""What is never seen."""


class ModelWatch:
    """Tells its subscribers of changes under the model folders; used from one event loop."""

    def __init__(self, roots: Sequence[Path], *, sleep: Sleep = asyncio.sleep) -> None:
        """Prepare; nothing is looked at before somebody subscribes."""
        self._roots = tuple(roots)
        self._sleep = sleep
        self._callbacks: list[Callable[[], None]] = []
        self._task: asyncio.Task[None] | None = None
        self._known: FolderState | None = None

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback``, in the loop's thread, after each change from now on; returns how to stop that."""
        self._callbacks.append(callback)
        if self._task is None:
            self._task = asyncio.create_task(self._watch())
        return lambda: self._callbacks.remove(callback)

    async def close(self) -> None:
        """Stop looking; idempotent."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    @asynccontextmanager
    async def listing(self) -> AsyncIterator[None]:
        """While this is open somebody lists the models; what is there is what they know from then on.

        What changes meanwhile may be in their list or not, so they are told of it at the next look, whatever it sees.
        Without this, what has gone when it is listed and is back before the next look would stay gone in the list.
        """
        before, _ = await self._look()
        yield
        after, _ = await self._look()
        self._known = after if after == before else _NEVER

    async def _watch(self) -> None:
        while True:
            state, seconds = await self._look()
            if self._known is None:
                self._known = state
            elif state != self._known:
                self._known = state
                self._tell()
            await self._sleep(min(max(INTERVAL_S, seconds / _SHARE), LONGEST_INTERVAL_S))

    def _tell(self) -> None:
        logger.info("The model folders have changed")
        for callback in list(self._callbacks):
            callback()

    async def _look(self) -> tuple[FolderState, float]:
        """What is there, and how many seconds it took to see it; waiting for a thread does not count."""

        def look() -> tuple[FolderState, float]:
            start = monotonic()
            return folder_state(self._roots), monotonic() - start

        return await asyncio.to_thread(look)


def folder_state(roots: Sequence[Path]) -> FolderState:
    """The state of the model folders and of the list of trusted libraries; equal as long as nothing changes."""
    return frozenset(_seen(path) for path in _files(roots))


def _files(roots: Sequence[Path]) -> Iterator[Path]:
    found = survey(roots)
    for place in found.places.values():
        yield place.path
        yield from (place.folder / name for name in place.files)
    yield from found.libraries
    yield from (folder / CONFIG_NAME for folder in prepared_folders(roots))
    yield trust.trusted_path()


def _seen(path: Path) -> tuple[str, int, int]:
    try:
        status = path.stat()
    except OSError:
        return str(path), -1, -1
    return str(path), status.st_size, status.st_mtime_ns
