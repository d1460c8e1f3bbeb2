"""What is remembered of downloads: those that are not complete, and where the models that are there came from."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.errors import InstallError
from tether_desktop.model.install.target_folder import download_folder, download_folders, remove_download

logger = logging.getLogger(__name__)

DAYS_KEPT = 7
"""How long a download is kept that is not on the list, and one on the list of which there is nothing."""

_FORMAT = 1
_LARGEST = 4 << 20
_LOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class UnfinishedDownload:
    """A download that was stopped, or has not begun yet.

    Attributes:
        key: its own, as :attr:`tether_desktop.model.install.source.Wanted.key`.
        what: what was to be added, as :meth:`Installer.add` takes it.
        name: what the model was to be called; empty for its own name.
        bits: of its weights; None keeps what can be kept.
        since: when it was asked for.
        done_bytes: on the disk.
        total_bytes: in all; None where that was never known.
    """

    key: str
    what: str
    name: str
    bits: int | None
    since: datetime
    done_bytes: int = 0
    total_bytes: int | None = None


class DownloadLedger:
    """Keeps the list in the data folder: addresses may hold secrets, and model folders are shared and carried about.

    The list is a convenience: a disk on which it cannot be written keeps no download from going on.
    """

    def __init__(self, root: Path) -> None:
        """Prepare; ``root`` is the model folder that downloads go to."""
        self._root = root

    def note(self, key: str, what: str, name: str = "", bits: int | None = None) -> None:
        """Remember that this is to be downloaded."""
        since = datetime.now(UTC).isoformat(timespec="seconds")
        entry = {"what": what, "name": name, "bits": bits, "since": since, "total": None, "root": str(self._root)}
        self._change(lambda known: known["downloads"].setdefault(key, entry))

    def note_total(self, key: str, total: int) -> None:
        """Remember how many bytes it has in all."""
        self._change(lambda known: known["downloads"].get(key, {}).update(total=total))

    def forget(self, key: str) -> None:
        """It is complete, or worthless."""
        self._change(lambda known: known["downloads"].pop(key, None))

    def note_origin(self, name: str, what: str) -> None:
        """Remember what a model was made of."""
        self._change(lambda known: known["origins"].update({name: what}))

    def origins(self) -> dict[str, str]:
        """What models were made of, by their names; also of such as are gone."""
        return {name: what for name, what in self._read()["origins"].items() if isinstance(what, str)}

    def list(self) -> list[UnfinishedDownload]:
        """Those that can be gone on with, the oldest first; such as were given up long ago are left out."""
        found = (self._unfinished(key, entry) for key, entry in self._read()["downloads"].items())
        return sorted((each for each in found if each is not None), key=lambda each: each.since)

    def discard(self, key: str) -> None:
        """Remove what is there of a download, and forget it.

        Raises:
            InstallError: the folder cannot be written.
        """
        folder = download_folder(self._root, key)
        remove_download(folder)
        if folder.exists():
            message = f"{folder} cannot be removed."
            raise InstallError("The download cannot be removed", message, "Close what uses it, then try again.")
        self.forget(key)

    def tidy(self, key: str) -> None:
        """Remove what lies there of downloads that nobody can go on with any more; the one of this key is wanted."""
        kept = {key, *(each.key for each in self.list())}
        oldest = time.time() - timedelta(days=DAYS_KEPT).total_seconds()
        for folder in download_folders(self._root):
            if folder.name not in kept and _newest_change(folder) < oldest:
                remove_download(folder)

    def _unfinished(self, key: str, entry: Any) -> UnfinishedDownload | None:
        if not isinstance(entry, dict) or entry.get("root") != str(self._root) or not isinstance(key, str):
            return None
        try:
            since = datetime.fromisoformat(str(entry.get("since")))
        except ValueError:
            return None
        folder, total, bits = download_folder(self._root, key), entry.get("total"), entry.get("bits")
        if since.tzinfo is None or (not folder.is_dir() and datetime.now(UTC) - since > timedelta(days=DAYS_KEPT)):
            return None
        return UnfinishedDownload(
            key,
            str(entry.get("what", "")),
            str(entry.get("name") or ""),
            bits if bits in {4, 8} else None,
            since,
            _bytes_in(folder),
            total if isinstance(total, int) and total > 0 else None,
        )

    def _change(self, change: Callable[[dict[str, Any]], object]) -> None:
        try:
            with _writable() as path:
                known = self._read()
                change(known)
                paths.write_private(path, json.dumps(known, indent=2) + "\n")
        except (OSError, Timeout) as error:
            logger.warning("The list of downloads cannot be written: %s", error)

    def _read(self) -> dict[str, Any]:
        """What the list has; nothing where it is missing or damaged."""
        empty: dict[str, Any] = {"format": _FORMAT, "downloads": {}, "origins": {}}
        path = paths.downloads_path()
        try:
            if not path.exists() or path.stat().st_size > _LARGEST:
                return empty
            known = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("The list of downloads cannot be read: %s", error)
            return empty
        whole = isinstance(known, dict) and known.get("format") == _FORMAT
        parts = [known.get(name) for name in ("downloads", "origins")] if whole else [None]
        return known if all(isinstance(part, dict) for part in parts) else empty


@contextmanager
def _writable() -> Iterator[Path]:
    path = paths.downloads_path()
    paths.make_private_folder(path.parent)
    with FileLock(path.with_suffix(".lock"), timeout=_LOCK_S):
        yield path


def _bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder; what disappears meanwhile is not counted."""
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.stat().st_size if path.is_file() and not path.name.endswith(".part.json") else 0
        except OSError:
            continue
    return size


def _newest_change(folder: Path) -> float:
    try:
        return max(path.stat().st_mtime for path in (folder, *folder.rglob("*")))
    except OSError:
        return time.time()
