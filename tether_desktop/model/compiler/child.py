"""The compile process: builds what one line on stdin asks for and tells how far it is on stdout."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tether_desktop.errors import InstallError, TetherError
from tether_desktop.model import wire
from tether_desktop.model.job import exit_with_parent
from tether_desktop.model.starter import Starter


def main() -> int:
    """Run one build; 0 when it is done, 1 when stdout or stderr says why not."""
    output = os.dup(1)
    # What a compiler prints must not get between our lines.
    os.dup2(2, 1)

    def send(message: Mapping[str, Any]) -> None:
        os.write(output, wire.to_line(message))

    request = json.loads(sys.stdin.buffer.readline())
    exit_with_parent()
    try:
        _build(request, lambda stage, progress: send({"stage": stage, "progress": progress}))
    except TetherError as error:
        send({"error": wire.pack_error(error)})
    except MemoryError:
        send({"error": wire.pack_error(_out_of_memory())})
    except Exception:  # noqa: BLE001 - the edge of the process: the parent tells the person, the log has the rest
        traceback.print_exc()
    else:
        send({"done": True})
        return 0
    return 1


def _build(request: dict[str, Any], report: Callable[[str, float | None], None]) -> None:
    # Imported here because this brings in the compiler: a second or two that the request should not wait for.
    from tether_desktop.model.compiler.build import compile_library
    from tether_desktop.model.compiler.starter_build import StarterBuild, build_starter

    build = StarterBuild(
        starter=Starter(**request["starter"]),
        wheel=Path(request["wheel"]) if request["wheel"] else None,
        folder=Path(request["folder"]),
        library_folder=Path(request["library_folder"]),
        work=Path(request["work"]),
        isa=request["isa"],
    )
    build_starter(build, compile_library, report)


def _out_of_memory() -> InstallError:
    return InstallError("The model cannot be prepared", "There is not enough memory.", "Close other programs.")
