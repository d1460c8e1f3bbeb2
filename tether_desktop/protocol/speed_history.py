"""The speeds that were measured, kept in a small file so that they can be compared."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from tether_desktop import paths
from tether_desktop.errors import StoreError
from tether_desktop.protocol.speed_test import SpeedResult

logger = logging.getLogger(__name__)

MOST_OF_A_MODEL = 12
_FORMAT = 1
_LARGEST = 4 << 20


class SpeedHistory:
    """The file; what is damaged in it is left out."""

    def __init__(self, path: Path | None = None) -> None:
        """Prepare; nothing is read yet. ``path`` is the one of the data folder where none is given."""
        self._path = path or paths.speeds_path()

    def results(self) -> list[SpeedResult]:
        """All results, the oldest first."""
        results = [result for each in self._read() if (result := _result(each)) is not None]
        return sorted(results, key=lambda result: result.measured)

    def add(self, result: SpeedResult) -> None:
        """Keep a result; of each model so many are kept, the newest ones.

        Raises:
            StoreError: the file cannot be written.
        """
        results = [*self.results(), result]
        own = [each for each in results if each.model == result.model][-MOST_OF_A_MODEL:]
        self._write([each for each in results if each.model != result.model or each in own])

    def forget(self, model: str) -> None:
        """Leave out the results of a model.

        Raises:
            StoreError: the file cannot be written.
        """
        results = self.results()
        if any(result.model == model for result in results):
            self._write(result for result in results if result.model != model)

    def _write(self, results: Iterable[SpeedResult]) -> None:
        plain = [{**asdict(each), "measured": each.measured.isoformat()} for each in results]
        try:
            paths.write_private(self._path, json.dumps({"format": _FORMAT, "results": plain}, indent=2) + "\n")
        except OSError as error:
            raise StoreError(
                "The measured speed cannot be kept",
                f"{self._path}: {error.strerror or error}.",
                "Free some space, or make the data folder writable.",
            ) from error

    def _read(self) -> list[Any]:
        try:
            if not self._path.exists() or self._path.stat().st_size > _LARGEST:
                return []
            document = json.loads(self._path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("The measured speeds cannot be read: %s", error)
            return []
        found = document.get("results") if isinstance(document, dict) else None
        return found if isinstance(found, list) else []


def _result(entry: Any) -> SpeedResult | None:
    """A result as the file has it; None where that is damaged."""
    try:
        load_s = entry["load_s"]
        measured = datetime.fromisoformat(entry["measured"])
        result = SpeedResult(
            str(entry["model"]),
            measured,
            str(entry["device"]),
            float(entry["prefill_rate"]),
            float(entry["decode_rate"]),
            float(entry["deep_rate"]),
            int(entry["memory_bytes"]),
            None if load_s is None else float(load_s),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
    sound = all(0 <= rate < 1e9 for rate in (result.prefill_rate, result.decode_rate, result.deep_rate))
    return result if sound and measured.tzinfo is not None else None
