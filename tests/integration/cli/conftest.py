"""The `tether` command, in this process or one of its own, with a data folder and models of its own."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tether_desktop import paths
from tether_desktop.cli import main


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
            "TETHER_CHAT_TITLES": "question",
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


class CommandHere(Command):
    """Runs `tether` in this process, which takes a fraction of the time; what is started is still a process."""

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        out, err = _stream(), _stream()
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.object(sys, "stdin", _stream(stdin)),
            mock.patch.object(main, "start_logging"),
            chdir(paths.project_root()),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = main.run(arguments)
        return subprocess.CompletedProcess(arguments, code, _text(out), _text(err))


def _stream(text: str = "") -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text.encode()), "utf-8")


def _text(stream: io.TextIOWrapper) -> str:
    stream.flush()
    written: io.BytesIO = stream.buffer  # type: ignore[assignment]
    return written.getvalue().decode().replace(os.linesep, "\n")


@pytest.fixture
def tether(tmp_path: Path) -> CommandHere:
    """The command, with no models yet."""
    return CommandHere(tmp_path)


@pytest.fixture
def tether_process(tmp_path: Path) -> Command:
    """The command in a process of its own for each call, with no models yet."""
    return Command(tmp_path)
