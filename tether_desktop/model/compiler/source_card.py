"""What source weights say of themselves: the model's name and its licence, and the licence texts beside them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.weight_file import file_in
from tether_desktop.model.install.model_name import bare_name

_LICENCE_FILES = re.compile(r"(LICEN[CS]E|NOTICE|COPYING|USE_POLICY)([_-][\w-]*)?(\.(md|txt|rst))?", re.IGNORECASE)
_FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
_LICENCE_LINE = re.compile(r"^license(?:_name)?:[ \t]*([\w.+() -]{1,80})$", re.MULTILINE)
_HUB_CACHE = re.compile(r"models--[^/\\]+?--([^/\\]+)")
_LARGEST_TEXT = 1 << 20
_LONGEST = 80


@dataclass(frozen=True, slots=True)
class SourceCard:
    """What is known of a source beside its weights.

    Attributes:
        model: its name, safe for every file system; empty when it has none.
        licence: in short, as "apache-2.0"; empty when it does not say.
    """

    model: str
    licence: str


def read_card(path: Path) -> SourceCard:
    """What a GGUF file or a folder of weights says of itself."""
    if path.is_file():
        fields = GgufFile(path).fields
        own = (fields.get("general.name"), fields.get("general.basename"))
        names = [path.stem, *(text for text in own if isinstance(text, str)), path.resolve().parent.name]
        licence = fields.get("general.license")
        return SourceCard(_first_name(names), _one_line(licence) if isinstance(licence, str) else "")
    return SourceCard(_first_name(_folder_names(path.resolve())), _read_me_licence(path / "README.md"))


def licence_texts(path: Path) -> Iterator[Path]:
    """The files beside the weights of a folder that are its licence; links that lead elsewhere are none."""
    if path.is_dir():
        for file in sorted(path.iterdir()):
            if _LICENCE_FILES.fullmatch(file.name) and file.is_file() and file.stat().st_size <= _LARGEST_TEXT:
                with suppress(ModelBroken):
                    yield file_in(path, file.name)


def _first_name(names: list[str]) -> str:
    return next(filter(None, map(bare_name, names)), "")


def _folder_names(path: Path) -> list[str]:
    """The folder's name, but in the hub's own cache, whose folders are named by commits, the repository's."""
    cached = _HUB_CACHE.search(str(path))
    return [cached[1], path.name] if cached else [path.name]


def _read_me_licence(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = _FRONT_MATTER.match(file.read(_LARGEST_TEXT))
    except OSError:
        return ""
    found = _LICENCE_LINE.search(head[1]) if head else None
    return _one_line(found[1]) if found else ""


def _one_line(text: str) -> str:
    return " ".join(text[: 4 * _LONGEST].split())[:_LONGEST]
