"""What the window shows of a model: its catalogue entry and its engine's state, as one value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tether_desktop.errors import LibraryMismatch, LibraryUntrusted, ModelUnprepared, TetherError

if TYPE_CHECKING:
    from tether_desktop.model.discovery.catalog import ModelEntry
    from tether_desktop.model.pool.memory_fit import Verdict
    from tether_desktop.model.pool.slot import ModelState

_PREPARABLE = {ModelUnprepared.code, LibraryMismatch.code}
_QUANTIZATION = re.compile(r"[-_ .](mixed_t16|q\d+(?:f\d+)?(?:_\w+)*)$", re.IGNORECASE)

_PLAIN_NAMES = {
    "q4_0t16": "4-bit",
    "q4_1t16": "4-bit",
    "q5_0t16": "5-bit",
    "q5_1t16": "5-bit",
    "q8_0t16": "8-bit",
    "mixed_t16": "4 to 8-bit",
}
"""Our own layouts by what they mean to a person; other names are known from where the model came from."""


def split_name(name: str) -> tuple[str, str]:
    """A model's name for people, and its quantization (empty when the name tells none)."""
    bare = name.removesuffix("-MLC")
    match = _QUANTIZATION.search(bare)
    quantization = _PLAIN_NAMES.get(match.group(1), match.group(1)) if match else ""
    title = bare[: match.start()] if match else bare
    return title.replace("-", " ").replace("_", " ").strip() or name, quantization


def size_text(size: int) -> str:
    """A number of bytes for people, in decimal units as disks are sold: "95 MB", "4.9 GB"."""
    if size >= 1_000_000_000:
        return f"{size / 1e9:.1f} GB"
    if size >= 1_000_000:
        return f"{size / 1e6:.0f} MB"
    return f"{max(size, 0) / 1e3:.0f} kB"


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """One model as the picker lists it.

    Attributes:
        name: the catalogue's name, which the session API takes.
        title, quantization: the name for people.
        usable: whether it can be chosen.
        reason, remedy: why not, and what to do about it.
        state: "unloaded", "loading", "ready", "busy" or "failed".
        progress: 0..1 while loading, None when unknown.
        size_bytes: on disk.
        memory_bytes: what it may take while loaded, else 0.
        device: what it runs on, empty until loaded.
        context_window: tokens of prompt and reply together.
        error: why the last load failed.
        server: whose model it is; empty for one on this computer.
        asks_first: whether it cannot be used only because nobody has allowed its library yet.
        preparable: whether it cannot be used only because it is not prepared for this computer.
        fit: how it would fit into the free memory: "fits", "tight", "will_not_fit", or empty when unknown.
    """

    name: str
    title: str
    quantization: str = ""
    usable: bool = True
    reason: str = ""
    remedy: str = ""
    state: str = "unloaded"
    progress: float | None = None
    size_bytes: int = 0
    memory_bytes: int = 0
    device: str = ""
    context_window: int = 0
    error: TetherError | None = None
    server: str = ""
    asks_first: bool = False
    preparable: bool = False
    fit: Verdict | Literal[""] = ""

    @property
    def label(self) -> str:
        """Title and quantization in one line."""
        return f"{self.title} · {self.quantization}" if self.quantization else self.title

    @property
    def loaded(self) -> bool:
        """Whether it takes up memory."""
        return self.state in {"ready", "busy"}


def model_status(entry: ModelEntry, state: ModelState | None, fit: Verdict | Literal[""] = "") -> ModelStatus:
    """The catalogue's entry, the pool's state and the fit of the same model, put together."""
    server, title, quantization = _names(entry)
    info = state.info if state else None
    return ModelStatus(
        name=entry.name,
        title=title,
        quantization=quantization or entry.quantization,
        usable=entry.usable,
        reason=entry.reason,
        remedy=entry.remedy,
        state=state.state if state else "unloaded",
        progress=state.progress if state else None,
        size_bytes=entry.size_bytes,
        memory_bytes=info.memory_bytes if info else 0,
        device=info.device if info else _device(server),
        context_window=info.context_window if info else entry.context_window,
        error=state.error if state else None,
        server=server,
        asks_first=entry.code == LibraryUntrusted.code,
        preparable=entry.code in _PREPARABLE,
        fit=fit,
    )


def _names(entry: ModelEntry) -> tuple[str, str, str]:
    """Server, title and quantization; a server's own names are left as they are."""
    if entry.kind != "remote":
        return "", *split_name(entry.name)
    server, _, model = entry.name.partition("/")
    return server, model or server, ""


def _device(server: str) -> str:
    return f"Server {server}" if server else ""
