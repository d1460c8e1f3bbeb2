"""Lines out of a stream of bytes, none longer than can be held."""

from __future__ import annotations

from collections.abc import Iterator

LONGEST_MESSAGE = 8 << 20
"""Bytes of one message of a server."""


class LineSplitter:
    """Cuts what comes into lines.

    Attributes:
        longest: bytes; of a longer line nothing is kept.
    """

    def __init__(self, longest: int = LONGEST_MESSAGE) -> None:
        self.longest = longest
        self._rest = bytearray()
        self._skipping = False

    def feed(self, piece: bytes) -> Iterator[bytes | None]:
        """The lines that a piece completes, without their ends; None in place of one that is too long."""
        *ended, rest = piece.split(b"\n")
        for part in ended:
            yield from self._complete(part)
        self._keep(rest)

    def _complete(self, part: bytes) -> Iterator[bytes | None]:
        self._keep(part)
        line, skipped = bytes(self._rest), self._skipping
        self._rest.clear()
        self._skipping = False
        if skipped:
            yield None
        elif line.strip():
            yield line

    def _keep(self, part: bytes) -> None:
        if self._skipping or len(self._rest) + len(part) > self.longest:
            self._skipping = True
            self._rest.clear()
        else:
            self._rest += part
