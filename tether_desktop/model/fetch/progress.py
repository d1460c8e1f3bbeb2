"""How far a download is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchProgress:
    """How far a download is.

    Attributes:
        done_bytes: on the disk so far, those of an earlier attempt and of files before this one included.
        total_bytes: of all files together; None where the server does not say.
        file: the name of the file that is being fetched.
    """

    done_bytes: int
    total_bytes: int | None
    file: str


OnFetchProgress = Callable[[FetchProgress], None]
