"""Reading files that go with a question: texts of every kind, and what is none."""

from __future__ import annotations

import io
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tether_desktop.errors import AttachmentProblem
from tether_desktop.messages import Attachment
from tether_desktop.protocol.attachments.limits import LARGEST_FILE, MOST_CHARACTERS
from tether_desktop.protocol.attachments.reader import read_attachment, read_pasted

GERMAN = "Grüße aus Köln, die Straße ist öde und übel. Äpfel süß, Möhren dünn.\n" * 3
FRENCH = "C'est déjà l'été à Orléans, où l'on a mangé des crêpes.\n"
RUSSIAN = "Привет, как дела? Это довольно длинный текст на русском языке.\n" * 3
JAPANESE = "これは日本語の文章です。とても長い文章なので、読むのに時間がかかります。\n" * 3

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


async def read(path: Path) -> Attachment:
    return await read_attachment(path)


async def refused(path: Path) -> str:
    with pytest.raises(AttachmentProblem) as refusal:
        await read_attachment(path)
    assert refusal.value.title == "The file cannot be attached"
    assert refusal.value.hint
    return refusal.value.message


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("notes.md", "text/markdown"),
        ("table.csv", "text/csv"),
        ("table.tsv", "text/tab-separated-values"),
        ("data.json", "application/json"),
        ("page.html", "text/html"),
        ("code.py", "text/x-python"),
        ("code.ts", "text/plain"),
        ("picture.png", "text/plain"),
        ("server.log", "text/plain"),
        ("Makefile", "text/plain"),
    ],
)
async def test_a_text_is_told_by_its_content_whatever_its_name_says(tmp_path: Path, name: str, media_type: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"first\nsecond\n")
    assert await read(path) == Attachment(name, "first\nsecond", media_type, 13)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "utf-8"),
        (GERMAN, "utf-8-sig"),
        (GERMAN, "cp1252"),
        (FRENCH, "cp1252"),
        (GERMAN, "utf-16"),
        (GERMAN, "utf-16-le"),
        (GERMAN, "utf-16-be"),
        (GERMAN, "utf-32"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (JAPANESE, "shift_jis"),
        ("print('café')\n", "cp1252"),
    ],
)
async def test_encodings_are_found_out(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(text.encode(encoding))
    assert (await read(path)).text == text.strip("\n")


async def test_line_ends_become_one_kind_and_stray_control_characters_go(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"one\r\ntwo\rthree\n" + b"four " * 100 + b"\x01\x1b[31mred\x1b[0m\ttab")
    assert (await read(path)).text == "one\ntwo\nthree\n" + "four " * 100 + "\x1b[31mred\x1b[0m\ttab"


@pytest.mark.parametrize("content", [b"", b" \n\t\r\n ", b"\xef\xbb\xbf", b"\xef\xbb\xbf \n"])
async def test_an_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "nothing.txt"
    path.write_bytes(content)
    assert await refused(path) == "nothing.txt is empty."


def office(folder: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(f"{folder}document.xml", "<x/>" * 100)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "a picture"),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "a picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(64), "a picture"),
        (b"\0\0\0\x18ftypmp42" + bytes(64), "a video"),
        (b"\x7fELF\x02\x01\x01" + bytes(200), "a program"),
        (b"MZ\x90\0\x03" + bytes(200), "a program"),
        (b"\x1f\x8b\x08\0" + bytes(range(256)), "an archive"),
        (office("word/"), "a Word document"),
        (office("xl/"), "an Excel workbook"),
        (office("other/"), "an archive"),
        (b"PK\x03\x04" + bytes(30), "an archive"),
        (b"SQLite format 3\0" + bytes(100), "a database"),
        (bytes(range(256)) * 8, "no text"),
        (b"text, and then \0\0\0\0 nothing" * 9, "no text"),
        (bytes(range(1, 9)) * 100, "no text"),
    ],
)
async def test_what_is_no_text_is_refused_with_what_it_is(tmp_path: Path, content: bytes, kind: str) -> None:
    path = tmp_path / "thing.txt"
    path.write_bytes(content)
    assert await refused(path) == f"thing.txt is {kind}, of which a model cannot read anything."


async def test_a_file_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    with path.open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    assert await refused(path) == "large.txt has 20 MB; a file may have 20 MB."


async def test_a_text_that_is_too_long_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("x" * (MOST_CHARACTERS + 1), encoding="ascii")
    assert "more than 1,000,000 characters" in await refused(path)


async def test_a_text_of_the_longest_length_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "long.txt"
    path.write_text("ü" * MOST_CHARACTERS, encoding="utf-8")
    assert len((await read(path)).text) == MOST_CHARACTERS


async def test_a_folder_and_what_is_not_there_are_refused(tmp_path: Path) -> None:
    assert await refused(tmp_path) == f"{tmp_path.name} is a folder."
    assert await refused(tmp_path / "gone.txt") == "gone.txt is not there any more."
    assert "cannot be read" in await refused(tmp_path / "no\0name")


@posix
async def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "a device or a pipe" in await refused(tmp_path / "pipe")
    assert "a device or a pipe" in await refused(Path("/dev/zero"))


@posix
async def test_a_link_is_followed_and_keeps_its_own_name(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("real", encoding="ascii")
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "real.txt")
    assert await read(link) == Attachment("link.txt", "real", "text/plain", 4)
    link.unlink()
    link.symlink_to(link)
    assert "cannot be read" in await refused(link)


async def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "secret.txt"
    path.write_text("secret", encoding="ascii")

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")  # root, as whom tests may run, has every permission

    monkeypatch.setattr(os, "open", refuse)
    assert await refused(path) == "You have no permission to read secret.txt."


async def test_a_file_that_changes_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log.txt"
    path.write_text("first", encoding="ascii")
    original, times = os.read, [0]

    def grow(file: int, size: int) -> bytes:
        times[0] += 1
        if times[0] == 1:
            with path.open("a", encoding="ascii") as log:
                log.write(" second")
        return original(file, size)

    monkeypatch.setattr(os, "read", grow)
    assert (await read(path)).text == "first second"


async def test_a_file_that_never_stays_the_same_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "log.txt"
    path.write_text("first", encoding="ascii")
    original = os.read

    def grow(file: int, size: int) -> bytes:
        if os.lseek(file, 0, os.SEEK_CUR) == 0:
            with path.open("a", encoding="ascii") as log:
                log.write("!")
        return original(file, size)

    monkeypatch.setattr(os, "read", grow)
    assert await refused(path) == "log.txt was changed while it was read."
    assert path.read_text(encoding="ascii") == "first!!!"


def test_a_pasted_text_becomes_a_file() -> None:
    assert read_pasted("pasted.txt", "a\r\nb\n") == Attachment("pasted.txt", "a\nb", "text/plain", 3)


@pytest.mark.parametrize(("text", "problem"), [(" \n", "is empty"), ("x" * (MOST_CHARACTERS + 1), "more than")])
def test_a_pasted_text_is_checked_as_a_file_is(text: str, problem: str) -> None:
    with pytest.raises(AttachmentProblem, match=problem):
        read_pasted("pasted.txt", text)
