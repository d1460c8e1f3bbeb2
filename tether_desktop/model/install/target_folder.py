"""The model folder that something is added to: locked, cleared of what was cut off, with enough space."""

from __future__ import annotations

import asyncio
import logging
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from tether_desktop.byte_size import byte_size_text
from tether_desktop.errors import InstallError
from tether_desktop.model.discovery.catalog import REMOVED_SUFFIX
from tether_desktop.model.discovery.search import PACKED_FOLDER

logger = logging.getLogger(__name__)

LIBRARY_BYTES = 32 << 20
"""Space for a library while it is compiled, with some to spare."""

_LOCK_NAME = ".install.lock"
_PART_SUFFIX = ".part"
_DOWNLOADS = ".downloads"


@asynccontextmanager
async def workplace(root: Path, label: str) -> AsyncGenerator[Path, None]:
    """An empty folder to make something in, on the disk of the model folder, which nobody else adds to meanwhile.

    Args:
        root: the model folder; made if it is missing.
        label: becomes part of the name.

    Raises:
        InstallError: somebody is at it already, or it cannot be written.
    """
    with _locked(root):
        await asyncio.to_thread(_remove_leftovers, root)
        work = _make_work_folder(root, label)
        try:
            yield work
        finally:
            await asyncio.to_thread(shutil.rmtree, work, ignore_errors=True)


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """Make the model folder if it is missing, and let nobody else add anything to it meanwhile.

    Raises:
        InstallError: somebody is at it already, or it cannot be written.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / _LOCK_NAME)
        lock.acquire(blocking=False)
    except Timeout:
        raise InstallError(
            "A model is being added already", "Another window or command is at it.", "Wait until it is done."
        ) from None
    except OSError as error:
        raise _not_writable(root, error) from error
    try:
        yield
    finally:
        lock.release()


def _remove_leftovers(root: Path) -> None:
    """Remove what installations and removals that were cut off left; the lock says that no installation is running."""
    for place in (root, root / PACKED_FOLDER):
        for suffix in (_PART_SUFFIX, REMOVED_SUFFIX):
            for path in place.glob(f".*{suffix}"):
                shutil.rmtree(path, ignore_errors=True)


def download_folders(root: Path) -> list[Path]:
    """Where files of downloads lie."""
    return list((root / _DOWNLOADS).glob("*"))


def download_folder(root: Path, key: str) -> Path:
    """Where the files of one download lie until the model is made of them; ``key`` is a plain name."""
    return root / _DOWNLOADS / key


def remove_download(folder: Path) -> None:
    """Remove the files of a download, and what it lies in when that is the last."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()
    except OSError:
        logger.debug("%s is kept, there is more in it", folder.parent)


def check_space(root: Path, needed: int) -> None:
    """Make sure that so many bytes can be written.

    Raises:
        InstallError: there are not that many free, or the folder cannot be looked at.
    """
    try:
        free = shutil.disk_usage(root).free
    except OSError as error:
        raise _not_writable(root, error) from error
    if free < needed:
        raise InstallError(
            "There is not enough space for the model",
            f"{byte_size_text(needed, decimals=2)} are needed, {byte_size_text(free, decimals=2)} are free in {root}.",
            "Free some space, or choose another model folder in the settings.",
        )


def _make_work_folder(root: Path, label: str) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{label}.", suffix=_PART_SUFFIX, dir=root))
    except OSError as error:
        raise _not_writable(root, error) from error


def _not_writable(root: Path, error: OSError) -> InstallError:
    return InstallError(
        "The model folder cannot be written",
        f"{root}: {error.strerror or error}.",
        "Choose another model folder in the settings.",
    )
