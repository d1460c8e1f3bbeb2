"""What of ``tvm.runtime`` is used beside the engine: libraries that say what they are for, and devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.helpers.mlc_double.engine import Device

_HEADER = b"a library of the double for "


@dataclass(frozen=True)
class Module:
    """A loaded library, with the parts that are in it."""

    kind: str
    imports: tuple[Module, ...] = ()


def library_bytes(device: str) -> bytes:
    """A library of the double that is for a device."""
    return _HEADER + device.encode()


def load_module(path: str) -> Module:
    """Load a library: an executable, in which are the host's code and in that the device's."""
    content = Path(path).read_bytes()
    if not content.startswith(_HEADER):
        raise RuntimeError(f"{path}: invalid ELF header\nstack trace: …")
    parts = (Module(content.removeprefix(_HEADER).decode()),) if content != _HEADER + b"cpu" else ()
    return Module("relax.VMExecutable", (Module("library", parts),))


def device(name: str, _number: int) -> Device:
    """A device by its name."""
    return Device(name)
