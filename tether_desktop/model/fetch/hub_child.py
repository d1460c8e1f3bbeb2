"""The fetch process: fetches from the hub what one line on stdin asks for, and tells how far it is on stdout."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tether_desktop.errors import TetherError
from tether_desktop.model.fetch.hub_fetch import HubFetch
from tether_desktop.model.fetch.hub_reference import parse_reference
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress
from tether_desktop.model.hosting import wire
from tether_desktop.model.hosting.job import exit_with_parent


def main() -> int:
    """Fetch; 0 when all is there, 1 when stdout or stderr says why not."""
    output = os.dup(1)
    # What a library prints must not get between our lines.
    os.dup2(2, 1)

    def send(message: Mapping[str, Any]) -> None:
        os.write(output, wire.to_line(message))

    def report(progress: FetchProgress) -> None:
        send({"done": progress.done_bytes, "total": progress.total_bytes, "file": progress.file})

    request = json.loads(sys.stdin.buffer.readline())
    exit_with_parent()
    try:
        fetch = HubFetch(parse_reference(request["reference"]), Path(request["folder"]), report, Patience())
        path = asyncio.run(fetch.run(request["endpoint"], request["token"]))
    except TetherError as error:
        send({"error": wire.pack_error(error)})
    except Exception:  # noqa: BLE001 - the edge of the process: the parent tells the person, the log has the rest
        traceback.print_exc()
    else:
        send({"path": str(path)})
        return 0
    return 1
