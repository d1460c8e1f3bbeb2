"""What a model is called on the disk: names that every file system takes, and what a source's own name says."""

from __future__ import annotations

import re
import unicodedata

from tether_desktop.errors import InstallError
from tether_desktop.model.library import LIBRARY_FOLDER
from tether_desktop.model.model_search import PACKED_FOLDER

_LONGEST = 80
_ENDING = re.compile(
    r"""[-._ ](
        MLC | GGUF | unquantized
        | i?q\d+[a-z\d_]* | mixed_t16 | mxfp4 | [bf]?fp?(16|32) | f(16|32)
        | \d{5}-of-\d{5}
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
_SAYS_NOTHING = {"", "model", "ggml-model", "gguf", "pytorch_model", "consolidated", "weights", "main", "snapshot"}
_PORTS = {f"{port}{number}" for port in ("com", "lpt") for number in range(10)}
_RESERVED = {LIBRARY_FOLDER, PACKED_FOLDER, "con", "prn", "aux", "nul", *_PORTS}


def bare_name(text: str) -> str:
    """A model's name without what files add to it: quantization, format and part number."""
    name = safe_name(text)
    while match := _ENDING.search(name):
        name = name[: match.start()]
    return "" if name.lower() in _SAYS_NOTHING else name


def safe_name(text: str) -> str:
    """The text as a folder name that every file system takes; empty when nothing of it can stay."""
    kept = (letter if letter.isalnum() or letter in "._-" else "-" for letter in unicodedata.normalize("NFC", text))
    name = re.sub(r"-{2,}", "-", "".join(kept))
    while len(name.encode()) > _LONGEST:
        name = name[:-1]
    return name.strip(".-")


def folder_name(model: str, quantization: str) -> str:
    """The name of the folder of a packed model."""
    return f"{model}-{quantization}-MLC"


def check_name(name: str) -> None:
    """Make sure that a name a person chose can be a folder's everywhere.

    Raises:
        InstallError: it cannot, with one that can.
    """
    if name.partition(".")[0].lower() in _RESERVED:
        raise _refused(name, "it has a meaning of its own", f"{name}-model")
    if safe_name(name) != name or not name:
        raise _refused(name, "not every file system takes it", safe_name(name) or "my-model")


def _refused(name: str, reason: str, better: str) -> InstallError:
    return InstallError(
        "The model cannot be called that", f"{name!r} cannot be a model's name: {reason}.", f"Try --name {better}."
    )
