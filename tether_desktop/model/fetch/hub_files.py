"""Which files of a hub repository make a model: one GGUF, or a folder of weights with all that belongs to them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.checksum import Checksum
from tether_desktop.model.fetch.faults import TITLE
from tether_desktop.model.fetch.file_names import checked_path
from tether_desktop.model.fetch.gguf_files import GgufFile, choose_gguf, gguf_files

_MLC_CONFIG = "mlc-chat-config.json"
_PARTS_OF_ONE = re.compile(r"model(-\d{5}-of-\d{5})?\.safetensors")
_BESIDE_WEIGHTS = frozenset(
    (
        *("config.json", "generation_config.json", "model.safetensors.index.json", "chat_template.jinja"),
        *("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json"),
        *("vocab.json", "vocab.txt", "merges.txt", "chat_template.json"),
    )
)
_MLC_WEIGHTS = re.compile(r"params_shard_\d+\.bin")
_MLC_SUFFIXES = frozenset((".json", ".txt", ".model", ".jinja"))
_DOCUMENTS = re.compile(r"(readme|licen[cs]e|notice|copying|use_policy)[^/]*", re.IGNORECASE)
_DOCUMENT_SUFFIXES = frozenset(("", ".md", ".txt", ".pdf", ".rst"))
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file in a repository.

    Attributes:
        path: in the repository, as the hub says it; not to be trusted.
        size: in bytes.
        checksum: what it must be, where the hub says so.
    """

    path: str
    size: int
    checksum: Checksum | None


@dataclass(frozen=True, slots=True)
class Choice:
    """What to fetch of a repository.

    Attributes:
        files: in the order to fetch them; each with its place below the folder of the download.
        result: what makes the model: one of the places, or the folder that they are all in.
    """

    files: tuple[tuple[HubFile, PurePosixPath], ...]
    result: PurePosixPath


def choose_files(repo: str, files: Sequence[HubFile], wanted: str | None) -> Choice:
    """Choose what to fetch: the GGUF asked for, the best one, or the folder of weights.

    Args:
        repo: "org/name".
        files: all that are in it.
        wanted: a file, or a quantization; None leaves the choice to us.

    Raises:
        InstallError: nothing there that we can use, more than we can choose from, or a name that leads elsewhere.
    """
    ggufs = gguf_files(file.path for file in files)
    if wanted is not None or ggufs:
        return _one_gguf(files, choose_gguf(repo, ggufs, wanted))
    chosen = [file for file in files if "/" not in file.path and _belongs(file.path, files)]
    if not any(_is_weights(file.path) for file in chosen):
        raise _no_weights(repo, files)
    return _folder(PurePosixPath(repo.partition("/")[2]), chosen)


def _one_gguf(files: Sequence[HubFile], gguf: GgufFile) -> Choice:
    by_path = {file.path: file for file in files}
    pairs = tuple((by_path[path], PurePosixPath(checked_path(path).name)) for path in gguf.paths)
    return Choice(pairs, pairs[0][1])


def _folder(folder: PurePosixPath, chosen: Iterable[HubFile]) -> Choice:
    """Small files first: what is wrong with a model shows before its gigabytes come."""
    ordered = sorted(chosen, key=lambda file: (_is_weights(file.path), file.path))
    pairs = tuple((file, folder / checked_path(file.path)) for file in ordered)
    # Two names that differ in nothing but case are one file on Windows and macOS.
    if len({str(place).casefold() for _, place in pairs}) < len(pairs):
        message = "Two of its files have the same name but for capital letters."
        raise InstallError(TITLE, message, "Do not use this model; tell whoever publishes it.")
    return Choice(pairs, folder)


def _belongs(name: str, files: Sequence[HubFile]) -> bool:
    """Whether a file at the top of a repository is part of its model; code never is."""
    if _DOCUMENTS.fullmatch(name) and PurePosixPath(name).suffix.lower() in _DOCUMENT_SUFFIXES:
        return True
    names = {file.path for file in files}
    if _MLC_CONFIG in names:
        return bool(_MLC_WEIGHTS.fullmatch(name)) or PurePosixPath(name).suffix in _MLC_SUFFIXES
    if name.endswith(".safetensors"):
        # Some publish the same weights once more in another layout, or adapters beside them.
        return bool(_PARTS_OF_ONE.fullmatch(name)) or not any(map(_PARTS_OF_ONE.fullmatch, names))
    return name in _BESIDE_WEIGHTS


def _is_weights(name: str) -> bool:
    return name.endswith(".safetensors") or bool(_MLC_WEIGHTS.fullmatch(name))


def _no_weights(repo: str, files: Sequence[HubFile]) -> InstallError:
    if any(file.path.endswith(_PICKLES) for file in files):
        message = f"{repo} has its weights as pickles only, which can run any program when they are opened."
    else:
        message = f"{repo} has no weights that Tether reads: GGUF, safetensors, or a compiled MLC folder."
    return InstallError(TITLE, message, "Look on the hub for the same model as GGUF.")
