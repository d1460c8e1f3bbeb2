"""Names from the web become names that are good on every system and lead nowhere."""

from __future__ import annotations

import unicodedata
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.file_names import LONGEST_NAME, checked_path, portable_name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("tiny.gguf", "tiny.gguf"),
        ("/models/tiny.gguf", "tiny.gguf"),
        ("models/tiny.gguf/", "tiny.gguf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("C:\\model.gguf", "model.gguf"),
        ("a:b", "a_b"),
        ("..", "download"),
        ("", "download"),
        ("...hidden", "hidden"),
        (".bashrc", "bashrc"),
        ("name. ", "name"),
        ("CON", "_CON"),
        ("nul.gguf", "_nul.gguf"),
        ("com1", "_com1"),
        ("LPT¹.txt", "_LPT¹.txt"),
        ("conifer.gguf", "conifer.gguf"),
        ('what?"is"<this>|*.gguf', "what__is__this___.gguf"),
        ("line\nfeed\x00.gguf", "linefeed.gguf"),
        ("fugg\u202efdp.exe", "fuggfdp.exe"),
        ("e\u0301.gguf", "\u00e9.gguf"),
        ("模型.gguf", "模型.gguf"),
    ],
)
def test_a_name_is_made_harmless(text: str, name: str) -> None:
    assert portable_name(text) == name


def test_a_long_name_is_cut_and_keeps_its_suffix() -> None:
    name = portable_name("ü" * 300 + ".gguf")
    assert len(name.encode()) <= LONGEST_NAME
    assert name.endswith("ü.gguf")
    assert len(portable_name("a." + "b" * 300).encode()) == LONGEST_NAME


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.text() | st.text(alphabet="./\\: .\u202ecomnul1~"))
def test_whatever_the_text_the_name_stays_in_its_folder(text: str) -> None:
    name = portable_name(text)
    assert PurePosixPath(name).name == PureWindowsPath(name).name == name
    assert 0 < len(name.encode()) <= LONGEST_NAME + 1
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert unicodedata.is_normalized("NFC", name)
    assert portable_name(name) == name


@pytest.mark.parametrize("name", ["config.json", "Q4_K_M/model-00001-of-00002.gguf", "LICENSE", "a b.txt"])
def test_an_ordinary_place_in_a_repository_is_kept(name: str) -> None:
    assert str(checked_path(name)) == name


@pytest.mark.parametrize(
    "name",
    [
        *("../up.json", "a/../../up.json", "/etc/passwd", "C:/x", "a\\b", "..", ".", "", "a//b", "a/", "nul/x"),
        *("com1.gguf", "a\x00b", "x" * 300, "a/b/c/d/e/f/g/h/i", "stream.gguf:evil", "dot.", "fugg\u202efdp", "./a"),
    ],
)
def test_a_place_that_leads_elsewhere_is_refused(name: str) -> None:
    with pytest.raises(InstallError, match="not safe to store"):
        checked_path(name)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.text(alphabet="./\\:ab", max_size=12))
def test_what_is_accepted_lies_below_the_folder(name: str) -> None:
    try:
        path = checked_path(name)
    except InstallError:
        return
    root = Path("root").absolute()
    assert (root / path).resolve().is_relative_to(root)
    assert (root / path) != root
