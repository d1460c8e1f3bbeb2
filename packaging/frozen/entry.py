"""Where the frozen program begins, for the window, the commands and every child process alike."""

from __future__ import annotations

import os
import sys

# The starter has told the loader where our libraries lie. Whatever the program starts must not be told: a browser would
# load ours in place of its own.
for name in [name for name in os.environ if name.startswith("_PYI_")]:
    del os.environ[name]
for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
    before = os.environ.pop(f"{name}_ORIG", None)
    os.environ.pop(name, None)
    if before is not None:
        os.environ[name] = before

# A program with a window alone has nobody to write to on Windows.
if sys.stdout is None:
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  (as long as the program runs)
if sys.stderr is None:
    sys.stderr = sys.stdout

# Installing another version puts another file in the place of this one. Modules that are imported later are still to be
# those of this one; the loader would look into whatever lies there by then. Windows lets nobody replace what runs, and
# macOS would give all who read an open file one place in it.
if getattr(sys, "frozen", False) and os.path.exists("/proc/self/fd"):  # noqa: PTH110  (every start comes by here)
    opened = f"/proc/self/fd/{os.open(sys.executable, os.O_RDONLY)}"
    sys.modules["pyimod02_importers"].pyz_archive._filename = opened  # noqa: SLF001  (there is no other way)

from tether_desktop.__main__ import main  # noqa: E402

sys.exit(main())
