"""Numbers, speeds and durations in the language that is on."""

from __future__ import annotations

from PySide6.QtCore import QLocale

from tether_desktop.ui.translation import translate


def whole(count: int) -> str:
    """A count with the marks that the language puts between thousands: "1,208"."""
    return QLocale().toString(count)


def decimal(value: float) -> str:
    """A number with one digit behind the point, or none from ten on: "4.2", "87"."""
    return QLocale().toString(float(value), "f", 1 if value < 10 else 0)


def rate_text(rate: float) -> str:
    """Tokens per second: "87 tok/s"."""
    return translate("Numbers", "{rate} tok/s").format(rate=decimal(rate))


def duration_text(seconds: float) -> str:
    """A duration: "46 ms", "3.2 s", "12 s", "1 min 12 s"."""
    if seconds < 1:
        return translate("Numbers", "{milliseconds} ms").format(milliseconds=round(seconds * 1000))
    if seconds < 60:
        return translate("Numbers", "{seconds} s").format(seconds=decimal(seconds))
    minutes, rest = divmod(round(seconds), 60)
    return translate("Numbers", "{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
