"""Takes server-sent events apart as their bytes come, by the rules of the HTML standard."""

from __future__ import annotations

import codecs

LARGEST_EVENT = 4 << 20
"""Bytes of one event; more is no token of anything."""

_FIELDS = {"data", "error"}
"""What is read of an event; older servers of llama.cpp have put errors into a field of that name."""


class EventTooLarge(Exception):
    """An event grows without an end."""


class EventDecoder:
    """Makes the data of events out of bytes, however these are cut.

    Lines end with LF, CR LF or CR. Comments, and fields that mean nothing here, are left out. Bytes that are no
    UTF-8 become replacement characters.
    """

    def __init__(self, largest: int = LARGEST_EVENT) -> None:
        self._largest = largest
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._pieces: list[str] = []
        self._data: list[str] = []
        self._size = 0
        self._after_cr = False

    def feed(self, data: bytes) -> list[str]:
        """The data of the events that are complete now.

        Raises:
            EventTooLarge: one is larger than any could be.
        """
        text = self._decoder.decode(data)
        if self._after_cr and text:
            text, self._after_cr = text.removeprefix("\n"), False
        if text.endswith("\r"):
            self._after_cr = True
        *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        events: list[str] = []
        for line in lines:
            self._grow(line)
            self._end_line(events)
        self._grow(rest)
        return events

    def finish(self) -> list[str]:
        """The data of an event that the connection's end has cut off before its empty line."""
        self._grow(self._decoder.decode(b"", final=True))
        events: list[str] = []
        self._end_line(events)
        self._dispatch(events)
        return events

    def _grow(self, text: str) -> None:
        if not text:
            return
        self._size += len(text)
        if self._size > self._largest:
            raise EventTooLarge
        self._pieces.append(text)

    def _end_line(self, events: list[str]) -> None:
        line = "".join(self._pieces)
        self._pieces.clear()
        if not line:
            self._dispatch(events)
            return
        field, _, value = line.partition(":")
        if field in _FIELDS:
            self._data.append(value.removeprefix(" "))
        else:
            # Comments that keep a connection alive must not add up.
            self._size -= len(line)

    def _dispatch(self, events: list[str]) -> None:
        if self._data:
            events.append("\n".join(self._data))
        self._data.clear()
        self._size = 0
