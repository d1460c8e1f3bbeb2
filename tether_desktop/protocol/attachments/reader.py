"""Makes attachments of files, and of long texts that were pasted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tether_desktop.messages import Attachment
from tether_desktop.protocol.attachments.file_bytes import read_file
from tether_desktop.protocol.attachments.kinds import is_pdf, media_type
from tether_desktop.protocol.attachments.pdf import pdf_text
from tether_desktop.protocol.attachments.text_file import checked_text, text_of


async def read_attachment(path: Path) -> Attachment:
    """The text of a file, told by its content and not by its name; cancelling stops the reading.

    Args:
        path: of a text of any kind, or of a PDF.

    Raises:
        AttachmentProblem: it cannot be read, has no text, or has too much.
    """
    data = await asyncio.to_thread(read_file, path)
    name = _shown_name(path)
    if is_pdf(data):
        text = await asyncio.to_thread(checked_text, await pdf_text(data, name), name)
        return Attachment(name, text, "application/pdf", len(data))
    text = await asyncio.to_thread(text_of, data, name)
    return Attachment(name, text, media_type(name), len(data))


def read_pasted(name: str, text: str) -> Attachment:
    """A text that was pasted, as a file of that name.

    Raises:
        AttachmentProblem: it is empty, or too long.
    """
    checked = checked_text(text, name)
    return Attachment(name, checked, media_type(name), len(checked.encode("utf-8", "replace")))


def _shown_name(path: Path) -> str:
    """The file's name as text; systems allow bytes that are none."""
    return path.name.encode("utf-8", "replace").decode()
