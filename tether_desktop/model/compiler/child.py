"""The compile process: does what one line on stdin asks for and tells how far it is on stdout."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tether_desktop.errors import InstallError, TetherError
from tether_desktop.model.hosting import wire
from tether_desktop.model.hosting.job import exit_with_parent
from tether_desktop.model.install.compile_job import (
    LOOK_BYTES,
    Report,
    harmful,
    read_build_request,
    read_inspect_request,
)
from tether_desktop.model.install.compiler_package import use_compiler


def main() -> int:
    """Run one job; 0 when it is done, 1 when stdout or stderr says why not."""
    output = os.dup(1)
    # What a compiler prints must not get between our lines.
    os.dup2(2, 1)

    def send(message: Mapping[str, Any]) -> None:
        os.write(output, wire.to_line(message))

    request = json.loads(sys.stdin.buffer.readline())
    exit_with_parent()
    try:
        done = _JOBS[request.pop("do")](request, lambda stage, progress: send({"stage": stage, "progress": progress}))
    except TetherError as error:
        send({"error": wire.pack_error(error)})
    except MemoryError:
        send({"error": wire.pack_error(_out_of_memory())})
    except Exception:  # noqa: BLE001 - the edge of the process: the parent tells the person, the log has the rest
        traceback.print_exc()
    else:
        send({"done": done})
        return 0
    return 1


def _inspect(request: dict[str, Any], report: Report) -> dict[str, Any]:
    from tether_desktop.model.compiler.inspection import inspect_source

    _limit_memory(LOOK_BYTES)
    wanted = read_inspect_request(request)
    try:
        return asdict(inspect_source(wanted, report))
    except MemoryError as error:
        raise harmful(wanted.source, f"it took more than {LOOK_BYTES >> 30} GB of memory") from error


def _build(request: dict[str, Any], report: Report) -> dict[str, Any]:
    from tether_desktop.model.compiler.build_job import build_model

    built = build_model(read_build_request(request), _compile, report)
    return {**asdict(built), "library": str(built.library)}


def _compile(model_dir: Path, isa: str, target: Path, on_progress: Callable[[float], None]) -> None:
    use_compiler()
    # Imported here because this brings in the compiler: a second or two, which a library that fits makes unneeded.
    from tether_desktop.model.compiler.build import compile_library

    compile_library(model_dir, isa, target, on_progress)


_JOBS: dict[str, Callable[[dict[str, Any], Report], dict[str, Any]]] = {"inspect": _inspect, "build": _build}


def _limit_memory(size: int) -> None:
    """Let this process have no more memory of its own than that, where the system can see to it."""
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (size, size))


def _out_of_memory() -> InstallError:
    return InstallError("The model cannot be prepared", "There is not enough memory.", "Close other programs.")
