"""Models: their folders, libraries, whether they can be used, and whether memory is enough for them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tether_desktop.byte_size import byte_size_text
from tether_desktop.doctor.finding import Finding
from tether_desktop.model.cpu import isa_title
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.bundled import is_bundled
from tether_desktop.model.discovery.catalog import Catalog, ModelEntry
from tether_desktop.model.discovery.library import read_metadata
from tether_desktop.model.discovery.official_library import official_engine_there, read_official
from tether_desktop.model.discovery.search import survey
from tether_desktop.model.install.compiler_package import compiler_there
from tether_desktop.model.pool.demand import expected_demand
from tether_desktop.model.pool.memory_fit import Memory, judge, memory_now
from tether_desktop.model.remote.server_models import ServerModels
from tether_desktop.settings import Settings

_ADD_STARTER = "Add the starter model with `tether models add starter`."
_SMALLER = "Close other programs, choose a smaller model, or set a smaller context window (TETHER_CONTEXT_WINDOW)."


def look_at_models(settings: Settings) -> Iterator[Finding]:
    """All that is to be said of models."""
    yield from (_model_folder(root) for root in settings.dist_roots)
    yield _compiler()
    yield _official_engine()
    yield from _libraries(settings)
    entries = Catalog(settings.dist_roots, [ServerModels().entries]).list()
    for entry in entries:
        yield _model(entry)
    usable = [entry for entry in entries if entry.usable]
    if not usable:
        places = ", ".join(map(str, settings.dist_roots))
        yield Finding("models", "warn", f"There is no usable model in {places}.", _ADD_STARTER)
    yield _memory(usable, settings.context_window, memory_now())


def _memory(usable: Sequence[ModelEntry], context_window: int, memory: Memory) -> Finding:
    """Whether each of the models could be loaded now, if it were the only one."""
    free = f"{byte_size_text(memory.free_bytes)} free"
    too_large = []
    for entry in usable:
        fit = judge(expected_demand(entry, context_window, memory).needs, memory)
        if fit.verdict == "will_not_fit":
            too_large.append(f"{entry.name} needs {byte_size_text(fit.needed_bytes)}")
    if too_large:
        return Finding("memory", "warn", f"{free}; {'; '.join(too_large)}.", _SMALLER)
    return Finding("memory", "ok", f"{free}, enough for each of the usable models" if usable else free)


def _model_folder(root: Path) -> Finding:
    if not root.exists():
        return Finding("model folder", "ok", f"{root}, not there yet; the first model makes it")
    if not root.is_dir() or not os.access(root, os.R_OK | os.X_OK):
        return Finding("model folder", "warn", f"{root} is no folder that can be read.", "Correct MLC_DIST_PATH.")
    return Finding("model folder", "ok", str(root))


def _compiler() -> Finding:
    there = "installed" if compiler_there() else "not installed; models that Tether has no library for need it"
    return Finding("compiler", "ok", there)


def _official_engine() -> Finding:
    there = "installed" if official_engine_there() else "not installed; only libraries of MLC-LLM need it"
    return Finding("MLC-LLM's own engine", "ok", there)


def _libraries(settings: Settings) -> Iterator[Finding]:
    problem = trust.problem()
    if problem:
        yield Finding("trusted libraries", "warn", problem, "Compile the models again, or allow their libraries anew.")
    libraries = survey(settings.dist_roots).libraries
    bundled = [path for path in libraries if is_bundled(path)]
    if bundled:
        yield _bundled(bundled)
    for path in libraries:
        if path not in bundled:
            yield _library(path)


def _bundled(libraries: Sequence[Path]) -> Finding:
    check, count = "libraries that came with Tether", len(libraries)
    try:
        changed = [path.name for path in libraries if not trust.is_trusted(path)]
    except OSError as error:
        return Finding(check, "warn", f"They cannot be read: {error.strerror or error}.", "Install Tether again.")
    if changed:
        return Finding(check, "warn", f"{len(changed)} of {count} are not as they came.", "Install Tether again.")
    return Finding(check, "ok", f"{count}, as they came")


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
