"""What tokens.json says, in both directions."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

Scope = Literal["chat", "manage"]

_FORMAT = 1
_LARGEST = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class OwnToken:
    """The owner's own token, in plain, so that the command line and the window can show it."""

    token: str = field(repr=False)
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NamedToken:
    """A further token, of which only the checksum is kept."""

    name: str
    scope: Scope
    sha256: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Written:
    """All that the file says.

    Attributes:
        own: None before it is made.
        named: the further ones, oldest first.
        others: keys of the file that another version knows.
    """

    own: OwnToken | None = None
    named: tuple[NamedToken, ...] = ()
    others: Mapping[str, Any] = field(default_factory=dict)


NO_TOKENS = Written()


def format_file(written: Written) -> str:
    """The file's text."""
    own = written.own and {"token": written.own.token, "created_at": written.own.created_at.isoformat()}
    named = [
        {"name": each.name, "scope": each.scope, "sha256": each.sha256, "created_at": each.created_at.isoformat()}
        for each in written.named
    ]
    document = {"format": _FORMAT, "own": own, "named": named, **written.others}
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def parse(path: Path) -> Written:
    """Read the file.

    Raises:
        OSError: it cannot be read; FileNotFoundError: it is not there.
        ValueError: it is damaged.
    """
    if path.stat().st_size > _LARGEST:
        raise ValueError("it is too large")
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict):
        raise ValueError("it is no object")  # noqa: TRY004  (what a file says is wrong, not its type in Python)
    if document.pop("format", None) != _FORMAT:
        raise ValueError("it is of another format")
    own, named = document.pop("own", None), document.pop("named", [])
    if not isinstance(named, list):
        raise ValueError("'named' in it is no list")  # noqa: TRY004  (as above)
    return Written(None if own is None else _own(own), tuple(map(_named, named)), document)


def _own(entry: Any) -> OwnToken:
    token = _text(entry, "token")
    if not token:
        raise ValueError("the own token in it is empty")
    return OwnToken(token, datetime.fromisoformat(_text(entry, "created_at")))


def _named(entry: Any) -> NamedToken:
    scope, checksum = _text(entry, "scope"), _text(entry, "sha256")
    if scope not in get_args(Scope):
        raise ValueError(f"a scope in it is none of {', '.join(get_args(Scope))}")
    if not _SHA256.fullmatch(checksum):
        raise ValueError("a checksum in it is none")
    created_at = datetime.fromisoformat(_text(entry, "created_at"))
    return NamedToken(_text(entry, "name"), scope, checksum, created_at)  # type: ignore[arg-type]  # checked above


def _text(entry: Any, key: str) -> str:
    value = entry.get(key) if isinstance(entry, dict) else None
    if not isinstance(value, str):
        raise ValueError(f"{key!r} of a token in it is no text")  # noqa: TRY004  (as above)
    return value
