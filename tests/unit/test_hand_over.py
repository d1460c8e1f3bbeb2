"""What one start of the program says to another, and to whom."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from tether_desktop.hand_over import Request, address, hand_over, read_request, request_of, write_request

SOCKETS = pytest.mark.skipif(sys.platform == "win32", reason="Windows has pipes in the place of sockets")


@pytest.mark.parametrize(
    "request_", [Request(), Request("quick", (), "t"), Request("open", ("/a folder/two\nlines “x”.gguf", "/b.gguf"))]
)
def test_what_is_written_is_read(request_: Request) -> None:
    line = write_request(request_)
    assert line.count(b"\n") == 1, "the line ends only where it ends"
    assert read_request(line) == request_


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"raise\n",
        b"[]\n",
        b'{"do": "erase"}\n',
        b'{"do": "open", "files": [7]}\n',
        b'{"do": "open", "files": "a"}\n',
        b"\xff\n",
        b"{" * 9_000,
    ],
)
def test_what_is_none_of_ours_asks_for_nothing(line: bytes) -> None:
    assert read_request(line) is None


def test_each_data_folder_has_a_place_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = address()
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path))
    assert address() != before
    assert address() == address()


def test_arguments_of_the_window_are_told_from_those_of_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_ACTIVATION_TOKEN", "t1")
    model = tmp_path / "Some.GGUF"
    model.write_bytes(b"GGUF")
    monkeypatch.chdir(tmp_path)
    assert request_of([]) == Request("raise", (), "t1")
    assert request_of(["--quick"]) == Request("quick", (), "t1")
    assert request_of(["Some.GGUF"]) == Request("open", (str(model),), "t1")
    assert request_of(["serve"]) is None
    assert request_of(["missing.gguf"]) is None
    assert request_of(["Some.GGUF", "missing.gguf"]) is None
    assert request_of(["--quick", "more"]) is None
    (tmp_path / "chat").write_text("a file that is called as a command is", encoding="utf-8")
    assert request_of(["chat"]) is None


def test_a_start_may_bring_several_files_by_path_or_address(tmp_path: Path) -> None:
    first, second = tmp_path / "a model “q4” 100%.gguf", tmp_path / "chats.json"
    for file in (first, second):
        file.write_bytes(b"")
    assert request_of([first.as_uri(), str(second)]) == Request("open", (str(first), str(second)))


@SOCKETS
def test_the_first_start_hears_from_nobody() -> None:
    assert not hand_over(Request())


@SOCKETS
def test_a_socket_that_a_killed_program_left_counts_for_nothing() -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(address())
    try:
        assert not hand_over(Request())
    finally:
        Path(address()).unlink()


@SOCKETS
def test_a_socket_of_another_user_is_told_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(address())
        other.listen()
        place, owner = address(), os.getuid()
        try:
            monkeypatch.setattr("tether_desktop.hand_over.address", lambda: place)
            monkeypatch.setattr(os, "getuid", lambda: owner + 1)
            assert not hand_over(Request())
            other.setblocking(False)
            with pytest.raises(BlockingIOError):
                other.accept()
        finally:
            Path(place).unlink()
