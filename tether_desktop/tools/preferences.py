"""What a person decided about tools, kept in tools.json: which are off, which ask, which own files may run."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.errors import SettingsError
from tether_desktop.tools.tool import Permission

logger = logging.getLogger(__name__)

_FORMAT = 1
_LARGEST = 4 << 20
_LOCK_S = 10.0


@dataclass(frozen=True, slots=True)
class Decisions:
    """All that was decided.

    Attributes:
        off: names of the tools that are switched off.
        permissions: by tool name, where it is not the tool's own.
        allowed_files: SHA-256 of each own file that may run, by file name.
        others: keys of the file that another version knows.
    """

    off: frozenset[str] = frozenset()
    permissions: Mapping[str, Permission] = field(default_factory=dict)
    allowed_files: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, Any] = field(default_factory=dict)


class ToolPreferences:
    """The file and what it says; it is read when first asked, and for use from any thread.

    Attributes:
        problem: why the file could not be read, and what became of it; None where it could.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: SettingsError | None = None
        self._decisions: Decisions | None = None
        self._changing = threading.Lock()

    def is_off(self, name: str) -> bool:
        """Whether a tool is switched off."""
        return name in self._known().off

    def permission(self, name: str) -> Permission | None:
        """What was decided for a tool; None leaves it to the tool."""
        return self._known().permissions.get(name)

    def allowed_sha256(self, file_name: str) -> str | None:
        """The content of an own file that may run; None when it may not."""
        return self._known().allowed_files.get(file_name)

    def set_off(self, name: str, *, off: bool) -> None:
        """Switch a tool off or on again.

        Raises:
            SettingsError: it cannot be saved.
        """
        self._change(lambda old: replace(old, off=old.off | {name} if off else old.off - {name}))

    def set_permission(self, name: str, permission: Permission | None) -> None:
        """Decide for a tool; None leaves it to the tool again.

        Raises:
            SettingsError: it cannot be saved.
        """
        self._change(lambda old: replace(old, permissions=_with(old.permissions, name, permission)))

    def allow_file(self, file_name: str, sha256: str | None) -> None:
        """Let an own file run as long as its content is this; None forbids it.

        Raises:
            SettingsError: it cannot be saved.
        """
        self._change(lambda old: replace(old, allowed_files=_with(old.allowed_files, file_name, sha256)))

    def _known(self) -> Decisions:
        with self._changing:
            if self._decisions is None:
                self._decisions = self._first_read()
            return self._decisions

    def _first_read(self) -> Decisions:
        try:
            return self._read()
        except OSError as error:
            hint = "Allow reading the file and its folder; until then every tool asks and your own tools do not run."
            message = f"{self.path}: {error.strerror or error}."
            self.problem = SettingsError("What was decided about tools cannot be read", message, hint)
            return Decisions()

    def _change(self, change: Callable[[Decisions], Decisions]) -> None:
        lock = FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_S)
        with self._changing:
            try:
                paths.make_private_folder(self.path.parent)
                with lock:
                    # Read again: the terminal and the window may both be open.
                    changed = change(self._read())
                    paths.write_private(self.path, _format(changed))
            except (OSError, Timeout) as error:
                hint = "Allow writing to the file and its folder, and check that the disk has room."
                reason = getattr(error, "strerror", None) or error
                raise SettingsError("The tools cannot be changed", f"{self.path}: {reason}.", hint) from error
            self._decisions = changed

    def _read(self) -> Decisions:
        """What the file says; nothing where it is damaged: then every tool asks, and no own file runs."""
        try:
            return _parse(self.path)
        except FileNotFoundError:
            return Decisions()
        except (ValueError, RecursionError) as error:
            self.problem = self._set_aside(error)
            logger.warning("%s", self.problem)
            return Decisions()

    def _set_aside(self, error: Exception) -> SettingsError:
        kept = self.path.with_name(f"{self.path.stem}-damaged-{datetime.now(UTC):%Y%m%dT%H%M%SZ}{self.path.suffix}")
        try:
            self.path.replace(kept)
        except OSError:
            hint = "Correct the file or remove it; until then every tool asks and your own tools do not run."
        else:
            hint = f"It was kept as {kept.name}. Every tool asks again, and your own files have to be allowed again."
        return SettingsError("What was decided about tools cannot be read", f"{self.path} is damaged: {error}.", hint)


def _with(entries: Mapping[str, Any], name: str, value: Any) -> Mapping[str, Any]:
    """The entries with one changed, or without it where the value is None."""
    others = {key: each for key, each in entries.items() if key != name}
    return others if value is None else others | {name: value}


def _format(decisions: Decisions) -> str:
    document = {
        **decisions.others,
        "format": _FORMAT,
        "off": sorted(decisions.off),
        "permissions": dict(sorted(decisions.permissions.items())),
        "own_files": dict(sorted(decisions.allowed_files.items())),
    }
    # A name with half of a surrogate pair cannot be written as UTF-8; escapes can.
    return json.dumps(document, indent=2) + "\n"


def _parse(path: Path) -> Decisions:
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    # Windows editors put a byte order mark before UTF-8.
    text = path.read_text(encoding="utf-8-sig")
    document = json.loads(text) if text.strip() else {}
    if not isinstance(document, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004  (the text is at fault, not its type in Python)
    if document.pop("format", _FORMAT) != _FORMAT:
        raise ValueError("it is of another format")
    off = _entry(document, "off", list)
    permissions = _entry(document, "permissions", dict)
    allowed = _entry(document, "own_files", dict)
    if not all(isinstance(each, str) for each in (*off, *allowed.values())):
        raise ValueError("a name or a checksum in it is no text")
    if not set(map(str, permissions.values())) <= set(get_args(Permission)):
        raise ValueError(f"a permission in it is none of {', '.join(get_args(Permission))}")
    return Decisions(frozenset(off), permissions, allowed, document)


def _entry(document: dict[str, Any], key: str, kind: type) -> Any:
    value = document.pop(key, kind())
    if not isinstance(value, kind):
        raise ValueError(f"{key!r} in it is no {'list' if kind is list else 'object'}")  # noqa: TRY004  (as above)
    return value
