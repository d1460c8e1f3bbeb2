"""Fetching what makes a model of a hub repository: list it, choose, then file by file."""

from __future__ import annotations

import asyncio
from pathlib import Path, PurePosixPath

from tether_desktop.model.fetch.attempts import persist
from tether_desktop.model.fetch.faults import Refused, told
from tether_desktop.model.fetch.hub_files import Choice, HubFile, choose_files
from tether_desktop.model.fetch.hub_listing import HubListing, gated, list_repository
from tether_desktop.model.fetch.hub_reference import HubReference
from tether_desktop.model.fetch.part_file import bytes_there, check_space
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress, OnFetchProgress
from tether_desktop.model.fetch.transfer import Download
from tether_desktop.model.fetch.url import fetch_file


class HubFetch:
    """One model, from the listing to the last file."""

    def __init__(self, reference: HubReference, folder: Path, on_progress: OnFetchProgress, patience: Patience) -> None:
        """Prepare.

        Args:
            reference: what to fetch.
            folder: made if it is missing.
            on_progress: gets the bytes of all files together.
            patience: with a bad connection.
        """
        self._reference = reference
        self._folder = folder
        self._on_progress = on_progress
        self._patience = patience
        self._done = 0
        self._total = 0

    async def run(self, endpoint: str | None, token: str | None) -> Path:
        """Fetch; see :func:`fetch_hub`."""
        listing = await self._list(endpoint, token)
        choice = choose_files(self._reference.repo, listing.files, self._reference.file)
        self._total = sum(file.size for file, _ in choice.files)
        await asyncio.to_thread(self._check_space, choice)
        for file, place in choice.files:
            await self._fetch(listing, file, place)
            self._done += file.size
        return self._folder / choice.result

    async def _list(self, endpoint: str | None, token: str | None) -> HubListing:
        def ask() -> HubListing:
            seconds = self._patience.idle_seconds
            return list_repository(self._reference, endpoint=endpoint, token=token, idle_seconds=seconds)

        return await persist(lambda: asyncio.to_thread(ask), self._patience, "The hub")

    def _check_space(self, choice: Choice) -> None:
        """All of it must fit, less what is there already, complete or not."""
        with told(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            there = sum(min(file.size, bytes_there(self._folder / place)) for file, place in choice.files)
        check_space(self._folder, self._total - there)

    async def _fetch(self, listing: HubListing, file: HubFile, place: PurePosixPath) -> None:
        def report(progress: FetchProgress) -> None:
            self._on_progress(FetchProgress(self._done + progress.done_bytes, self._total, place.name))

        download = Download(listing.url(self._reference.repo, file), file.size, listing.headers)
        target = self._folder / place
        try:
            await fetch_file(download, target, checksum=file.checksum, on_progress=report, patience=self._patience)
        except Refused as error:
            raise gated(self._reference) if error.status in (401, 403) else error from error
