"""TVM's runtime without its compiler: finding it, loading compiled libraries, choosing threads."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tether_desktop import paths
from tether_desktop.errors import EngineError, LibraryMismatch
from tether_desktop.model.cpu import default_threads, isa_title, supported_isas
from tether_desktop.model.discovery.library import LibraryMetadata, read_metadata

_LIBRARY_NAMES = {"Windows": "tvm_runtime.dll", "Darwin": "libtvm_runtime.dylib"}
_BUNDLED = "runtime"
"""Where the frozen program has it."""

_ALL_CORES = 1
"""TVM's thread-pool mode: the fastest cores first."""


def runtime_path() -> Path:
    """Where TVM's runtime library lies: in the frozen program's folder, or in the package, which is not imported.

    Raises:
        EngineError: it is not installed.
    """
    name = _LIBRARY_NAMES.get(platform.system(), "libtvm_runtime.so")
    bundled = paths.project_root() / _BUNDLED / name
    if paths.program_folder() is not None and bundled.is_file():
        return bundled
    package = find_spec("tvm")
    if package is not None and package.origin:
        path = Path(package.origin).parent / "lib" / name
        if path.is_file():
            return path
    raise EngineError(
        "The engine is not installed",
        f"TVM's runtime ({name}) was not found.",
        "Install Tether again, with apache-tvm.",
    )


class Runtime:
    """TVM's runtime in this process.

    Attributes:
        threads: the most compute threads there can be.
    """

    def __init__(self, threads: int | None) -> None:
        """Start it; ``threads`` counts only the first time in a process, None takes the machine's cores."""
        self.threads = _thread_limit(threads)
        self._configure: Callable[[int, int], None] = _load_runtime()("runtime.config_threadpool")
        self._current = 0
        self.use_threads(self.threads)

    def use_threads(self, count: int) -> None:
        """Run the next calls on this many threads."""
        if count != self._current:
            self._configure(_ALL_CORES, count)
            self._current = count


class CompiledLibrary:
    """The functions of a compiled library.

    Attributes:
        metadata: what it says about itself.
        decode, prefill, head: see :mod:`tether_desktop.model.compiler.decoder`.
    """

    def __init__(self, path: Path) -> None:
        """Load it; a :class:`Runtime` must have been started.

        Raises:
            LibraryMismatch: it is not a library of ours, or needs an instruction set this processor lacks.
        """
        self.metadata = _checked_metadata(path)
        import tvm_ffi

        module = tvm_ffi.load_module(str(path.absolute()))
        self.decode, self.prefill, self.head = (
            module.get_function(name, query_imports=True) for name in ("decode", "prefill", "head")
        )


def _checked_metadata(path: Path) -> LibraryMetadata:
    metadata = read_metadata(path)
    if metadata is None:
        raise LibraryMismatch(
            "The library cannot be used", f"{path.name} was not compiled by Tether.", "Compile the model again."
        )
    if metadata.isa not in supported_isas():
        raise LibraryMismatch(
            "The library does not fit this processor",
            f"{path.name} is made for {isa_title(metadata.isa)}, which this processor does not have.",
            "Compile the model for this computer.",
        )
    return metadata


@cache
def _thread_limit(threads: int | None) -> int:
    limit = threads or default_threads()
    # Read when the pool starts. Bound to a core each, the threads would wait for whatever else runs there.
    os.environ["TVM_NUM_THREADS"] = str(limit)
    os.environ["TVM_BIND_THREADS"] = "0"
    return limit


@cache
def _load_runtime() -> Callable[[str], Any]:
    # tvm_ffi brings libtvm_ffi, which the runtime needs; the order matters.
    import tvm_ffi

    ctypes.CDLL(str(runtime_path()), ctypes.RTLD_GLOBAL)
    lookup: Callable[[str], Any] = tvm_ffi.get_global_func
    return lookup
