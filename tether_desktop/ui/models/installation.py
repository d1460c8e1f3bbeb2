"""What the window shows of a model that is being added or prepared: one value, and its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tether_desktop.errors import TetherError

if TYPE_CHECKING:
    from tether_desktop.model.install.compile_job import MappedMatrix, Stage
    from tether_desktop.model.install.progress import Checked, InstallProgress

STARTER = "starter"
"""What the installer calls the starter model."""

STAGES: dict[Stage, str] = {
    "downloading": "Downloading",
    "checking": "Looking at the model",
    "packing": "Packing the weights",
    "compiling": "Compiling for this processor",
    "finishing": "Finishing",
}


@dataclass(frozen=True, slots=True)
class Installed:
    """A model that was added or prepared.

    Attributes:
        name: the catalogue's.
        mappings: what became of its weights; empty when they were packed before.
    """

    name: str
    mappings: tuple[MappedMatrix, ...] = ()


@dataclass(frozen=True, slots=True)
class Installation:
    """A model that is being added, or was last.

    Attributes:
        what: as the installer takes it, or the catalogue's name of a model that is being prepared.
        title: its name for people.
        prepares: whether it lies in the model folders already.
        phase: whether it goes on, or how it ended.
        progress: how far it is; None at first.
        stages: those it goes through, as far as is known.
        checked: what it will be, once that is known.
        error: why it failed.
        installed: what it has become.
    """

    what: str
    title: str
    prepares: bool = False
    phase: Literal["working", "failed", "done"] = "working"
    progress: InstallProgress | None = None
    stages: tuple[Stage, ...] = ()
    checked: Checked | None = None
    error: TetherError | None = None
    installed: Installed | None = None

    def at(self, progress: InstallProgress) -> Installation:
        """The same, so far; what it begins with tells what it needs."""
        return replace(self, progress=progress, stages=self.stages or self._stages_from(progress.stage))

    def failed(self, error: TetherError) -> Installation:
        """The same, ended by an error."""
        return replace(self, phase="failed", error=error)

    def done(self, installed: Installed) -> Installation:
        """The same, complete."""
        return replace(self, phase="done", installed=installed)

    @property
    def stage_text(self) -> str:
        """The stage for people: "Step 2 of 5: Looking at the model"."""
        if self.progress is None:
            return "Starting…"
        stage = self.progress.stage
        if stage not in self.stages:
            return STAGES[stage]
        return f"Step {self.stages.index(stage) + 1} of {len(self.stages)}: {STAGES[stage]}"

    @property
    def percent_text(self) -> str:
        """How far the stage is: "42 %"; empty when that cannot be said."""
        if self.progress is None or self.progress.progress is None:
            return ""
        return f"{int(self.progress.progress * 100)} %"

    @property
    def short_text(self) -> str:
        """All of it in a few words: "Qwen3 0.6B: downloading 42 %"."""
        if self.phase == "failed":
            return f"{self.title} was not {'prepared' if self.prepares else 'added'}"
        if self.phase == "done":
            return f"{self.title} is ready"
        doing = STAGES[self.progress.stage].lower() if self.progress else "starting"
        return f"{self.title}: {doing} {self.percent_text}".rstrip()

    @property
    def ending(self) -> str:
        """How it ended, with all that is known of why."""
        told = (self.error.message, self.error.hint) if self.error is not None else ()
        return " ".join(filter(None, (f"{self.short_text}.", *told)))

    def _stages_from(self, first: Stage) -> tuple[Stage, ...]:
        names = tuple(STAGES)[tuple(STAGES).index(first) :]
        # The starter model is known well enough.
        return tuple(name for name in names if name != "checking") if self.what == STARTER else names


def title_of(what: str) -> str:
    """A short name for what is to be added, before it is known: the end of its path or address."""
    bare = what.partition("?")[0].rstrip("/\\").replace("\\", "/")
    last = bare.rpartition("/")[2]
    if what.startswith("hf:"):
        last = last.partition(":")[0].partition("@")[0]
    return last.removesuffix(".gguf") or what
