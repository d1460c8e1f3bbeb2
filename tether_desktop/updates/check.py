"""Asks for the newest release, as The Update Framework has it (https://theupdateframework.github.io/specification/).

Metadata that was believed once is kept, so that nobody can show an older state again; what has expired is not believed,
so that nobody can hold a newer state back for long.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import httpx2
from filelock import FileLock, Timeout
from tuf.api.exceptions import (
    DownloadError,
    DownloadHTTPError,
    DownloadLengthMismatchError,
    ExpiredMetadataError,
    RepositoryError,
    UnsignedMetadataError,
)
from tuf.ngclient.config import UpdaterConfig
from tuf.ngclient.fetcher import FetcherInterface
from tuf.ngclient.updater import Updater

import tether_desktop
from tether_desktop import paths
from tether_desktop.errors import InstallError, UpdateCheckFailed
from tether_desktop.model.fetch.address import check_address
from tether_desktop.model.fetch.client import client_options
from tether_desktop.updates.channel import TITLE, Channel
from tether_desktop.updates.release import LARGEST, Release, read_release

logger = logging.getLogger(__name__)

TARGET = "release.json"
"""What the signed metadata calls the description of the newest release."""

_IDLE_S = 15.0
_LOCK_S = 30.0
_MOST_REDIRECTS = 5
_ROTATIONS = 32


@dataclass(frozen=True, slots=True)
class UpdateCheck:
    """What was found out.

    Attributes:
        installed: the version that runs.
        newest: the newest release.
    """

    installed: str
    newest: Release

    @property
    def newer(self) -> bool:
        """Whether there is something to update to."""
        return self.newest.is_newer_than(self.installed)


def check_for_updates(channel: Channel) -> UpdateCheck:
    """Ask a channel for the newest release; blocks for as long as the network takes.

    Raises:
        UpdateCheckFailed: it cannot be reached, or what it says is not signed as it should be, too old, or older than
            what it said before.
    """
    try:
        with _memory() as folder:
            content = _newest(channel, folder)
        return UpdateCheck(tether_desktop.__version__, read_release(content))
    except (RepositoryError, DownloadLengthMismatchError, ValueError) as error:
        logger.warning("What is told of releases is not believed: %s", error)
        raise _not_believed(error, httpx2.URL(channel.url).host, channel.page) from error
    except DownloadError as error:
        raise _not_reached(error, httpx2.URL(channel.url).host) from error
    except OSError as error:
        place = error.filename or paths.updates_dir()
        raise UpdateCheckFailed(
            TITLE,
            f"{place}: {error.strerror or error}.",
            "Make the data folder writable, and make room on the disk.",
        ) from error


def _newest(channel: Channel, folder: Path) -> bytes:
    """The signed description of the newest release."""
    config = UpdaterConfig(max_root_rotations=_ROTATIONS, targets_max_length=LARGEST, snapshot_max_length=LARGEST)
    with _Fetcher() as fetcher:
        updater = Updater(
            str(folder),
            channel.url,
            str(folder.parent),
            channel.url,
            fetcher=fetcher,
            config=config,
            bootstrap=channel.root,
        )
        target = updater.get_targetinfo(TARGET)
        if target is None or target.length > LARGEST:
            raise RepositoryError("there is no description of a release")
        return Path(updater.download_target(target)).read_bytes()


@contextmanager
def _memory() -> Iterator[Path]:
    """A folder with the metadata that was believed before; what is believed in it is kept, also when the rest fails.

    The library wants a folder that knows links, and one user of it at a time.
    """
    kept = paths.updates_dir()
    paths.make_private_folder(kept)
    try:
        with FileLock(kept / "check.lock", timeout=_LOCK_S), TemporaryDirectory(prefix="tether-updates-") as scratch:
            folder = Path(scratch) / "metadata"
            shutil.copytree(kept, folder, ignore=shutil.ignore_patterns("*.lock"))
            try:
                yield folder
            finally:
                _keep(folder, kept)
    except Timeout as error:
        raise UpdateCheckFailed(TITLE, "Another window or command asks just now.", "Try again in a moment.") from error


def _keep(folder: Path, kept: Path) -> None:
    for file in folder.rglob("*.json"):
        if file.is_file() and not file.is_symlink() and file.name != "root.json":
            target = kept / file.relative_to(folder)
            paths.write_private(target, file.read_text(encoding="utf-8"))


class _Fetcher(FetcherInterface):
    """Fetches over the program's own kind of client, from safe addresses alone."""

    def __init__(self) -> None:
        options = client_options(_IDLE_S) | {"follow_redirects": True, "max_redirects": _MOST_REDIRECTS}
        self._http = httpx2.Client(**options, event_hooks={"request": [_check]})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def _fetch(self, url: str) -> Iterator[bytes]:
        # Each piece is small and read whole, so that a failure on the way is one of the download.
        with self._http.stream("GET", url) as answer:
            if answer.status_code >= httpx2.codes.BAD_REQUEST:
                raise DownloadHTTPError(f"HTTP {answer.status_code}", answer.status_code)
            return iter(list(_bounded(answer)))


def _bounded(answer: httpx2.Response) -> Iterator[bytes]:
    """The pieces of an answer, up to a little more than anything of ours is."""
    size = 0
    for piece in answer.iter_raw():
        size += len(piece)
        yield piece
        if size > 8 * LARGEST:
            return


def _check(request: httpx2.Request) -> None:
    check_address(str(request.url))


def _not_reached(error: DownloadError, host: str) -> UpdateCheckFailed:
    hint = "Check the internet connection, then try again."
    if isinstance(error, DownloadHTTPError):
        return UpdateCheckFailed(TITLE, f"{host} tells nothing of releases (HTTP {error.status_code}).", hint)
    if isinstance(error.__cause__, InstallError):
        return UpdateCheckFailed(TITLE, error.__cause__.message, hint)
    return UpdateCheckFailed(TITLE, f"{host} cannot be reached.", "Check the internet connection, then try again.")


def _not_believed(error: Exception, host: str, page: str) -> UpdateCheckFailed:
    """Everything that a place can say wrongly: unsigned, too old, older than before, damaged, of another release."""
    hint = f"Believe none of it for now. Look yourself: {page}"
    if isinstance(error, ExpiredMetadataError):
        return UpdateCheckFailed(TITLE, f"What {host} tells of releases has not been renewed for too long.", hint)
    if isinstance(error, UnsignedMetadataError):
        return UpdateCheckFailed(TITLE, f"What {host} tells of releases is not signed by those who make Tether.", hint)
    return UpdateCheckFailed(
        TITLE,
        f"What {host} tells of releases does not fit together, or is older than before.",
        f"Believe none of it for now. Look yourself: {page}",
    )
