"""The window: PySide6 widgets over view models; nothing else imports Qt."""

from __future__ import annotations

import PySide6.QtCore  # noqa: F401  (must be there before it can be told anything)

from tether_desktop.ui.quick_imports import skip_source_scans

skip_source_scans()
