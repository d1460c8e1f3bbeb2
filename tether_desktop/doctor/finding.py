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
