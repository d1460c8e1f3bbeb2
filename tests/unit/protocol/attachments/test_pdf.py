"""Reading PDFs, in a process of its own."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from pypdf import PdfWriter

from tests.helpers.pdfs import assembled, pdf
from tether_desktop.errors import AttachmentProblem
from tether_desktop.protocol.attachments.pdf import pdf_text
from tether_desktop.protocol.attachments.reader import read_attachment


async def refused(data: bytes) -> str:
    with pytest.raises(AttachmentProblem) as refusal:
        await pdf_text(data, "paper.pdf")
    return refusal.value.message


def protected(password: str) -> bytes:
    writer = PdfWriter()
    writer.append(io.BytesIO(pdf("Between us.")))
    writer.encrypt(password, "owner", algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


async def test_a_pdf_is_told_by_its_content_and_becomes_its_text(tmp_path: Path) -> None:
    path = tmp_path / "letter"
    path.write_bytes(pdf("Dear (old) friend,\nall is well."))
    read = await read_attachment(path)
    assert (read.name, read.text, read.media_type) == ("letter", "Dear (old) friend,\nall is well.", "application/pdf")
    assert read.size == path.stat().st_size


async def test_pages_are_numbered_where_there_are_several() -> None:
    text = await pdf_text(pdf("First.", "", "Third."), "paper.pdf")
    assert text == "[Page 1 of 3]\nFirst.\n\n[Page 2 of 3]\n\n\n[Page 3 of 3]\nThird.\n\n"


async def test_a_pdf_without_text_is_probably_a_scan() -> None:
    assert await refused(pdf("", "")) == "paper.pdf has no text in its 2 pages; it is probably a scan."


async def test_a_pdf_with_a_password_is_refused_and_one_with_rights_alone_is_read() -> None:
    assert await refused(protected("secret")) == "paper.pdf is protected with a password."
    assert await pdf_text(protected(""), "paper.pdf") == "Between us."


async def test_a_pdf_without_pages_is_refused() -> None:
    empty = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [] /Count 0 >>"}
    assert await refused(assembled(empty)) == "paper.pdf has no pages."


async def test_more_text_than_a_question_may_have_is_refused_before_all_of_it_is_read() -> None:
    assert await refused(pdf(*["word " * 50_000] * 5)) == "paper.pdf has more than 1,000,000 characters of text."


async def test_a_process_that_takes_too_long_is_ended() -> None:
    with pytest.raises(AttachmentProblem, match="takes longer than 0 seconds"):
        await pdf_text(pdf("Slow."), "paper.pdf", seconds=0.001)
