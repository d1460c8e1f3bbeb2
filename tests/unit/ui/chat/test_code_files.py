"""Code from an answer as a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tether_desktop.ui.chat.code_files import FileNotSaved, file_name, write_text


@pytest.mark.parametrize(
    ("language", "name"),
    [
        ("python", "code.py"),
        ("JavaScript", "code.js"),
        ("bash", "code.sh"),
        ("dockerfile", "Dockerfile"),
        ("", "text.txt"),
        ("no such language", "code.txt"),
        ("../../etc/passwd", "code.txt"),
    ],
)
def test_the_name_says_the_language(language: str, name: str) -> None:
    assert file_name(language) == name


def test_code_is_written_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "code.py"
    file.write_text("before")
    write_text(file, "x = 'é\u202e'\r\ny\n")
    assert file.read_bytes() == "x = 'é\u202e'\r\ny\n".encode()
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "code.py"
    folder.mkdir()
    with pytest.raises(FileNotSaved, match=r"code\.py"):
        write_text(folder, "x")
    with pytest.raises(FileNotSaved):
        write_text(tmp_path / "missing" / "code.py", "x")
    assert list(tmp_path.iterdir()) == [folder]
