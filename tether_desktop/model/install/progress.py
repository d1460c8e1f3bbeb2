"""What is told while a model is added or compiled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tether_desktop.model.install.compile_job import BuildReport, Stage
from tether_desktop.model.pool.memory_fit import Fit


@dataclass(frozen=True, slots=True)
class InstallProgress:
    """How far an installation is.

    Attributes:
        stage: what is being done.
        progress: of this stage, 0..1; None when that cannot be said.
        detail: for people: "12 of 93 MB, 4 MB/s".
        seconds_left: of this stage, about; None when that cannot be said.
    """

    stage: Stage
    progress: float | None = None
    detail: str = ""
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Checked:
    """What is about to be made, known before it takes time and space.

    Attributes:
        name: of the model folder.
        size_bytes: of its weights once packed.
        context_window: tokens it was made for.
        fit: how it would fit into the memory that is free now, with that context window.
        largest_context: the largest context window that would fit with ease, in tokens; 0 when there is none.
    """

    name: str
    size_bytes: int
    context_window: int
    fit: Fit
    largest_context: int


OnInstallProgress = Callable[[InstallProgress], None]
OnNews = Callable[[Checked | BuildReport], None]
"""Gets what is known of a model: before it is made, and when it is."""


def no_news(_: Checked | BuildReport) -> None:
    """Nobody wants to know."""
