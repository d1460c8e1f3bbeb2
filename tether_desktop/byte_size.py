"""Numbers of bytes for people, everywhere in the same words: decimal units, as disks and downloads are counted."""

from __future__ import annotations

_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1000
_ROUNDS_UP = 999.5
_FEW = 10
_LARGE = frozenset(("GB", "TB"))


def byte_size_text(size: int, *, decimals: int = 1) -> str:
    """Bytes for people: "95 MB", "4.9 GB".

    Args:
        size: in bytes; less than none counts as none.
        decimals: of gigabytes and more, and of numbers below ten; two tell sizes apart that are nearly the same.
    """
    if size < _STEP:
        return "1 byte" if size == 1 else f"{max(size, 0)} bytes"
    counts = ((size / _STEP**power, unit) for power, unit in enumerate(_UNITS, 1))
    value, unit = next((each for each in counts if each[0] < _ROUNDS_UP), (size / _STEP ** len(_UNITS), _UNITS[-1]))
    return f"{value:,.{decimals if unit in _LARGE or value < _FEW else 0}f} {unit}"
