"""Where a model that is to be added comes from: a path, the hub, the web; and fetching it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tether_desktop.errors import InstallError, ModelNotFound
from tether_desktop.model.fetch.hub_reference import find_reference, parse_reference
from tether_desktop.model.fetch.progress import FetchProgress
from tether_desktop.model.fetch.transfer_rate import TransferRate
from tether_desktop.model.install.offers import Offer, find_offer
from tether_desktop.model.install.progress import InstallProgress, OnInstallProgress
from tether_desktop.model.install.target_folder import LIBRARY_BYTES, check_space, download_folder

_DONE = "download.done"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be added: one of path, reference and url.

    Attributes:
        origin: where it comes from, for the model card.
        path: on this computer.
        reference: on the hub, as ``hf:org/name@revision:file``.
        url: on the web.
        sha256: what the file must have, where that is known.
        licence: where that is known beforehand.
    """

    origin: str
    path: Path | None = None
    reference: str = ""
    url: str = ""
    sha256: str | None = None
    licence: str = ""

    @property
    def key(self) -> str:
        """The same for the same download, and a good name for a folder."""
        return hashlib.sha256(f"{self.reference}\n{self.url}".encode()).hexdigest()[:16]


def find_wanted(what: str) -> Wanted:
    """What a person means, by its form and by what is there.

    Raises:
        InstallError: nothing of the kind is there, or it has no form that we know.
    """
    if what.startswith("hf:") or find_reference(what) is not None:
        reference = parse_reference(what)
        return Wanted(f"`{reference}`, on the Hugging Face hub.", reference=str(reference))
    if "://" in what:
        return Wanted(f"The file at {what.partition('?')[0]}.", url=what)
    path = Path(what).expanduser()
    if path.is_file() or path.is_dir():
        path = path.absolute()
        kind = "folder" if path.is_dir() else "file"
        return Wanted(f"The {kind} `{path.name}` on this computer.", path=path)
    if (offer := offered(what)) is not None:
        origin = f"`{offer.source}`, on the Hugging Face hub. The terms of its licence: <{offer.licence_url}>."
        return Wanted(origin, reference=offer.source, licence=offer.licence)
    raise InstallError(
        "There is no such model",
        f"{what!r} is neither a file or folder that is there nor a model that we know.",
        "Give a GGUF file, a folder with weights, hf:org/name, an https address, or a name that "
        "`tether models offers` lists.",
    )


def offered(what: str) -> Offer | None:
    """The offer of that name, if there is one."""
    try:
        return find_offer(what)
    except ModelNotFound:
        return None


async def fetch(
    wanted: Wanted, root: Path, on_progress: OnInstallProgress, on_total: Callable[[int], None] = lambda _: None
) -> Path:
    """Where the source weights are, once they are on this computer; what was fetched before is not fetched again.

    Cancelling keeps what is there for the next call.

    Args:
        wanted: what to fetch.
        root: the model folder that gets it.
        on_progress: gets how far it is, and how fast.
        on_total: gets the bytes of all, once they are known.

    Raises:
        InstallError: no such model, no network, no space, or not the file it should be.
    """
    if wanted.path is not None:
        return wanted.path
    folder = download_folder(root, wanted.key)
    before = _fetched_before(folder)
    if before is not None:
        return before
    on_progress(InstallProgress("downloading", None, "Looking for the model"))
    fetched = await _download(wanted, folder / "files", _reporting(root, on_progress, on_total))
    (folder / _DONE).write_text(fetched.relative_to(folder).as_posix(), encoding="utf-8")
    return fetched


def _fetched_before(folder: Path) -> Path | None:
    """What lies there complete; a power cut may have left the note of it empty."""
    try:
        name = (folder / _DONE).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return None
    return folder / name if name.strip("\0 ") and (folder / name).exists() else None


async def _download(wanted: Wanted, folder: Path, on_progress: Callable[[FetchProgress], None]) -> Path:
    # Imported here: they bring in an HTTP client, which the window should not wait for.
    from tether_desktop.model.fetch.hub import fetch_hub
    from tether_desktop.model.fetch.url import fetch_url

    if wanted.url:
        return await fetch_url(wanted.url, folder, sha256=wanted.sha256, on_progress=on_progress)
    return await fetch_hub(wanted.reference, folder, on_progress=on_progress)


def _reporting(
    root: Path, on_progress: OnInstallProgress, on_total: Callable[[int], None]
) -> Callable[[FetchProgress], None]:
    """Hands on how far a download is; its size, once known, must leave space for what is made of it."""
    rate = TransferRate()
    checked = False

    def report(now: FetchProgress) -> None:
        nonlocal checked
        if now.total_bytes and not checked:
            checked = True
            on_total(now.total_bytes)
            check_space(root, now.total_bytes - now.done_bytes + _least_packed(now) + LIBRARY_BYTES)
        part = None if not now.total_bytes else min(now.done_bytes / now.total_bytes, 1.0)
        detail = rate.describe(now.done_bytes, now.total_bytes)
        on_progress(InstallProgress("downloading", part, detail, rate.seconds_left))

    return report


def _least_packed(now: FetchProgress) -> int:
    """The least that a packed model takes: as much as a GGUF file, half of weights of 16 bits."""
    total = now.total_bytes or 0
    return total if now.file.endswith(".gguf") else total // 2
