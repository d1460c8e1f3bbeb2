"""What a window needs of the system: a screen, and libraries that no program brings along."""

from __future__ import annotations

import os
import re
import sys

from tether_desktop.errors import TetherError, WindowImpossible

OF_THE_SYSTEM = {
    "libGL.so.1": "libgl1",
    "libEGL.so.1": "libegl1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb.so.1": "libxcb1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libstdc++.so.6": "libstdc++6",
    "libgcc_s.so.1": "libgcc-s1",
    "libz.so.1": "zlib1g",
}
"""Debian's packages of the libraries that an installed program leaves to the system."""

PACKAGES = OF_THE_SYSTEM | {
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libbrotlidec.so.1": "libbrotli1",
}
"""The same with those that a checkout needs of the system as well."""

_LOADED_ON_X11 = ("libX11-xcb.so.1", "libxcb-cursor.so.0", "libxkbcommon-x11.so.0")
"""What Qt's plugin for X11 loads; where it cannot, Qt ends the program without a word."""

_DIALOGS = (("zenity", "--error", "--no-markup", "--text"), ("kdialog", "--error"), ("xmessage", "-center"))
"""Programs of desktops that show a text; it follows their options."""

_MISSING = re.compile(r"(lib[\w.+-]+\.so[.\d]*): cannot open shared object file")


def check() -> None:
    """Make sure that a window could be shown, as far as can be told at no cost.

    Raises:
        WindowImpossible: with what to install or to do.
    """
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return
    if os.environ.get("WAYLAND_DISPLAY"):
        return
    if not os.environ.get("DISPLAY"):
        raise WindowImpossible(
            "There is no screen",
            "Neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can open.",
            "`tether chat` talks in the terminal, and `tether serve` works without a screen.",
        )
    import ctypes

    try:
        for name in _LOADED_ON_X11:
            ctypes.CDLL(name)
    except OSError as error:
        raise explained(error) or error from error


def explained(error: Exception) -> WindowImpossible | None:
    """What a person is told of a library that could not be loaded; None where that is not what the error says."""
    found = _MISSING.search(str(error))
    if found is None:
        return None
    library = found[1]
    package = PACKAGES.get(library)
    remedy = f"On Debian and Ubuntu: sudo apt install {package}." if package else "Install the package that has it."
    return WindowImpossible("The window cannot be opened", f"The system library {library} is missing.", remedy)


def tell(error: TetherError) -> None:
    """Say what went wrong where no window of ours can: on stderr, and on the screen when nobody reads that."""
    text = "\n".join(filter(None, (error.title, error.message, error.hint)))
    sys.stderr.write(f"{text}\n")
    if not sys.platform.startswith("linux") or sys.stderr.isatty() or not os.environ.get("DISPLAY"):
        return
    import shutil
    import subprocess

    for command in _DIALOGS:
        if found := shutil.which(command[0]):
            subprocess.run([found, *command[1:], text], capture_output=True, check=False)
            return
