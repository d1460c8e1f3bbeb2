"""Adding and compiling models: fetched, checked, packed, compiled and put in place, or nothing of it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from tether_desktop.errors import InstallError, ModelBroken, ModelError
from tether_desktop.model.discovery.bundled import is_bundled
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.library import LIBRARY_FOLDER
from tether_desktop.model.discovery.model_folder import is_packed, was_packed
from tether_desktop.model.discovery.search import survey
from tether_desktop.model.install.compile_job import BuildRequest
from tether_desktop.model.install.downloads import DownloadLedger
from tether_desktop.model.install.model_name import check_name, folder_name
from tether_desktop.model.install.packed_copies import compile_packed, prepare
from tether_desktop.model.install.progress import OnInstallProgress, OnNews, no_news
from tether_desktop.model.install.source import Wanted, fetch, find_wanted
from tether_desktop.model.install.starter import STARTER, Starter
from tether_desktop.model.install.starter_steps import add_starter
from tether_desktop.model.install.target_folder import download_folder, remove_download, workplace
from tether_desktop.model.install.work import InstallJob, checked_isa

_NAMELESS = "Model"


class Installer:
    """Puts models into the first of the model folders, and libraries beside the models they are for.

    Attributes:
        downloads: those that are not complete, and where models came from.
    """

    def __init__(self, roots: Sequence[Path], starter: Starter = STARTER) -> None:
        """Prepare; nothing is looked at or created yet.

        Args:
            roots: the model folders; new models go into the first.
            starter: the model that :meth:`add_starter` adds.
        """
        self._roots = tuple(roots)
        self._starter = starter
        self.downloads = DownloadLedger(self._roots[0])

    async def add(
        self,
        what: str,
        *,
        name: str | None = None,
        bits: int | None = None,
        on_progress: OnInstallProgress,
        on_news: OnNews = no_news,
    ) -> str:
        """Add a model from wherever it is.

        Cancelling ends what is being done and removes it, but for what was downloaded, which is gone on with at
        the next call. After a power cut the next call tidies up.

        Args:
            what: a GGUF file, a folder of weights, ``hf:org/name``, ``hf:org/name:file``, an https address, the name
                of an offer, or "starter".
            name: of the new model; else made of its own name and its quantization.
            bits: 4 makes weights of more bits smaller and less exact; 8 and None keep what can be kept.
            on_progress: gets how far it is.
            on_news: gets what is known of it.

        Returns:
            The model's name in the catalogue.

        Raises:
            InstallError: it cannot be found or fetched, there is no space, its name is taken, or the folder cannot
                be written.
            ModelBroken: it is damaged, or of a kind we do not run.
        """
        if what == "starter":
            _check_plain(name, bits)
            return await self.add_starter(on_progress)
        job = InstallJob(checked_isa(None), on_progress, on_news, bits)
        if name is not None:
            check_name(name)
            await asyncio.to_thread(self._check_free, self._roots[0] / name)
        wanted = await asyncio.to_thread(find_wanted, what)
        listed = await asyncio.to_thread(self._listed_as, wanted.path)
        if listed and name is None and bits is None:
            return await self.compile(listed, on_progress=on_progress, on_news=on_news)
        added = await self._add(wanted, name, job, what)
        await asyncio.to_thread(self.downloads.note_origin, added, what)
        return added

    async def plan(self, what: str) -> None:
        """Remember that this is to be added once others are, where it has to be downloaded.

        Raises:
            InstallError: nothing of the kind is there, or it has no form that we know.
        """
        if what != "starter":
            await asyncio.to_thread(self._plan, what)

    def discard(self, what: str) -> None:
        """Remove what was downloaded of this so far, and forget that it was wanted.

        Raises:
            InstallError: it cannot be removed.
        """
        for download in self.downloads.list():
            if download.what == what:
                self.downloads.discard(download.key)

    def _plan(self, what: str) -> None:
        wanted = find_wanted(what)
        if wanted.path is None:
            self.downloads.note(wanted.key, what)

    async def add_starter(self, on_progress: OnInstallProgress) -> str:
        """Fetch and prepare the starter model, unless it is there and can be used.

        Cancelling ends what is being done and removes it; the same is made up for after a power cut, at the
        next call.

        Returns:
            The model's name in the catalogue.

        Raises:
            InstallError: no network, no space, a folder that cannot be written, or a processor we do not know.
            ModelBroken: the fetched model cannot be packed.
        """
        await add_starter(self._roots, self._starter, InstallJob(checked_isa(None), on_progress, no_news))
        return self._starter.name

    async def compile(
        self, name: str, *, isa: str | None = None, on_progress: OnInstallProgress, on_news: OnNews = no_news
    ) -> str:
        """Make the library of a model that lies in the model folders, and pack its weights first where that is due.

        Args:
            name: as the catalogue lists it.
            isa: one of :data:`tether_desktop.model.cpu.ISA_TITLES`; None takes the best of this processor.
            on_progress: gets how far it is.
            on_news: gets what is known of it.

        Returns:
            The name.

        Raises:
            ModelNotFound: there is no such model.
            InstallError: it needs no library, there is no space, or the folder cannot be written.
            ModelBroken: it is damaged, or of a kind we do not run.
        """
        job = InstallJob(checked_isa(isa), on_progress, on_news)
        catalog = Catalog(self._roots)
        source = await asyncio.to_thread(catalog.source, name)
        if source is not None:
            await prepare(name, source, job)
        else:
            folder = await asyncio.to_thread(catalog.folder, name)
            # What came with the program stays as it is; its libraries go where the person's own models lie.
            await compile_packed(self._roots[0] if is_bundled(folder) else self._root_of(folder), folder, job)
        return name

    async def _add(self, wanted: Wanted, name: str | None, job: InstallJob, what: str) -> str:
        root = self._roots[0]
        async with workplace(root, "model") as work:
            await asyncio.to_thread(self.downloads.tidy, wanted.key)
            if wanted.path is None:
                await asyncio.to_thread(self.downloads.note, wanted.key, what, name or "", job.bits)
            source = await fetch(wanted, root, job.on_progress, lambda total: self._on_total(wanted, total))
            try:
                folder = await self._make(source, wanted, name, work, job)
            except ModelError:
                # Fetching it again would bring the same.
                await asyncio.to_thread(self._drop_download, wanted)
                raise
            await asyncio.to_thread(self._drop_download, wanted)
        return await asyncio.to_thread(self._name_of, folder)

    def _on_total(self, wanted: Wanted, total: int) -> None:
        self.downloads.note_total(wanted.key, total)

    def _drop_download(self, wanted: Wanted) -> None:
        remove_download(download_folder(self._roots[0], wanted.key))
        if wanted.path is None:
            self.downloads.forget(wanted.key)

    async def _make(self, source: Path, wanted: Wanted, name: str | None, work: Path, job: InstallJob) -> Path:
        """Make a model folder and its library of source weights; where it is then."""
        root = self._roots[0]
        inspected = await job.inspect(source)
        folder = root / (name or folder_name(inspected.model or _NAMELESS, inspected.quantization))
        await asyncio.to_thread(self._check_free, folder)
        size = job.announce(folder.name, inspected, root)
        request = BuildRequest(
            folder,
            root / LIBRARY_FOLDER,
            work,
            job.isa,
            source=source,
            bits=job.bits,
            origin=wanted.origin,
            licence=wanted.licence,
        )
        await job.build(request, size)
        return folder

    def _check_free(self, folder: Path) -> None:
        """Make sure that a model may be put there: nothing is, or a packed model that cannot be used any more.

        Raises:
            InstallError: something else is there.
        """
        if not os.path.lexists(folder):
            return
        entry = next((entry for entry in Catalog(self._roots).list() if entry.path == folder), None)
        if entry is not None and entry.code == ModelBroken.code and was_packed(folder):
            return
        hint = f"Remove it with `tether models remove {folder.name}`, or choose another name with --name."
        if entry is not None and not entry.usable and is_packed(folder):
            hint = f"Its library may be missing: `tether models compile {folder.name}`. {hint}"
        raise InstallError("There is a model of that name already", f"{folder} is there.", hint)

    def _listed_as(self, path: Path | None) -> str | None:
        """The name of what lies in a model folder already; None for what does not."""
        if path is None:
            return None
        places = survey(self._roots).places.items()
        return next((name for name, place in places if place.path.exists() and place.path.samefile(path)), None)

    def _name_of(self, folder: Path) -> str:
        places = survey(self._roots).places.items()
        return next((name for name, place in places if place.path == folder), folder.name)

    def _root_of(self, folder: Path) -> Path:
        """The model folder that a packed model lies in.

        Raises:
            InstallError: it is of another kind, which needs no library.
        """
        if not is_packed(folder):
            raise InstallError("There is nothing to compile", f"{folder.name} needs no library.")
        return next(root for root in self._roots if folder.is_relative_to(root))


def _check_plain(name: str | None, bits: int | None) -> None:
    if name is not None or bits is not None:
        message = "The starter model has its own name and form, by which it is found again."
        raise InstallError("The starter is added as it is", message, "Leave out --name and --bits.")
