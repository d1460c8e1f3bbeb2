"""Tells what a file is by its content: a text, a PDF, or something that has no text for a model."""

from __future__ import annotations

import io
import mimetypes
import zipfile
from pathlib import PurePath

PDF = b"%PDF-"
_PDF_WITHIN = 1024
"""Readers take a file for a PDF when the mark stands so near its beginning."""

_PICTURE = "a picture", "Describe it, or attach its text."
_ARCHIVE = "an archive", "Unpack it, and attach the files in it that the question is about."
_PROGRAM = "a program", "Attach its source."
_RECORDING = "a recording", "Attach a text of what is said in it."
_DOCUMENT = "an old office document", "Save it as PDF or as text, and attach that."
_DATABASE = "a database", "Export what the question is about as CSV, and attach that."
_SIGNATURES: tuple[tuple[bytes, tuple[str, str]], ...] = (
    (b"\x89PNG", _PICTURE),
    (b"\xff\xd8\xff", _PICTURE),
    (b"GIF8", _PICTURE),
    (b"II*\0", _PICTURE),
    (b"MM\0*", _PICTURE),
    (b"\x7fELF", _PROGRAM),
    (b"MZ", _PROGRAM),
    (b"\xcf\xfa\xed\xfe", _PROGRAM),
    (b"\xca\xfe\xba\xbe", _PROGRAM),
    (b"\x1f\x8b", _ARCHIVE),
    (b"BZh", _ARCHIVE),
    (b"\xfd7zXZ", _ARCHIVE),
    (b"7z\xbc\xaf", _ARCHIVE),
    (b"Rar!", _ARCHIVE),
    (b"\x28\xb5\x2f\xfd", _ARCHIVE),
    (b"ID3", _RECORDING),
    (b"OggS", _RECORDING),
    (b"fLaC", _RECORDING),
    (b"\xd0\xcf\x11\xe0", _DOCUMENT),
    (b"SQLite format 3\0", _DATABASE),
)
_OFFICE = (
    ("word/", "a Word document"),
    ("xl/", "an Excel workbook"),
    ("ppt/", "a PowerPoint presentation"),
    ("content.xml", "an OpenDocument file"),
    ("META-INF/container.xml", "an e-book"),
)
_TEXTUAL = ("json", "xml", "javascript", "yaml", "toml", "sql", "x-sh", "x-tex", "x-httpd-php")
_TYPES = mimetypes.MimeTypes(filenames=())
"""Those that Python knows everywhere, and not what this computer's files say."""

_TYPES.add_type("text/markdown", ".md")
_TYPES.add_type("text/markdown", ".markdown")


def is_pdf(data: bytes) -> bool:
    """Whether these bytes are a PDF."""
    return PDF in data[:_PDF_WITHIN]


def binary_kind(data: bytes) -> tuple[str, str]:
    """What bytes are that are no text, in words with an article, and what to do instead."""
    if data.startswith(b"PK\x03\x04"):
        return _zip_kind(data)
    if data[:4] == b"RIFF":
        return _PICTURE if data[8:12] == b"WEBP" else _RECORDING
    if data[4:8] == b"ftyp":
        return _PICTURE if data[8:12] in {b"heic", b"heix", b"avif", b"mif1"} else ("a video", _RECORDING[1])
    known = (kind for beginning, kind in _SIGNATURES if data.startswith(beginning))
    return next(known, ("no text", "Attach a text or a PDF."))


def media_type(name: str) -> str:
    """The media type of a text, by its file's name."""
    found = _TYPES.guess_type(PurePath(name).name)[0] or ""
    is_text = found.startswith("text/") or found.endswith(_TEXTUAL)
    return found if is_text else "text/plain"


def _zip_kind(data: bytes) -> tuple[str, str]:
    try:
        names = zipfile.ZipFile(io.BytesIO(data)).namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError):
        names = []
    for beginning, title in _OFFICE:
        if any(name.startswith(beginning) for name in names):
            return title, "Save it as PDF or as text, and attach that."
    return _ARCHIVE
