"""The fetch process: fetches from the hub what one line on stdin asks for, and tells how far it is on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from tether_desktop.errors import TetherError
from tether_desktop.model import wire
from tether_desktop.model.fetch.attempts import persist
from tether_desktop.model.fetch.faults import Refused, told
from tether_desktop.model.fetch.hub_files import Choice, HubFile, choose_files
from tether_desktop.model.fetch.hub_listing import HubListing, gated, list_repository
from tether_desktop.model.fetch.hub_reference import HubReference, parse_reference
from tether_desktop.model.fetch.part_file import bytes_there, check_space
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress
from tether_desktop.model.fetch.transfer import Download
from tether_desktop.model.fetch.url import fetch_file
from tether_desktop.model.job import exit_with_parent

Send = Callable[[Mapping[str, Any]], None]


def main() -> int:
    """Fetch; 0 when all is there, 1 when stdout or stderr says why not."""
    output = os.dup(1)
    # What a library prints must not get between our lines.
    os.dup2(2, 1)

    def send(message: Mapping[str, Any]) -> None:
        os.write(output, wire.to_line(message))

    request = json.loads(sys.stdin.buffer.readline())
    exit_with_parent()
    try:
        path = asyncio.run(_HubFetch(request, send, Patience()).run())
    except TetherError as error:
        send({"error": wire.pack_error(error)})
    except Exception:  # noqa: BLE001 - the edge of the process: the parent tells the person, the log has the rest
        traceback.print_exc()
    else:
        send({"path": str(path)})
        return 0
    return 1


class _HubFetch:
    """One request, from the listing to the last file."""

    def __init__(self, request: Mapping[str, Any], send: Send, patience: Patience) -> None:
        self._reference: HubReference = parse_reference(request["reference"])
        self._folder = Path(request["folder"])
        self._endpoint: str | None = request["endpoint"]
        self._token: str | None = request["token"]
        self._send = send
        self._patience = patience
        self._done = 0
        self._total = 0

    async def run(self) -> Path:
        listing = await persist(self._list, self._patience, "The hub")
        choice = choose_files(self._reference.repo, listing.files, self._reference.file)
        self._total = sum(file.size for file, _ in choice.files)
        await asyncio.to_thread(self._check_space, choice)
        for file, place in choice.files:
            await self._fetch(listing, file, place)
            self._done += file.size
        return self._folder / choice.result

    async def _list(self) -> HubListing:
        return await asyncio.to_thread(
            list_repository,
            self._reference,
            endpoint=self._endpoint,
            token=self._token,
            idle_seconds=self._patience.idle_seconds,
        )

    def _check_space(self, choice: Choice) -> None:
        """All of it must fit, less what is there already, complete or not."""
        with told(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            there = sum(min(file.size, bytes_there(self._folder / place)) for file, place in choice.files)
        check_space(self._folder, self._total - there)

    async def _fetch(self, listing: HubListing, file: HubFile, place: PurePosixPath) -> None:
        def report(progress: FetchProgress) -> None:
            self._send({"done": self._done + progress.done_bytes, "total": self._total, "file": place.name})

        download = Download(listing.url(self._reference.repo, file), file.size, listing.headers)
        target = self._folder / place
        try:
            await fetch_file(download, target, checksum=file.checksum, on_progress=report, patience=self._patience)
        except Refused as error:
            raise gated(self._reference) if error.status in (401, 403) else error from error
