"""What the desktop gives to the program by events."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tether_desktop import paths

# There can be one application in a process, and the tests have theirs.
SEND = """
import sys
from PySide6.QtCore import QUrl
from PySide6.QtGui import QFileOpenEvent
from tether_desktop.ui.system.application import Application
app = Application(sys.argv[:1])
app.asked.connect(lambda request: print(request.do, *request.files))
app.sendEvent(app, QFileOpenEvent(QUrl.fromLocalFile(sys.argv[1])))
"""


@pytest.mark.parametrize(("name", "told"), [("a “b”.gguf", True), ("other.txt", False)])
def test_a_file_that_the_desktop_gives_is_asked_for_where_it_can_be_opened(
    tmp_path: Path, name: str, told: bool
) -> None:
    file = tmp_path / name
    file.write_bytes(b"GGUF")
    done = subprocess.run(
        [sys.executable, "-c", SEND, file], capture_output=True, encoding="utf-8", check=True, timeout=60,
        cwd=paths.project_root(), env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"},
    )  # fmt: skip
    assert done.stdout == (f"open {file}\n" if told else "")
