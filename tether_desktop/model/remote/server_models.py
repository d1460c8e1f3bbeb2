"""The models of the servers a person has added, for the catalogue: remembered from the last look, looked at aside."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tether_desktop import paths
from tether_desktop.errors import SettingsError, TetherError
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.remote.servers import Server, read_servers, servers_path

if TYPE_CHECKING:
    from tether_desktop.model.remote.limits import Limits
    from tether_desktop.model.remote.listing import ListedModel

logger = logging.getLogger(__name__)

RETRY_S = 30.0
"""A server that cannot be reached is looked at again after this."""

_FILE_NAME = "server-models.json"
_FORMAT = 1
_LARGEST_FILE = 16 << 20

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a server has listed.

    Attributes:
        url: where it was then.
        models: the name of each, and its context window in tokens (0: not told).
    """

    url: str
    models: tuple[tuple[str, int], ...]


class ServerModels:
    """Lists the models of the servers; used from one event loop, but for :meth:`entries`.

    Nothing is contacted where no server was added.

    Attributes:
        problems: by the server's name, why it could not be looked at last.
    """

    def __init__(self, *, limits: Limits | None = None, sleep: Sleep = asyncio.sleep) -> None:
        """Prepare; ``limits`` says how long a server is waited for."""
        self.problems: dict[str, TetherError] = {}
        self._limits = limits
        self._sleep = sleep
        self._callbacks: list[Callable[[], None]] = []
        self._looking: asyncio.Task[None] | None = None
        self._again = asyncio.Event()

    def entries(self) -> Sequence[ModelEntry]:
        """All models as they are known, from files alone; it neither waits nor raises."""
        try:
            servers = read_servers()
        except SettingsError as error:
            path = servers_path()
            return [ModelEntry(path.name, path, "remote", usable=False, reason=error.message, remedy=error.hint)]
        remembered = recall()
        return [entry for server in servers for entry in self._entries(server, remembered.get(server.name))]

    def subscribe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call ``callback``, in the loop's thread, when a look has changed the entries; returns how to stop that."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def look(self) -> None:
        """Look at the servers soon, in the background, and at those that cannot be reached every now and then."""
        self._again.set()
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._keep_looking(), name="look at the servers")

    async def refresh(self) -> None:
        """Look at all servers now, and remember what they list."""
        try:
            servers = await asyncio.to_thread(read_servers)
        except SettingsError as error:
            logger.warning("%s", error)
            servers = ()
        before = await asyncio.to_thread(self.entries)
        await asyncio.gather(*(self._refresh(server) for server in servers))
        self.problems = {name: self.problems[name] for name in self.problems if name in {each.name for each in servers}}
        if await asyncio.to_thread(self.entries) != before:
            for callback in list(self._callbacks):
                callback()

    async def close(self) -> None:
        """Stop looking; idempotent."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    async def _keep_looking(self) -> None:
        while self._again.is_set():
            self._again.clear()
            await self.refresh()
            if self.problems:
                await self._pause()

    async def _pause(self) -> None:
        """Wait for the time of another look, or for somebody who wants one at once."""
        waiting = [asyncio.ensure_future(self._sleep(RETRY_S)), asyncio.ensure_future(self._again.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waiting:
                each.cancel()
        self._again.set()

    async def _refresh(self, server: Server) -> None:
        try:
            await look_at(server, self._limits)
        except TetherError as error:
            logger.info("The server %s cannot be looked at: %s", server.name, error.message)
            self.problems[server.name] = error
        else:
            self.problems.pop(server.name, None)

    def _entries(self, server: Server, remembered: Remembered | None) -> list[ModelEntry]:
        known = dict(remembered.models) if remembered and remembered.url == server.url else {}
        names = server.models or tuple(known)
        problem = self.problems.get(server.name)
        if not names:
            return [_unknown(server, problem)]
        return [_entry(server, name, known.get(name) or server.context_window, problem) for name in names]


async def look_at(server: Server, limits: Limits | None = None) -> list[ListedModel]:
    """What a server lists now, which is remembered.

    Raises:
        ServerError: it cannot be reached, does not take the key, or lists nothing.
        SettingsError: its key cannot be read.
    """
    # Imported here, since the window opens without a word to any server.
    from tether_desktop.model.remote.keys import read_key
    from tether_desktop.model.remote.limits import Limits
    from tether_desktop.model.remote.models import models_of

    key = await asyncio.to_thread(read_key, server)
    models = await models_of(server, key, limits or Limits())
    await asyncio.to_thread(remember, server, models)
    return models


def recall() -> dict[str, Remembered]:
    """What servers have listed, by their names; a file that cannot be read is as good as none."""
    try:
        return _parse(_read(memory_path()))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, LookupError, RecursionError) as error:
        logger.warning("%s cannot be read: %s", memory_path(), error)
        return {}


def remember(server: Server, models: Sequence[ListedModel]) -> None:
    """Keep what a server lists; where that cannot be written, it is asked again the next time."""
    windows = [[model.id, model.context_window or model.trained_window] for model in models]
    known = {name: asdict(each) for name, each in recall().items()}
    document = {"format": _FORMAT, "servers": {**known, server.name: {"url": server.url, "models": windows}}}
    _write(document)


def forget(server: Server) -> None:
    """Forget what a server has listed."""
    known = {name: asdict(each) for name, each in recall().items() if name != server.name}
    _write({"format": _FORMAT, "servers": known})


def memory_path() -> Path:
    """The file with what servers have listed."""
    return paths.data_dir() / _FILE_NAME


def _write(document: dict[str, Any]) -> None:
    try:
        paths.write_private(memory_path(), json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        logger.warning("%s cannot be written: %s", memory_path(), error)


def _read(path: Path) -> Any:
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError("it is too large")
    return json.loads(path.read_bytes())


def _parse(document: Any) -> dict[str, Remembered]:
    if document["format"] != _FORMAT:
        raise ValueError("it is of another format")
    return {
        str(name): Remembered(str(each["url"]), tuple((str(model), int(window)) for model, window in each["models"]))
        for name, each in document["servers"].items()
    }


def _entry(server: Server, model: str, window: int, problem: TetherError | None) -> ModelEntry:
    entry = ModelEntry(f"{server.name}/{model}", servers_path(), "remote", context_window=window)
    return entry if problem is None else _unusable(entry, server, problem)


def _unknown(server: Server, problem: TetherError | None) -> ModelEntry:
    """What stands for the models of a server that has not told them yet."""
    entry = ModelEntry(server.name, servers_path(), "remote")
    waiting = TetherError("Not known yet", f"The models of {server.name} are not known yet.")
    return _unusable(entry, server, problem or waiting)


def _unusable(entry: ModelEntry, server: Server, problem: TetherError) -> ModelEntry:
    remedy = problem.hint or f"`tether servers test {server.name}` looks at it."
    return ModelEntry(
        entry.name,
        entry.path,
        "remote",
        usable=False,
        reason=problem.message,
        remedy=remedy,
        code=problem.code,
        context_window=entry.context_window,
    )
