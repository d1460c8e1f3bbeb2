"""Files made to break, fill or hold up the program that reads them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.pdfs import assembled, bomb, pdf, pdf_of, ring_of_pages
from tether_desktop.errors import AttachmentProblem
from tether_desktop.protocol.attachments import pdf as reading
from tether_desktop.protocol.attachments.pdf import pdf_text
from tether_desktop.protocol.attachments.text_file import text_of

PAGES = b"<< /Type /Pages /Kids [4 0 R] /Count 1 >>"
PAGE = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> %s >>"
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"


def nested() -> bytes:
    deep = b"<< /Type /Catalog /Pages 2 0 R /X " + b"[" * 100_000 + b"]" * 100_000 + b" >>"
    return assembled({1: deep, 2: PAGES, 4: PAGE % b""})


def pointing_to_itself() -> bytes:
    return assembled({1: CATALOG, 2: PAGES, 4: PAGE % b"/Contents 5 0 R", 5: b"5 0 R"})


def countless() -> bytes:
    return assembled({1: CATALOG, 2: PAGES.replace(b"/Count 1", b"/Count 99999999"), 4: PAGE % b""})


@pytest.mark.parametrize(
    "make",
    [
        lambda: bomb(400),
        ring_of_pages,
        nested,
        pointing_to_itself,
        countless,
        lambda: pdf("Cut off in the middle of it.")[:-260],
        lambda: b"%PDF-1.7\n" + bytes(range(256)) * 40,
        lambda: b"%PDF-",
        lambda: pdf_of([b"BT /F1 12 Tf (never closed"]),
        lambda: pdf_of([b"not compressed at all"]).replace(b"x\xda", b"zz"),
    ],
    ids=["bomb", "ring", "nested", "itself", "countless", "cut", "noise", "mark", "unclosed", "unpackable"],
)
async def test_a_hostile_pdf_is_refused_in_words(make: Callable[[], bytes]) -> None:
    with pytest.raises(AttachmentProblem) as refusal:
        await pdf_text(make(), "evil.pdf")
    assert refusal.value.message.startswith("evil.pdf")
    assert refusal.value.hint


async def test_a_process_that_grows_too_large_is_ended_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_MEMORY", 1 << 20)
    with pytest.raises(AttachmentProblem, match=r"Reading evil.pdf takes too much memory"):
        await pdf_text(pdf(*["word " * 20_000] * 10), "evil.pdf")


async def test_pages_that_cannot_be_read_do_not_hide_the_others() -> None:
    good, bad = b"BT /F1 12 Tf 72 720 Td (Good page) Tj ET", b"BT /F1 12 Tf " + b"(a) Tj " * 200_000 + b"ET"
    text = await pdf_text(pdf_of([good, bad]), "half.pdf")
    assert "Good page" in text


@given(st.binary(max_size=400))
@settings(derandomize=True, max_examples=150, deadline=None)
def test_any_bytes_are_a_text_or_are_refused(data: bytes) -> None:
    try:
        text = text_of(data, "any")
    except AttachmentProblem:
        return
    assert text.strip()
    assert "\0" not in text
    assert "\r" not in text


def test_a_large_file_in_an_old_encoding_is_read_by_a_sample(tmp_path: Path) -> None:
    data = "Größe, Länge, Tür\n".encode("cp1252") * 40_000
    assert text_of(data, "old.txt").count("Größe") == 40_000
