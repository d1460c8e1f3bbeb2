"""What a model is called on the disk: names that every file system takes, and what a source's own name says."""

from __future__ import annotations

import re
import unicodedata

from tether_desktop.errors import InstallError
from tether_desktop.model.discovery.library import LIBRARY_FOLDER
from tether_desktop.model.discovery.search import PACKED_FOLDER

_LONGEST = 80
_LONGEST_FOLDER = 120
_ENDING = re.compile(
    r"""[-._ ](
        MLC | GGUF | unquantized
        | i?q\d+[a-z\d_]* | mixed_t16 | mxfp4 | [bf]?fp?(16|32) | f(16|32)
        | \d{5}-of-\d{5}
    )$""",
    re.IGNORECASE | re.VERBOSE,
)
_SAYS_NOTHING = {"", "model", "ggml-model", "gguf", "pytorch_model", "consolidated", "weights", "main", "snapshot"}
_PORTS = {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
_RESERVED = {LIBRARY_FOLDER, PACKED_FOLDER, "con", "prn", "aux", "nul", *_PORTS}


def bare_name(text: str) -> str:
    """A model's name without what files add to it: quantization, format and part number."""
    name = safe_name(text)
    while match := _ENDING.search(name):
        name = name[: match.start()]
    return "" if name.lower() in _SAYS_NOTHING else name


def safe_name(text: str, longest: int = _LONGEST) -> str:
    """The text as a folder name that every file system takes; empty when nothing of it can stay.

    Args:
        text: any.
        longest: bytes of UTF-8.
    """
    composed = unicodedata.normalize("NFC", text[: 4 * longest])
    kept = (letter if letter.isalnum() or letter in "._-" else "-" for letter in composed)
    name = re.sub(r"-{2,}", "-", "".join(kept)).strip(".-")
    if name.partition(".")[0].lower() in _RESERVED:
        name = f"model-{name}"
    return name.encode()[:longest].decode(errors="ignore").rstrip(".-")


def folder_name(model: str, quantization: str) -> str:
    """The name of the folder of a packed model."""
    return f"{model}-{quantization}-MLC"


def check_name(name: str) -> None:
    """Make sure that a name a person chose can be a folder's everywhere.

    Raises:
        InstallError: it cannot, with one that can.
    """
    safe = safe_name(name, _LONGEST_FOLDER)
    if safe != name or not name:
        raise InstallError(
            "The model cannot be called that",
            f"{name!r} cannot be a model's name: it means something else, or not every file system takes it.",
            f"Try --name {safe or 'my-model'}.",
        )
