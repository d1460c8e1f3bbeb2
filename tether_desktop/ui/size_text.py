"""Numbers of bytes in the language that is on."""

from __future__ import annotations

from PySide6.QtCore import QLocale

from tether_desktop.byte_size import byte_size_text
from tether_desktop.ui.translation import translate

_LEAST_UNIT = 1000


def size_text(size: int) -> str:
    """Bytes for people: "95 MB", "4.9 GB"; with the signs that the language puts into numbers."""
    if size < _LEAST_UNIT:
        return translate("SizeText", "{count} bytes").format(count=max(size, 0))
    locale = QLocale()
    signs = {",": locale.groupSeparator(), ".": locale.decimalPoint()}
    return "".join(signs.get(each, each) for each in byte_size_text(size))
