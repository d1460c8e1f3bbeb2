"""Where the window was and what it showed, kept in a small JSON file of the data folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from tether_desktop import paths


def state_path() -> Path:
    """The file that holds the window's state."""
    return paths.data_dir() / "window.json"


@dataclass(frozen=True, slots=True)
class WindowState:
    """What the window looked like when it was last used.

    Attributes:
        geometry: Qt's saved geometry, base64; empty for a first start.
        sidebar_width: of the session list, in device-independent pixels.
        session_id: the chat that was open; empty for a new one.
        model: the model that was last chosen.
        theme, text_size, density, language: the look and the words that were on, so that the first frame has them
            before the settings are read.
        arrangement: the order of the chats, and the folders that are collapsed.
        toured: whether the first tour was read or skipped.
        sidebar_hidden: whether the session list was hidden.
    """

    geometry: str = ""
    sidebar_width: int = 250
    session_id: str = ""
    model: str = ""
    theme: Literal["system", "light", "dark"] = "system"
    text_size: int = 15
    density: Literal["comfortable", "compact"] = "comfortable"
    language: str = "system"
    arrangement: str = ""
    toured: bool = False
    sidebar_hidden: bool = False


def read_state() -> WindowState:
    """The saved state; what is missing or cannot be read is as on a first start."""
    try:
        saved = json.loads(state_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return WindowState()
    return _checked(saved) if isinstance(saved, dict) else WindowState()


def write_state(state: WindowState) -> None:
    """Save the state, by renaming, so that a power cut leaves the old or the new one.

    Raises:
        OSError: the folder cannot be written.
    """
    path = state_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".tmp")
    beside.write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")
    beside.replace(path)


def _checked(saved: dict[str, Any]) -> WindowState:
    default = WindowState()
    known = {
        field.name: saved[field.name]
        for field in fields(WindowState)
        if type(saved.get(field.name)) is type(getattr(default, field.name))
    }
    if known.get("theme") not in {"system", "light", "dark"}:
        known["theme"] = "system"
    if known.get("density") not in {"comfortable", "compact"}:
        known["density"] = "comfortable"
    return replace(WindowState(**known), text_size=max(11, min(24, int(known.get("text_size", 15)))))
