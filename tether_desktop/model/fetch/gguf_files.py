"""The GGUF files of a repository, told apart by their names: split ones joined, and the one to take by itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.faults import TITLE

_PREFERRED = ("Q4_0", "Q4_K_M", "Q4_1", "Q8_0")
"""Quantizations to take when nobody says which: the smallest that is good, and quick with us, goes first."""

_READABLE = re.compile(r"Q4_[01]|Q5_[01]|Q8_0|Q[45]_K(_[SML])?|Q6_K(_L)?|B?F16|F32")
_QUANTIZATION = re.compile(
    r"(?<![a-z0-9])(i?q\d(?:_[a-z0-9]+)*|tq\d_\d|mxfp\d\w*|bf16|fp?16|fp?32)(?![a-z0-9])", re.IGNORECASE
)
_SPLIT = re.compile(r"(?P<stem>.+)-(?P<number>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
_NO_MODEL = re.compile(r"mmproj|imatrix|vocab", re.IGNORECASE)
_MOST_SHOWN = 20
_MOST_PARTS = 1000


@dataclass(frozen=True, slots=True)
class GgufFile:
    """A model as GGUF.

    Attributes:
        paths: in the repository; more than one when it is split, the first part first.
        quantization: as its name says, in capitals; empty where it says none.
    """

    paths: tuple[str, ...]
    quantization: str

    @property
    def readable(self) -> bool:
        """Whether its name gives hope that we can read it."""
        return not self.quantization or _READABLE.fullmatch(self.quantization) is not None


def gguf_files(paths: Iterable[str]) -> tuple[GgufFile, ...]:
    """The GGUF files among the paths that are models, and complete."""
    whole, split = [], dict[tuple[str, int], dict[int, str]]()
    for path in sorted(paths):
        if not path.lower().endswith(".gguf") or _NO_MODEL.search(PurePosixPath(path).name):
            continue
        if found := _SPLIT.fullmatch(path):
            split.setdefault((found["stem"], int(found["count"])), {})[int(found["number"])] = path
        else:
            whole.append(GgufFile((path,), quantization_of(path)))
    return (*whole, *_complete(split))


def choose_gguf(repo: str, files: Sequence[GgufFile], wanted: str | None) -> GgufFile:
    """The file asked for, or the one to take by itself.

    Args:
        repo: for messages.
        files: what there is.
        wanted: a path, the last part of one, or a quantization; None leaves the choice to us.

    Raises:
        InstallError: it is not there, or there is more than one that could be meant.
    """
    if wanted is not None:
        return _only(repo, files, _asked_for(files, wanted), f"has no GGUF file {wanted!a}")
    readable = [file for file in files if file.readable]
    for quantization in _PREFERRED:
        if found := [file for file in readable if file.quantization == quantization]:
            return _only(repo, files, found, "")
    return _only(repo, files, readable, "has no GGUF file in a quantization that Tether reads")


def quantization_of(path: str) -> str:
    """The quantization that a file's name says, in capitals; empty where it says none."""
    found: list[str] = _QUANTIZATION.findall(PurePosixPath(path).name.removesuffix(".gguf"))
    return found[-1].upper().replace("FP16", "F16").replace("FP32", "F32") if found else ""


def _complete(split: dict[tuple[str, int], dict[int, str]]) -> list[GgufFile]:
    return [
        GgufFile(tuple(parts[number] for number in sorted(parts)), quantization_of(stem))
        for (stem, count), parts in split.items()
        if count <= _MOST_PARTS and sorted(parts) == list(range(1, count + 1))
    ]


def _asked_for(files: Sequence[GgufFile], wanted: str) -> list[GgufFile]:
    """By path, or else by the last part of it, or else by quantization."""
    exact = [file for file in files if wanted in file.paths]
    named = [file for file in files if any(PurePosixPath(path).name == wanted for path in file.paths)]
    return exact or named or [file for file in files if file.quantization == wanted.upper()]


def _only(repo: str, files: Sequence[GgufFile], found: Sequence[GgufFile], missing: str) -> GgufFile:
    if len(found) == 1:
        return found[0]
    shown = ", ".join(_printable(file.paths[0]) for file in (found or files)[:_MOST_SHOWN])
    if found:
        message = f"{repo} has several files that could be meant: {shown}."
    else:
        message = f"{repo} {missing}." + (f" It has {shown}." if shown else "")
    raise InstallError(TITLE, message, f"Say which one: hf:{repo}:FILE." if files else "Check the name.")


def _printable(path: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in path[:160])
