"""The process that reads a PDF: its bytes come down in base64 as a line of JSON, its text goes up in pieces.

Up come ``{"text": piece}`` as the pages are read, then one of ``{"pages": count}`` and ``{"refused": reason, …}``.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tether_desktop.model.hosting.job import exit_with_parent
from tether_desktop.protocol.attachments.limits import MOST_CHARACTERS
from tether_desktop.protocol.attachments.pdf import MOST_MEMORY

if TYPE_CHECKING:
    from pypdf import PdfReader

_PIECE = 100_000
"""Characters of one line, which has a longest length."""

_UNREADABLE = "(This page cannot be read.)"


class _Refused(Exception):
    """The file is not read to its end.

    Attributes:
        line: what is answered.
    """

    def __init__(self, reason: str, **values: int) -> None:
        super().__init__(reason)
        self.line = {"refused": reason, **values}


def main() -> int:
    """Read one PDF; 0 when that, or why not, has been told."""
    request = sys.stdin.buffer.readline()
    exit_with_parent()
    _limit_memory()
    logging.disable()
    output = os.dup(1)
    os.dup2(2, 1)

    def send(line: dict[str, Any]) -> None:
        data = json.dumps(line).encode("ascii") + b"\n"
        while data:
            data = data[os.write(output, data) :]

    try:
        pages = 0
        for text in _texts(base64.b64decode(json.loads(request))):
            pages += 1
            for start in range(0, len(text), _PIECE):
                send({"text": text[start : start + _PIECE]})
        send({"pages": pages})
    except _Refused as refusal:
        send(refusal.line)
    except MemoryError:
        send({"refused": "memory"})
    # The edge of the process: a file that somebody made to break its reader is one that cannot be read.
    except Exception as error:  # noqa: BLE001
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        send({"refused": "broken"})
    return 0


def _texts(data: bytes) -> Iterator[str]:
    """The text of each page, with its number where there are several."""
    from pypdf import PdfReader

    reader = _opened(PdfReader(io.BytesIO(data)))
    count = reader.get_num_pages()
    if not count:
        raise _Refused("empty")
    length, unreadable, has_text = 0, 0, False
    for number in range(count):
        text = _page_text(reader, number)
        unreadable += text is None
        has_text = has_text or bool(text)
        text = _UNREADABLE if text is None else text
        length += len(text)
        if length > MOST_CHARACTERS:
            raise _Refused("long", most=MOST_CHARACTERS)
        yield (f"[Page {number + 1} of {count}]\n{text}\n\n" if count > 1 else text)
    if not has_text:
        raise _Refused("broken") if unreadable else _Refused("scan", pages=count)


def _opened(reader: PdfReader) -> PdfReader:
    """The reader of a file that nothing has to be known for: many have rights set, and no password to open them."""
    from pypdf.errors import DependencyError

    try:
        if reader.is_encrypted and not reader.decrypt(""):
            raise _Refused("encrypted")
    except (DependencyError, NotImplementedError) as error:
        raise _Refused("encrypted") from error
    return reader


def _page_text(reader: PdfReader, number: int) -> str | None:
    """The text of a page; None where it cannot be read."""
    try:
        text = reader.pages[number].extract_text()
    except MemoryError:
        raise
    # One page that breaks the reader is no reason to lose the others.
    except Exception:  # noqa: BLE001
        return None
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").strip()


def _limit_memory() -> None:
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
