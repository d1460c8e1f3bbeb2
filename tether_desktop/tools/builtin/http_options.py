"""What all requests of the tools say of us, and who is never asked through a proxy."""

from __future__ import annotations

import tether_desktop

HEADERS = {"User-Agent": f"Tether/{tether_desktop.__version__}", "Accept-Encoding": "identity"}
"""Nothing is compressed: a small answer cannot become a large one."""

LOOPBACK = ("all://127.0.0.1", "all://localhost", "all://[::1]")
"""What is on this computer is no business of a proxy."""
