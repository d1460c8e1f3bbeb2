"""The window: PySide6 widgets over view models; nothing else imports Qt."""

from __future__ import annotations

from tether_desktop.ui.quick_imports import skip_source_scans

skip_source_scans()
