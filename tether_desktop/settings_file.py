"""The file of the settings a person changed: read, changed in one step, and kept aside when damaged."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from typing import Any

from tether_desktop import paths
from tether_desktop.errors import SettingsError

_changing = threading.Lock()


def read() -> dict[str, Any]:
    """The saved settings by name; empty where there is no file.

    Raises:
        SettingsError: the file cannot be read; or it is damaged, and was moved aside.
    """
    path = paths.settings_path()
    try:
        # Windows editors put a byte order mark before UTF-8.
        return _parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        hint = "Allow reading the file and its folder."
        raise SettingsError("The settings cannot be read", f"{path}: {error.strerror}.", hint) from error
    except ValueError as error:
        raise _set_aside(error) from error


def change(changes: dict[str, Any]) -> None:
    """Save what changed and keep the rest, keys of other versions too; None removes a setting.

    Raises:
        SettingsError: the file cannot be read or written.
    """
    path = paths.settings_path()
    with _changing:
        kept = {name: value for name, value in read().items() if name not in changes}
        kept |= {name: value for name, value in changes.items() if value is not None}
        try:
            paths.write_private(path, _format(kept))
        except OSError as error:
            hint = "Allow writing to the file and its folder, and check that the disk has room."
            raise SettingsError("The settings cannot be saved", f"{path}: {error.strerror}.", hint) from error


def _format(settings: dict[str, Any]) -> str:
    # A pasted half of a surrogate pair cannot be written as UTF-8; everything else stays readable.
    return json.dumps(settings, indent=2, ensure_ascii=False).encode("utf-8", "replace").decode() + "\n"


def _parse(text: str) -> dict[str, Any]:
    saved = json.loads(text) if text.strip() else {}
    if not isinstance(saved, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  (the text is at fault, not its type in Python)
    return saved


def _set_aside(error: ValueError) -> SettingsError:
    path = paths.settings_path()
    kept = path.with_name(f"{path.stem}-damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{path.suffix}")
    try:
        path.replace(kept)
    except OSError:
        hint = "Correct the file, or remove it to use the default settings."
    else:
        hint = f"It was kept as {kept.name}; the next start uses the default settings."
    return SettingsError("The settings cannot be read", f"{path} is damaged: {error}.", hint)
