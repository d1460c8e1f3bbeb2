"""What the tools of servers are called towards the model: unique, stable, and made of what every dialect accepts."""

from __future__ import annotations

import hashlib
import re

_LONGEST = 64
_LONGEST_SERVER = 24
_FOREIGN = re.compile(r"[^A-Za-z0-9_-]")
_HASH = 6


def declared_name(server: str, tool: str) -> str:
    """``<server>__<tool>``; what had to be changed in either part carries a piece of its hash, and stays unique.

    A server's part never holds or ends in what separates the parts, so that two servers cannot meet in one name.
    """
    first = _part(server, _LONGEST_SERVER, re.sub(r"__+", "_", _FOREIGN.sub("_", server)).strip("_"))
    return f"{first}__{_part(tool, _LONGEST - len(first) - 2, _FOREIGN.sub('_', tool))}"


def file_name(server: str) -> str:
    """The server's name as a part of a file's name, on every system."""
    return _part(server, 40, _FOREIGN.sub("_", server).lower())


def _part(original: str, longest: int, cleaned: str) -> str:
    if cleaned == original and len(original) <= longest and cleaned:
        return cleaned
    digest = hashlib.sha256(original.encode("utf-8", "surrogatepass")).hexdigest()[:_HASH]
    return f"{cleaned[: longest - _HASH - 1].rstrip('_')}_{digest}".lstrip("_")
