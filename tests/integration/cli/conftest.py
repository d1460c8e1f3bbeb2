"""The `tether` command in a process of its own, with a data folder and models of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tether_desktop import paths


class Command:
    """Runs `tether` for one test.

    Attributes:
        dist: its model folder.
        data: its data folder.
    """

    def __init__(self, folder: Path) -> None:
        self.dist, self.data = folder / "dist", folder / "data"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "MLC_"))},
            "TETHER_DATA_DIR": str(self.data),
            "MLC_DIST_PATH": str(self.dist),
            "PYTHONWARNINGS": "error",
        }

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.line(*arguments), input=stdin, env=self.environment, cwd=paths.project_root(),
            capture_output=True, encoding="utf-8", timeout=60, check=False,
        )  # fmt: skip

    def json(self, *arguments: str) -> Any:
        """Run it with --json; the document it prints."""
        done = self(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def start(self, *arguments: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[str]:
        """Start it with pipes, or with something else to read from."""
        pipe = subprocess.PIPE
        return subprocess.Popen(
            self.line(*arguments), env=self.environment, cwd=paths.project_root(),
            stdin=stdin, stdout=pipe, stderr=pipe, encoding="utf-8",
        )  # fmt: skip

    def line(self, *arguments: str) -> list[str]:
        """The command line."""
        return [sys.executable, "-m", "tether_desktop", *arguments]


MakeCommand = Callable[[], Command]


@pytest.fixture
def tether(tmp_path: Path) -> Command:
    """The command, with no models yet."""
    return Command(tmp_path)
