"""The program itself, and what it needs of the computer to compute and to show a window."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import platform
import sys
from collections.abc import Iterator

import tether_desktop
from tether_desktop import paths
from tether_desktop.doctor.finding import Finding
from tether_desktop.errors import EngineError
from tether_desktop.model.cpu import default_threads, isa_title, supported_isas
from tether_desktop.model.tvm.runtime import runtime_path

_INSTALL_AGAIN = (
    "Install the program again."
    if paths.program_folder() is not None
    else "Install the program again: `make run` in the checkout does so."
)


def look_at_program() -> Iterator[Finding]:
    """The program, and what it runs on."""
    yield _program()
    yield _processor()
    yield _runtime()
    yield _window()
    yield _display()
    yield _fonts()


def _program() -> Finding:
    python = f"Python {platform.python_version()}, {platform.system()} {platform.release()} on {platform.machine()}"
    return Finding("program", "ok", f"Tether {tether_desktop.__version__}, {python}")


def _processor() -> Finding:
    isas = supported_isas()
    if not isas:
        return Finding(
            "processor",
            "fail",
            f"{platform.machine()}: none of the instruction sets we compile for",
            "Use a computer with an Intel or AMD processor from 2015 or later.",
        )
    return Finding("processor", "ok", f"{', '.join(map(isa_title, isas))}; {default_threads()} compute threads")


def _runtime() -> Finding:
    try:
        path = runtime_path()
    except EngineError as error:
        return Finding("runtime", "fail", error.message, error.hint)
    if importlib.util.find_spec("tvm_ffi") is None:
        return Finding("runtime", "fail", "The package tvm_ffi is missing.", _INSTALL_AGAIN)
    return Finding("runtime", "ok", str(path))


def _window() -> Finding:
    try:
        # By name, since only the window may depend on Qt; here it is only seen whether it can be loaded.
        version = importlib.import_module("PySide6").__version__
        importlib.import_module("PySide6.QtWidgets")
    except ImportError as error:
        return Finding(
            "window", "fail", f"Qt cannot be loaded: {error}.", "Install the system libraries: `make run` does so."
        )
    return Finding("window", "ok", f"Qt {version}")


def _display() -> Finding:
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return Finding("display", "ok", os.environ.get("QT_QPA_PLATFORM") or "the system's own")
    if os.environ.get("WAYLAND_DISPLAY"):
        return Finding("display", "ok", "Wayland")
    if not os.environ.get("DISPLAY"):
        return Finding("display", "warn", "There is none, so no window can open.", "`tether chat` works without one.")
    try:
        ctypes.CDLL("libxcb-cursor.so.0")
    except OSError:
        return Finding("display", "fail", "libxcb-cursor.so.0 is missing.", "Install the package libxcb-cursor0.")
    return Finding("display", "ok", f"X11, {os.environ['DISPLAY']}")


def _fonts() -> Finding:
    folder = paths.resources_dir() / "fonts"
    fonts = list(folder.glob("*.[ot]tf")) if folder.is_dir() else []
    if not fonts:
        return Finding("fonts", "warn", f"There are none in {folder}; the system's are used.", _INSTALL_AGAIN)
    return Finding("fonts", "ok", f"{len(fonts)} fonts")
