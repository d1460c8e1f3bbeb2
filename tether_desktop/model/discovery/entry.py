"""A model as the catalogue lists it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tether_desktop.model.engine import EngineKind


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model folder, a file of source weights, or a model of a server.

    Attributes:
        name: unique in the catalogue: the folder's name, or its path where that is taken.
        path: the folder or file that the person knows, absolute.
        kind: which engine runs it.
        usable: whether it can be loaded here.
        reason, remedy: why not, and what to do; empty when it can.
        code: of the error that says so ("library_untrusted"); empty when it can.
        model_type, quantization: as its configuration says, empty when unknown.
        context_window: tokens of prompt and reply together, 0 when unknown.
        size_bytes: weights on disk.
        library: the compiled library to load it with, or that nobody has allowed yet; None when it needs none
            or has none.
        prepared: the copy that is loaded in its stead; None where there is none.
    """

    name: str
    path: Path
    kind: EngineKind = "tvm"
    usable: bool = True
    reason: str = ""
    remedy: str = ""
    code: str = ""
    model_type: str = ""
    quantization: str = ""
    context_window: int = 0
    size_bytes: int = 0
    library: Path | None = None
    prepared: Path | None = None

    @property
    def model_dir(self) -> Path:
        """What is loaded."""
        return self.prepared or self.path
