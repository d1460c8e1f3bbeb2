"""What the window shows of a model: its catalogue entry and its engine's state, as one value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tether_desktop.errors import LibraryMismatch, LibraryUntrusted, ModelBroken, ModelUnprepared, TetherError
from tether_desktop.ui.error_words import error_words
from tether_desktop.ui.translation import mark, translate

if TYPE_CHECKING:
    from tether_desktop.model.discovery.catalog import ModelEntry
    from tether_desktop.model.pool.memory_fit import Verdict
    from tether_desktop.model.pool.slot import ModelState

_PREPARABLE = {ModelUnprepared.code, LibraryMismatch.code}
_QUANTIZATION = re.compile(r"[-_ .](mixed_t16|q\d+(?:f\d+)?(?:_\w+)*)$", re.IGNORECASE)

_PLAIN_NAMES = {
    "q4_0t16": mark("ModelStatus", "4-bit"),
    "q4_1t16": mark("ModelStatus", "4-bit"),
    "q5_0t16": mark("ModelStatus", "5-bit"),
    "q5_1t16": mark("ModelStatus", "5-bit"),
    "q8_0t16": mark("ModelStatus", "8-bit"),
    "mixed_t16": mark("ModelStatus", "4 to 8-bit"),
}
"""Our own layouts by what they mean to a person; other names are known from where the model came from."""


def split_name(name: str) -> tuple[str, str]:
    """A model's name for people, and its quantization (empty when the name tells none)."""
    bare = name.removesuffix("-MLC")
    match = _QUANTIZATION.search(bare)
    plain = _PLAIN_NAMES.get(match.group(1)) if match else None
    quantization = translate("ModelStatus", plain) if plain else match.group(1) if match else ""
    title = bare[: match.start()] if match else bare
    return title.replace("-", " ").replace("_", " ").strip() or name, quantization


def weights_text(quantization: str) -> str:
    """A quantization in plain words: "4-bit weights"; empty where nothing is known of it."""
    if not quantization:
        return ""
    bits = re.match(r"(?:i?q|b?fp?|w)(\d+)", quantization, re.IGNORECASE)
    if re.match(r"q0f(16|32)", quantization, re.IGNORECASE):
        bits = re.match(r"q0f(\d+)", quantization, re.IGNORECASE)
    words = translate("ModelStatus", "{bits}-bit").format(bits=bits[1]) if bits else quantization
    return translate("ModelStatus", "{quantization} weights").format(quantization=words)


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
        broken: whether a file of it is damaged or missing.
        gone: whether it is loaded although its folder is no longer there.
        folder: where it lies; empty for one of a server.
        idle_since: when it was last used, in seconds since 1970, while it is ready; else 0.
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
    broken: bool = False
    gone: bool = False
    folder: str = ""
    idle_since: float = 0.0

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
        reason=error_words(entry.reason),
        remedy=error_words(entry.remedy),
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
        broken=entry.code == ModelBroken.code,
        folder="" if server else str(entry.path),
        idle_since=state.idle_since if state else 0.0,
    )


def gone_status(name: str, state: ModelState) -> ModelStatus:
    """A model that is loaded, and whose files have disappeared from the model folders."""
    title, quantization = split_name(name)
    info = state.info
    return ModelStatus(
        name,
        title,
        quantization,
        usable=False,
        reason=translate("ModelStatus", "Its files are gone: the folder was deleted, or its drive was taken out."),
        remedy=translate("ModelStatus", "Put them back to go on using it. What is still loaded can be unloaded."),
        state=state.state,
        memory_bytes=info.memory_bytes if info else 0,
        device=info.device if info else "",
        context_window=info.context_window if info else 0,
        gone=True,
        idle_since=state.idle_since,
    )


def _names(entry: ModelEntry) -> tuple[str, str, str]:
    """Server, title and quantization; a server's own names are left as they are."""
    if entry.kind != "remote":
        return "", *split_name(entry.name)
    server, _, model = entry.name.partition("/")
    return server, model or server, ""


def _device(server: str) -> str:
    return translate("ModelStatus", "Server {server}").format(server=server) if server else ""
