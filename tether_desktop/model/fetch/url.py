"""Fetching one file from the web: in as many attempts as it takes, and later on from where it stopped."""

from __future__ import annotations

import re
from pathlib import Path

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch import faults
from tether_desktop.model.fetch.address import check_address, file_name
from tether_desktop.model.fetch.client import make_client
from tether_desktop.model.fetch.faults import Interrupted
from tether_desktop.model.fetch.part_file import PartFile, file_sha256, remove_part
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress, OnFetchProgress
from tether_desktop.model.fetch.settled import settled
from tether_desktop.model.fetch.transfer import Attempt, Download

_SHA256 = re.compile(r"[0-9a-f]{64}")
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
    return await fetch_file(download, target, sha256=sha256, on_progress=on_progress, patience=patience)


def discard(url: str, folder: Path) -> None:
    """Remove what a cancelled :func:`fetch_url` left; nothing happens where it has left nothing.

    Raises:
        InstallError: the folder cannot be written.
    """
    target = folder / file_name(check_address(url))
    try:
        remove_part(target)
    except OSError as error:
        raise faults.disk_fault(folder, error) from error


async def fetch_file(
    download: Download, target: Path, *, sha256: str | None, on_progress: OnFetchProgress, patience: Patience
) -> Path:
    """Fetch a file to a place; see :func:`fetch_url`.

    Raises:
        InstallError: no such file, no network, no space, or not the file it should be.
    """
    expected = _checked_hash(sha256)
    if expected and (size := await settled(_size_if, target, expected)) is not None:
        on_progress(FetchProgress(size, size, target.name))
        return target
    part = PartFile(target, source=str(download.url), sha256=expected)
    try:
        await settled(part.open)
        await _attempts(download, part, on_progress, patience)
        return await settled(part.finish)
    finally:
        part.close()


async def _attempts(download: Download, part: PartFile, on_progress: OnFetchProgress, patience: Patience) -> None:
    """Try until it is complete; an attempt that brings enough starts the count of retries anew."""

    def report(done: int, total: int | None) -> None:
        on_progress(FetchProgress(done, total, part.target.name))

    retry, most = 0, part.size
    async with make_client(patience.idle_seconds) as client:
        while True:
            try:
                return await Attempt(download, part, patience, report).run(client)
            except Interrupted as fault:
                if part.size >= most + patience.worthwhile_bytes:
                    retry, most = 0, part.size
                if retry == patience.retries:
                    raise faults.gave_up(download.url.host, fault) from fault
                await patience.sleep(min(max(fault.wait, patience.wait_before(retry)), patience.longest_wait))
                retry += 1


def _checked_hash(sha256: str | None) -> str | None:
    if sha256 is None:
        return None
    if _SHA256.fullmatch(digits := sha256.strip().lower()):
        return digits
    raise InstallError(faults.TITLE, "The SHA-256 to check is none: it has 64 hexadecimal digits.", "Check it.")


def _size_if(target: Path, sha256: str) -> int | None:
    """The size of the file, when it is there and has that SHA-256."""
    try:
        return target.stat().st_size if target.is_file() and file_sha256(target) == sha256 else None
    except OSError as error:
        raise faults.disk_fault(target.parent, error) from error
