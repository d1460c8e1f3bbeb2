"""What works on this machine, what does not, and the remedy."""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tether_desktop
from tether_desktop import paths
from tether_desktop.app import lock_data_folder
from tether_desktop.context.store import Store
from tether_desktop.errors import AlreadyRunning, EngineError, SettingsError, TetherError
from tether_desktop.model.cpu import default_threads, isa_title, supported_isas
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry
from tether_desktop.model.discovery.library import read_metadata
from tether_desktop.model.discovery.official_library import official_engine_there, read_official
from tether_desktop.model.discovery.search import survey
from tether_desktop.model.remote.server_models import ServerModels
from tether_desktop.model.tvm.runtime import runtime_path
from tether_desktop.settings import Settings, load_settings

Status = Literal["ok", "warn", "fail"]

_SCARCE_BYTES = 1_000_000_000
_NO_SPACE_BYTES = 100_000_000
_ADD_STARTER = "Add the starter model with `tether models add starter`."
_INSTALL_AGAIN = "Install the program again: `make run` in the checkout does so."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``fail`` means that something essential does not work."""

    check: str
    status: Status
    message: str
    remedy: str = ""


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    yield _program()
    yield _processor()
    yield _runtime()
    yield _window()
    yield _display()
    yield _fonts()
    yield _data_folder()
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("settings", "fail", error.message, error.hint)
    else:
        yield _database(settings)
        yield from _disks(settings)
        yield from _models(settings)


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


def _models(settings: Settings) -> Iterator[Finding]:
    yield from (_model_folder(root) for root in settings.dist_roots)
    yield _official_engine()
    yield from _libraries(settings)
    entries = Catalog(settings.dist_roots, [ServerModels().entries]).list()
    for entry in entries:
        yield _model(entry)
    if not any(entry.usable for entry in entries):
        places = ", ".join(map(str, settings.dist_roots))
        yield Finding("models", "warn", f"There is no usable model in {places}.", _ADD_STARTER)


def _model_folder(root: Path) -> Finding:
    if not root.exists():
        return Finding("model folder", "ok", f"{root}, not there yet; the first model makes it")
    if not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        return Finding("model folder", "warn", f"{root} is no folder that can be read.", "Correct MLC_DIST_PATH.")
    return Finding("model folder", "ok", str(root))


def _official_engine() -> Finding:
    there = "installed" if official_engine_there() else "not installed; only libraries of MLC-LLM need it"
    return Finding("MLC-LLM's own engine", "ok", there)


def _libraries(settings: Settings) -> Iterator[Finding]:
    problem = trust.problem()
    if problem:
        yield Finding("trusted libraries", "warn", problem, "Compile the models again, or allow their libraries anew.")
    for path in survey(settings.dist_roots).libraries:
        yield _library(path)


def _library(path: Path) -> Finding:
    check = f"library {path.name}"
    try:
        state = "may run" if trust.is_trusted(path) else "nobody has allowed it to run yet"
        ours, official = read_metadata(path), read_official(path)
    except OSError as error:
        return Finding(check, "warn", f"{path} cannot be read: {error.strerror or error}.", "Compile its model again.")
    if ours is not None:
        return Finding(check, "ok", f"{ours.model_type}, {isa_title(ours.isa)}; {state}")
    if official is not None:
        return Finding(check, "ok", f"MLC-LLM's, {official.model_type} {official.quantization}; {state}")
    return Finding(check, "warn", f"{path} is for no model that is known here.", "Compile its model again.")


def _model(entry: ModelEntry) -> Finding:
    check = f"model {entry.name}"
    if not entry.usable:
        return Finding(check, "warn", entry.reason, entry.remedy)
    return Finding(check, "ok", f"usable, {entry.library.name}" if entry.library else "usable")


def _data_folder() -> Finding:
    try:
        lock_data_folder().release()
    except AlreadyRunning:
        return Finding("data folder", "ok", f"{paths.data_dir()}, in use by a running Tether")
    except TetherError as error:
        return Finding("data folder", "fail", error.message, error.hint)
    return Finding("data folder", "ok", f"{paths.data_dir()}, writable")


def _database(settings: Settings) -> Finding:
    if not settings.sqlite_url and not paths.database_path().exists():
        return Finding("database", "ok", "not there yet; the first conversation makes it")
    try:
        store = Store(settings.database_url)
        count = len(store.list_sessions())
        store.close()
    except TetherError as error:
        return Finding("database", "fail", error.message, error.hint)
    return Finding("database", "ok", f"{count} conversations")


def _disks(settings: Settings) -> Iterator[Finding]:
    for check, folder in (
        ("disk of the data folder", paths.data_dir()),
        ("disk of the models", settings.dist_roots[0]),
    ):
        there = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(there).free
        message, remedy = f"{free / 1e9:,.1f} GB free in {there}", "Free some space."
        if free < _NO_SPACE_BYTES:
            yield Finding(check, "fail", message, remedy)
        elif free < _SCARCE_BYTES:
            yield Finding(check, "warn", message, remedy)
        else:
            yield Finding(check, "ok", message)


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
