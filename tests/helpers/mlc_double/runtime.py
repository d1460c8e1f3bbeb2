"""What of ``tvm.runtime`` is used beside the engine: libraries that say what they are for, and devices."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.helpers.mlc_double.engine import Device

_MARK = re.compile(rb"a library of the double for (\w+)\.")


@dataclass(frozen=True)
class Module:
    """A loaded library, with the parts that are in it."""

    kind: str
    imports: tuple[Module, ...] = ()


def library_bytes(device: str) -> bytes:
    """What makes a file a library of the double that is for a device, wherever it stands in it."""
    return f"a library of the double for {device}.".encode()


def load_module(path: str) -> Module:
    """Load a library: an executable, in which are the host's code and in that the device's."""
    found = _MARK.search(Path(path).read_bytes())
    if found is None:
        raise RuntimeError(f"{path}: invalid ELF header\nstack trace: …")
    device = found[1].decode()
    return Module("relax.VMExecutable", (Module("library", () if device == "cpu" else (Module(device),)),))


def device(name: str, _number: int) -> Device:
    """A device by its name."""
    return Device(name)
