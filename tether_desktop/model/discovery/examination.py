"""What one place under the model folders is: which engine runs it with which library, or why none does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tether_desktop.errors import LibraryUntrusted, ModelBroken, ModelError, ModelUnprepared
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.discovery.library import fitting_libraries
from tether_desktop.model.discovery.model_folder import (
    ChatConfig,
    Shard,
    broken,
    check_present,
    check_sizes,
    check_tensors,
    plain_name,
    read_config,
    read_json,
    read_shards,
    tensors_of,
)
from tether_desktop.model.discovery.official_library import OfficialLibrary, fitting_official
from tether_desktop.model.discovery.prepared import fingerprint
from tether_desktop.model.discovery.search import Place
from tether_desktop.model.scripted.script import read_script

HF_CONFIG = "config.json"
HF_INDEX = "model.safetensors.index.json"
_LARGEST_INDEX = 8 << 20


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a model is looked at with.

    Attributes:
        libraries: compiled libraries of all model folders.
        isas: instruction sets of this processor, best first.
        official_engine: whether MLC-LLM is installed.
        copies: prepared copies, see :func:`tether_desktop.model.discovery.prepared.prepared_copies`.
    """

    libraries: Sequence[Path]
    isas: Sequence[str]
    official_engine: bool
    copies: Mapping[tuple[Path, str], Path]


class Examination:
    """One look at one place.

    Attributes:
        entry: all that is known, also when :meth:`run` fails.
    """

    def __init__(self, name: str, place: Place, around: Surroundings) -> None:
        """Prepare; ``name`` is the model's in the catalogue."""
        self.entry = ModelEntry(name, place.path)
        self._place = place
        self._around = around

    def run(self) -> None:
        """Find out how the model is run.

        Raises:
            ModelError: it cannot be; ``code`` and text say why and what to do.
        """
        try:
            self._examine()
        except OSError as error:
            raise broken(f"It cannot be read: {error.strerror or error}.") from error

    def _examine(self) -> None:
        match self._place.kind:
            case "unreadable":
                raise broken(self._place.reason, "Make it readable, put the right link there, or remove it.")
            case "folder":
                self._examine_folder()
            case "checkpoint":
                self._examine_checkpoint()
            case "gguf":
                self._know(size_bytes=_total_size(self._place.folder, self._place.files))
                self._use_copy()

    def _examine_folder(self) -> None:
        config = self._describe(self._place.path)
        if config.kind == "scripted":
            read_script(self._place.path)
        elif config.kind == "tvm":
            self._use_packed(self._place.path, config)
        else:
            self._use_mlc(config)

    def _examine_checkpoint(self) -> None:
        files = self._place.files
        if HF_CONFIG not in files:
            raise broken(f"{HF_CONFIG} is missing.", "Fetch the whole model again: its weights alone are not enough.")
        model_type = read_json(self._place.path / HF_CONFIG).get("model_type")
        self._know(model_type=model_type if isinstance(model_type, str) else "")
        weights = [name for name in files if name.endswith(".safetensors")]
        if HF_INDEX in files:
            weights = _indexed_weights(self._place.path)
        self._know(size_bytes=_total_size(self._place.path, weights))
        self._use_copy()

    def _describe(self, folder: Path) -> ChatConfig:
        with suppress(ModelError):
            self._know(size_bytes=_weights_size(read_shards(folder)))
        config = read_config(folder)
        self._know(
            kind="scripted" if config.kind == "scripted" else "tvm",
            model_type=config.model_type,
            quantization=config.quantization,
            context_window=config.context_window,
        )
        return config

    def _use_packed(self, folder: Path, config: ChatConfig) -> None:
        """Run packed weights with our own engine."""
        shards = read_shards(folder)
        check_tensors(config, shards)
        check_sizes(shards)
        check_present(folder / "tokenizer.json")
        assert config.shape is not None  # noqa: S101  packed weights have one
        libraries = fitting_libraries(config.shape, self._around.libraries, self._around.isas)
        self._know(library=libraries[0])
        self._know(library=_trusted(libraries))

    def _use_mlc(self, config: ChatConfig) -> None:
        """Run MLC's weights with its own engine, with the prepared copy, or tell what is missing."""
        shards = read_shards(self._place.path)
        tensors = tensors_of(shards)
        check_sizes(shards)
        fitting = dict(fitting_official(config, tensors, self._around.libraries))
        if fitting and self._around.official_engine:
            self._use_official(fitting)
        else:
            self._use_copy(needs_official=bool(fitting))

    def _use_official(self, fitting: Mapping[Path, OfficialLibrary]) -> None:
        """Run MLC's weights with its engine; where nobody allowed its library yet, a prepared copy will do."""
        try:
            library = _trusted(list(fitting))
        except LibraryUntrusted:
            known = self.entry
            try:
                self._use_copy()
            except ModelError:
                self.entry = replace(known, kind="mlc", library=next(iter(fitting)))
            else:
                return
            raise
        window = self.entry.context_window or fitting[library].context_window
        self._know(kind="mlc", library=library, context_window=window)

    def _use_copy(self, *, needs_official: bool = False) -> None:
        """Run source weights by way of their prepared copy."""
        place, command = self._place, f"`tether models compile {self.entry.name}`"
        copy = self._around.copies.get((place.root, place.inside))
        if copy is None and needs_official:
            reason = "Its library is for MLC-LLM's own engine, which is not installed."
            raise unprepared(reason, f"Install mlc_llm, or prepare it for the processor with {command}.")
        if copy is None:
            raise unprepared("Its weights are not prepared for this computer yet.", f"Prepare it with {command}.")
        self._know(prepared=copy)
        config = self._describe(copy)
        if config.packed_from != fingerprint(place):
            raise unprepared("Its weights have changed since they were prepared.", f"Prepare it again with {command}.")
        try:
            self._use_packed(copy, config)
        except ModelBroken as error:
            reason = f"Its prepared copy in {copy} is damaged: {error.message}"
            raise broken(reason, f"Prepare it again with {command}.") from error

    def _know(self, **facts: Any) -> None:
        self.entry = replace(self.entry, **facts)


def unprepared(reason: str, remedy: str) -> ModelUnprepared:
    """The error of source weights that must be packed and compiled first."""
    return ModelUnprepared("The model is not prepared", reason, remedy)


def _trusted(libraries: Sequence[Path]) -> Path:
    """The first library that may run.

    Raises:
        LibraryUntrusted: none may; it tells about the first.
    """
    for path in libraries:
        with suppress(OSError):
            if trust.is_trusted(path):
                return path
    raise trust.untrusted(libraries[0], trust.sha256_of(libraries[0]))


def _indexed_weights(folder: Path) -> list[str]:
    """The weight files that the index of a checkpoint names."""
    document = read_json(folder / HF_INDEX, _LARGEST_INDEX)
    try:
        return sorted({plain_name(name) for name in document["weight_map"].values()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise broken(f"{HF_INDEX} is not an index of weight files.") from error


def _weights_size(shards: Sequence[Shard]) -> int:
    return sum(shard.size for shard in shards)


def _total_size(folder: Path, names: Sequence[str]) -> int:
    """Bytes of weight files, none of which may be missing or empty."""
    for name in names:
        check_present(folder / name)
    return sum((folder / name).stat().st_size for name in names)
