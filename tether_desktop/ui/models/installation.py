"""What the window shows of a model that is being added or prepared: one value, and its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from tether_desktop.errors import TetherError
from tether_desktop.ui.size_text import size_text
from tether_desktop.ui.translation import counted, mark, translate

if TYPE_CHECKING:
    from tether_desktop.model.install.compile_job import MappedMatrix, Stage
    from tether_desktop.model.install.downloads import UnfinishedDownload
    from tether_desktop.model.install.progress import Checked, InstallProgress

STARTER = "starter"
"""What the installer calls the starter model."""

STAGES: dict[Stage, str] = {
    "downloading": mark("Installation", "Downloading"),
    "checking": mark("Installation", "Looking at the model"),
    "packing": mark("Installation", "Packing the weights"),
    "compiling": mark("Installation", "Compiling for this processor"),
    "finishing": mark("Installation", "Finishing"),
}

Phase = Literal["queued", "working", "paused", "failed", "done"]
_MINUTE_S = 60
_HOUR_S = 3600


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
    """A model that is being added, waits to be, or was last.

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
        kept_bytes: what an interrupted download left on the disk.
        total_bytes: what it has in all, where that is known.
    """

    what: str
    title: str
    prepares: bool = False
    phase: Phase = "working"
    progress: InstallProgress | None = None
    stages: tuple[Stage, ...] = ()
    checked: Checked | None = None
    error: TetherError | None = None
    installed: Installed | None = None
    kept_bytes: int = 0
    total_bytes: int | None = None

    def at(self, progress: InstallProgress) -> Installation:
        """The same, so far; what it begins with tells what it needs."""
        return replace(self, progress=progress, stages=self.stages or self._stages_from(progress.stage))

    def failed(self, error: TetherError) -> Installation:
        """The same, ended by an error."""
        return replace(self, phase="failed", error=error)

    def done(self, installed: Installed) -> Installation:
        """The same, complete."""
        return replace(self, phase="done", installed=installed)

    def paused(self) -> Installation:
        """The same, to be gone on with."""
        return replace(self, phase="paused")

    def anew(self, phase: Phase) -> Installation:
        """The same, from the beginning, or from what is kept of it."""
        return replace(self, phase=phase, progress=None, stages=(), checked=None, error=None, installed=None)

    @property
    def key(self) -> tuple[str, bool]:
        """What tells it from others."""
        return self.what, self.prepares

    @property
    def loading(self) -> bool:
        """Whether it is at its download, which can be paused; the starter's cannot."""
        stage = self.progress.stage if self.progress is not None else ""
        return self.phase == "working" and stage == "downloading" and self.what != STARTER and not self.prepares

    @property
    def keeps_download(self) -> bool:
        """Whether something of it is on the disk that would have to be fetched again."""
        fetched = "downloading" in self.stages and self.what != STARTER and not self.prepares
        return bool(self.kept_bytes) or fetched

    @property
    def stage_text(self) -> str:
        """The stage for people: "Step 2 of 5: Looking at the model"."""
        if self.phase == "queued":
            return translate("Installation", "Waits until the one before it is done.")
        if self.phase == "paused":
            return self._paused_text
        if self.progress is None:
            return translate("Installation", "Starting…")
        stage = self.progress.stage
        words = translate("Installation", STAGES[stage])
        if stage not in self.stages:
            return words
        step = translate("Installation", "Step {number} of {count}: {stage}")
        return step.format(number=self.stages.index(stage) + 1, count=len(self.stages), stage=words)

    @property
    def percent_text(self) -> str:
        """How far the stage is: "42 %"; empty when that cannot be said."""
        if self.progress is None or self.progress.progress is None:
            return ""
        return f"{int(self.progress.progress * 100)} %"

    @property
    def detail_text(self) -> str:
        """What is behind the percentage: "268 of 639 MB, 12.4 MB/s · about 1 minute left"."""
        if self.progress is None or self.phase != "working":
            return ""
        return " · ".join(filter(None, (self.progress.detail, time_left(self.progress.seconds_left))))

    @property
    def short_text(self) -> str:
        """All of it in a few words: "Qwen3 0.6B: Downloading 42 %"."""
        match self.phase:
            case "failed" if self.prepares:
                words = translate("Installation", "{title} was not prepared")
            case "failed":
                words = translate("Installation", "{title} was not added")
            case "done":
                words = translate("Installation", "{title} is ready")
            case "paused":
                words = translate("Installation", "{title}: paused")
            case "queued":
                words = translate("Installation", "{title}: waiting")
            case "working":
                return f"{self.title}: {self._doing} {self.percent_text}".rstrip()
        return words.format(title=self.title)

    @property
    def ending(self) -> str:
        """How it ended, with all that is known of why."""
        told = (self.error.message, self.error.hint) if self.error is not None else ()
        return " ".join(filter(None, (f"{self.short_text}.", *told)))

    @property
    def _doing(self) -> str:
        if self.progress is None:
            return translate("Installation", "starting")
        return translate("Installation", STAGES[self.progress.stage])

    @property
    def _paused_text(self) -> str:
        if self.kept_bytes and self.total_bytes:
            words = translate("Installation", "Paused. {done} of {total} are here already.")
            return words.format(done=size_text(self.kept_bytes), total=size_text(self.total_bytes))
        if self.kept_bytes:
            return translate("Installation", "Paused. {done} are here already.").format(done=size_text(self.kept_bytes))
        if self.progress is not None and self.progress.detail:
            return translate("Installation", "Paused. {part} of it is here already.").format(part=self.percent_text)
        return translate("Installation", "Not begun yet.")

    def _stages_from(self, first: Stage) -> tuple[Stage, ...]:
        names = tuple(STAGES)[tuple(STAGES).index(first) :]
        # The starter model is known well enough.
        return tuple(name for name in names if name != "checking") if self.what == STARTER else names


def unfinished(download: UnfinishedDownload, title: str = "") -> Installation:
    """A download that was stopped at some time before, to be gone on with."""
    return Installation(
        download.what,
        title or title_of(download.what),
        phase="paused",
        kept_bytes=download.done_bytes,
        total_bytes=download.total_bytes,
    )


def time_left(seconds: float | None) -> str:
    """About how long it still takes; empty where that cannot be said."""
    if seconds is None:
        return ""
    if seconds < _MINUTE_S:
        return translate("Installation", "less than a minute left")
    if seconds < _HOUR_S:
        return counted("Installation", "about %n minute(s) left", round(seconds / _MINUTE_S))
    return counted("Installation", "about %n hour(s) left", round(seconds / _HOUR_S))


def title_of(what: str) -> str:
    """A short name for what is to be added, before it is known: the end of its path or address."""
    bare = what.partition("?")[0].rstrip("/\\").replace("\\", "/")
    last = bare.rpartition("/")[2]
    if what.startswith("hf:"):
        last = last.partition(":")[0].partition("@")[0]
    return last.removesuffix(".gguf") or what
