"""Links object files into a shared library with what the machine has; no C compiler is needed."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from tether_desktop.errors import InstallError

_LINKERS = {
    "Linux": (("ld", "-shared", "-z", "noexecstack"), ("ld.lld", "-shared"), ("cc", "-shared")),
    "Darwin": (("cc", "-dynamiclib", "-undefined", "dynamic_lookup"),),
    "Windows": (),
}
"""Commands in the order they are tried; output and objects are appended."""


def link_shared(objects: Sequence[Path], target: Path) -> None:
    """Link objects that need nothing but TVM's runtime, which the loading process has.

    Raises:
        InstallError: no linker was found, or it failed.
    """
    command = [*linker_command(), "-o", str(target), *map(str, objects)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise InstallError(
            "The model could not be compiled",
            f"The linker {command[0]} failed: {result.stderr.strip()[-500:]}",
            "Check that the disk is not full, and try again.",
        )


def linker_command() -> list[str]:
    """The linker to use, with its options.

    Raises:
        InstallError: this machine has none.
    """
    for command in _LINKERS.get(platform.system(), ()):
        if found := shutil.which(command[0]):
            return [found, *command[1:]]
    # The interpreter of an installed program runs that program, and no module.
    from_source = not getattr(sys, "frozen", False)
    if from_source and find_spec("ziglang") is not None:
        return [sys.executable, "-m", "ziglang", "cc", "-shared"]
    hint = "On Debian and Ubuntu: apt install binutils."
    raise InstallError(
        "The model could not be compiled",
        "This machine has no linker.",
        f"{hint} Elsewhere: pip install ziglang." if from_source else hint,
    )
