"""Packed copies of source weights that lie in a model folder, which itself stays as it is."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

from tether_desktop.errors import InstallError
from tether_desktop.model.discovery.catalog import Source
from tether_desktop.model.discovery.library import LIBRARY_FOLDER
from tether_desktop.model.discovery.model_folder import is_packed, read_config
from tether_desktop.model.install.compile_job import BuildRequest
from tether_desktop.model.install.target_folder import LIBRARY_BYTES, check_space, workplace
from tether_desktop.model.install.work import InstallJob


async def compile_packed(root: Path, folder: Path, job: InstallJob) -> None:
    """Compile a packed folder's library anew.

    Raises:
        InstallError: there is no space, or the model folder cannot be written.
        ModelBroken: the folder's configuration cannot be used.
    """
    async with workplace(root, folder.name) as work:
        check_space(root, LIBRARY_BYTES)
        await job.build(BuildRequest(folder, root / LIBRARY_FOLDER, work, job.isa, compile_anew=True))


async def prepare(name: str, source: Source, job: InstallJob) -> None:
    """Make the packed copy of source weights, unless that is there and of today, and compile its library.

    Args:
        name: of the source in the catalogue.
        source: where it lies, and where the copy goes.
        job: what is wanted.

    Raises:
        InstallError: there is no space, the model folder cannot be written, or the source was removed meanwhile.
        ModelBroken: the source is damaged or of a kind we do not run.
    """
    copy = source.prepared
    if is_packed(copy) and read_config(copy).packed_from == source.packed_from:
        await compile_packed(source.root, copy, job)
        return
    async with workplace(source.root, copy.name) as work:
        size = job.announce(name, await job.inspect(source.path), source.root)
        request = BuildRequest(
            copy,
            source.root / LIBRARY_FOLDER,
            work,
            job.isa,
            source=source.path,
            origin=f"`{source.path.name}`, which lies in the model folder.",
            packed_from=source.packed_from,
        )
        await job.build(request, size)
        await asyncio.to_thread(_drop_orphan, name, source)


def _drop_orphan(name: str, source: Source) -> None:
    """Remove the copy of source weights that are gone: nobody would list it, and nobody could remove it."""
    if source.path.exists():
        return
    shutil.rmtree(source.prepared, ignore_errors=True)
    message = f"{name} was removed while it was being prepared."
    raise InstallError("The model is gone", message, "Add it again, if it is still wanted.")
