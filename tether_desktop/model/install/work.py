"""What one installation was asked for, and the steps that all of them have in common."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tether_desktop.errors import InstallError
from tether_desktop.model.cpu import ISA_TITLES, supported_isas
from tether_desktop.model.discovery import trust
from tether_desktop.model.install.compile_job import (
    BuildRequest,
    Inspection,
    InspectRequest,
    Stage,
    build,
    harmful,
    inspect,
)
from tether_desktop.model.install.compiler_package import check_compilable
from tether_desktop.model.install.progress import Checked, InstallProgress, OnInstallProgress, OnNews
from tether_desktop.model.install.target_folder import LIBRARY_BYTES, check_space
from tether_desktop.model.pool.memory_fit import estimate, largest_context, memory_now

_LONGEST_LOOK_S = 120.0
_MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class InstallJob:
    """What is wanted, and who is told.

    Attributes:
        isa: the instruction set to compile for.
        on_progress: gets how far it is.
        on_news: gets what is known of the model.
        bits: of the weights; None keeps what loses nothing.
    """

    isa: str
    on_progress: OnInstallProgress
    on_news: OnNews
    bits: int | None = None

    async def inspect(self, source: Path) -> Inspection:
        """Look at source weights, in a process of their own.

        Raises:
            ModelBroken: they are damaged, of a kind we do not run, or looking at them does not come to an end.
            InstallError: the process failed.
        """

        def tell(stage: Stage, progress: float | None) -> None:
            self.on_progress(InstallProgress(stage, progress))

        try:
            async with asyncio.timeout(_LONGEST_LOOK_S):
                return await inspect(InspectRequest(source, self.bits), tell)
        except TimeoutError:
            raise harmful(source, f"it did not come to an end within {_LONGEST_LOOK_S:.0f} seconds") from None

    def announce(self, name: str, inspected: Inspection, root: Path) -> int:
        """Tell what is about to be made in a model folder.

        Returns:
            Bytes of the weights once they are packed.

        Raises:
            InstallError: it does not fit onto the disk, or cannot be compiled here.
        """
        check_compilable(inspected.decoder, self.isa)
        memory = memory_now()
        fit = estimate(inspected.decoder, inspected.context_window, memory)
        size = fit.parts.weights
        self.on_news(Checked(name, size, inspected.context_window, fit, largest_context(inspected.decoder, memory)))
        check_space(root, size + LIBRARY_BYTES)
        return size

    async def build(self, request: BuildRequest, size: int = 0) -> None:
        """Build in a process of its own; a library that was compiled may run from then on.

        Args:
            request: what to build.
            size: bytes of the packed weights, to tell how many of them are done; 0 where it is not known.

        Raises:
            ModelBroken: the weights are damaged or of a kind we do not run.
            InstallError: the disk is full or not writable, or the process failed.
        """

        def tell(stage: Stage, progress: float | None) -> None:
            done = f"{(progress or 0) * size / _MEGABYTE:,.0f} of {size / _MEGABYTE:,.0f} MB"
            self.on_progress(InstallProgress(stage, progress, done if stage == "packing" and size else ""))

        report = await build(request, tell)
        if report.compiled:
            await asyncio.to_thread(trust.add, report.library)
        self.on_news(report)


def checked_isa(wanted: str | None) -> str:
    """The instruction set to compile for: the one that is wanted, or the best of this processor.

    Raises:
        InstallError: there is none that we compile for.
    """
    if wanted is not None:
        if wanted in ISA_TITLES:
            return wanted
        message = f"We do not compile for {wanted!r}, but for {', '.join(ISA_TITLES)}."
        raise InstallError("The model cannot be compiled", message, "Choose one of these.")
    isas = supported_isas()
    if not isas:
        raise InstallError(
            "This computer cannot run the model",
            "Its processor has none of the instruction sets we compile for; the oldest is AVX2.",
            "Use a computer with an Intel or AMD processor from 2015 or later.",
        )
    return isas[0]
