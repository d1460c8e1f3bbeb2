"""Small PDFs, sound and hostile, written by hand."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

FONT = 3
"""The number of the font in every file."""


def pdf(*pages: str) -> bytes:
    """A file with a page for each text; an empty one has no text, like a scan."""
    return pdf_of([content(text) for text in pages])


def content(text: str) -> bytes:
    """What draws a text, a line below another."""
    lines = " ".join(f"({_escaped(line)}) Tj T*" for line in text.split("\n")) if text else ""
    return f"BT /F1 12 Tf 14 TL 72 720 Td {lines} ET".encode("latin-1")


def pdf_of(contents: Sequence[bytes], *, compress: bool = True) -> bytes:
    """A file whose pages are drawn by these streams."""
    first = FONT + 1
    kids = " ".join(f"{first + 2 * place} 0 R" for place in range(len(contents)))
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: f"<< /Type /Pages /Kids [{kids}] /Count {len(contents)} >>".encode(),
        FONT: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    }
    for place, drawn in enumerate(contents):
        page = first + 2 * place
        objects[page] = (
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {page + 1} 0 R "
            f"/Resources << /Font << /F1 {FONT} 0 R >> >> >>"
        ).encode()
        objects[page + 1] = stream(drawn, compress=compress)
    return assembled(objects)


def stream(data: bytes, *, compress: bool = True) -> bytes:
    """A stream object."""
    packed = zlib.compress(data, 9) if compress else data
    filters = b" /Filter /FlateDecode" if compress else b""
    return b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(packed), filters, packed)


def bomb(megabytes: int) -> bytes:
    """A file with a page whose stream grows a thousandfold when it is unpacked."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()
    drawn = b"<< /Length %d /Filter /FlateDecode >>\nstream\n%s\nendstream" % (len(packed), packed)
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 5 0 R /Resources << >> >>"
    return assembled({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: _pages("4 0 R", 1), 4: page, 5: drawn})


def ring_of_pages() -> bytes:
    """A file whose tree of pages contains itself."""
    return assembled({1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: _pages("2 0 R", 1)})


def assembled(objects: Mapping[int, bytes]) -> bytes:
    """A file of numbered objects, the first of them its catalogue."""
    data = bytearray(b"%PDF-1.7\n")
    places = {}
    for number, body in objects.items():
        places[number] = len(data)
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(data)
    data += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in sorted(places.items()):
        data += b"%d 1\n%010d 00000 n \n" % (number, place)
    data += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (max(objects) + 1, start)
    return bytes(data)


def _pages(kids: str, count: int) -> bytes:
    return f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode()


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
