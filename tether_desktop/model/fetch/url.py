"""Fetching one file from the web: in as many attempts as it takes, and later on from where it stopped."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.model.fetch import faults
from tether_desktop.model.fetch.address import check_address, file_name
from tether_desktop.model.fetch.attempts import persist
from tether_desktop.model.fetch.checksum import Checksum, sha256_checksum
from tether_desktop.model.fetch.client import make_client
from tether_desktop.model.fetch.part_file import PartFile, remove_part
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress, OnFetchProgress
from tether_desktop.model.fetch.settled import settled
from tether_desktop.model.fetch.transfer import Attempt, Download

_PATIENCE = Patience()


async def fetch_url(
    url: str, folder: Path, *, sha256: str | None = None, on_progress: OnFetchProgress, patience: Patience = _PATIENCE
) -> Path:
    """Fetch a file into a folder, under the name that its address ends with.

    Cancelling, or the end of the program, leaves what is there as ``NAME.part`` for the next call;
    :func:`discard` removes it.

    Args:
        url: https; http from this computer alone.
        folder: made if it is missing.
        sha256: in hexadecimal; what the file must have. Without it, the server is believed.
        on_progress: gets the bytes on the disk, about ten times a second.
        patience: with a bad connection.

    Returns:
        The complete file; one that was there before is replaced, unless it has the SHA-256 asked for.

    Raises:
        InstallError: no such file, no network, no space, or not the file it should be.
    """
    download = Download(check_address(url))
    target = folder / file_name(download.url)
    checksum = sha256_checksum(sha256) if sha256 is not None else None
    return await fetch_file(download, target, checksum=checksum, on_progress=on_progress, patience=patience)


def discard(url: str, folder: Path) -> None:
    """Remove what a cancelled :func:`fetch_url` left; nothing happens where it has left nothing.

    Raises:
        InstallError: the folder cannot be written.
    """
    target = folder / file_name(check_address(url))
    with faults.told(folder):
        remove_part(target)


async def fetch_file(
    download: Download, target: Path, *, checksum: Checksum | None, on_progress: OnFetchProgress, patience: Patience
) -> Path:
    """Fetch a file to a place; see :func:`fetch_url`.

    Raises:
        InstallError: no such file, no network, no space, or not the file it should be.
    """
    if checksum and (size := await settled(_size_if, target, checksum)) is not None:
        on_progress(FetchProgress(size, size, target.name))
        return target
    part = PartFile(target, source=str(download.url), checksum=checksum)
    try:
        await settled(part.open)
        await _attempts(download, part, on_progress, patience)
        return await settled(part.finish)
    finally:
        part.close()


async def _attempts(download: Download, part: PartFile, on_progress: OnFetchProgress, patience: Patience) -> None:
    def report(done: int, total: int | None) -> None:
        on_progress(FetchProgress(done, total, part.target.name))

    async with make_client(patience.idle_seconds) as client:
        attempt = Attempt(download, part, patience, report)
        await persist(lambda: attempt.run(client), patience, download.url.host, lambda: part.size)


def _size_if(target: Path, checksum: Checksum) -> int | None:
    """The size of the file, when it is there and the one it must be."""
    with faults.told(target.parent):
        return target.stat().st_size if checksum.matches(target) else None
