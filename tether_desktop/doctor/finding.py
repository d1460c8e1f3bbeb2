"""What the doctor finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``fail`` means that something essential does not work."""

    check: str
    status: Status
    message: str
    remedy: str = ""


def counted(number: int, noun: str) -> str:
    """A number of things as a person says it: 1 error, 2 errors."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
