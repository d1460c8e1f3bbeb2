"""A worker process of the engine's benchmark, seen from the benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from typing import Any, Self

from tether_desktop import paths

_LAST_WORDS = 2_000
_CLOSE_S = 20.0


class Worker:
    """A process with something to measure in it, asleep whenever it is not asked."""

    def __init__(self, subject: str, **arguments: Any) -> None:
        """Start it and wait until it is ready.

        Args:
            subject: a name in :mod:`benchmarks.engine_worker`.
            arguments: what that is made with.

        Raises:
            RuntimeError: it ended.
        """
        self._subject = subject
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.engine_worker", subject, json.dumps(arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            cwd=paths.project_root(),
            env=_environment(),
        )
        self._answer()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Call a method of the subject; what it returned.

        Raises:
            RuntimeError: the process ended.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_CLOSE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker {self._subject!r} ended with {self._process.wait()}:\n{self._last_words()}")
        return json.loads(line)["result"]

    def _last_words(self) -> str:
        self._errors.seek(0)
        return self._errors.read()[-_LAST_WORDS:].decode(errors="replace")


def _environment() -> dict[str, str]:
    """Ours without the program's settings: only what the benchmark says shall count."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("TETHER_", "MLC_"))}
