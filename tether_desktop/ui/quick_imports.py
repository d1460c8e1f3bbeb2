"""Keeps PySide6 from reading the source of every module that is imported after it."""

from __future__ import annotations

import sys
from typing import Any

import PySide6.QtCore  # noqa: F401  (brings what is switched off below)


def skip_source_scans() -> None:
    """Tell PySide6 that no module asks for its ``__feature__`` switches, which we do not use.

    WORKAROUND (PySide6 6.11.3): after each import it looks for its own name in the module's source by
    ``inspect.getsource``, which doubles the time of importing SQLAlchemy and leaves 28 MB of source lines in
    ``linecache``. Where a release has no such function any more, nothing happens.
    """
    feature: Any = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        feature._mod_uses_pyside = lambda _module: False  # noqa: SLF001
