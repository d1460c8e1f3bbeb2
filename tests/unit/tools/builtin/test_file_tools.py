"""Files are read below the chosen folders alone, whatever a path says and whatever lies there."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tether_desktop import paths
from tether_desktop.errors import ToolError
from tether_desktop.tools.builtin import chosen_folders as module
from tether_desktop.tools.builtin.chosen_folders import ChosenFolders, Place
from tether_desktop.tools.builtin.file_search import SearchLimits
from tether_desktop.tools.builtin.file_tools import FileTools

OUTSIDE = "the secret outside"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


def quiet(message: str, fraction: float | None) -> None:
    """Hears nothing."""


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    folder = tmp_path / "shared"
    (folder / "notes" / "deep").mkdir(parents=True)
    (folder / "notes" / "list.txt").write_text("milk\nbread\nÄpfel\n", encoding="utf-8")
    (folder / "notes" / "deep" / "plan.md").write_text("# Plan\nBuy BREAD tomorrow.\n", encoding="utf-8")
    (folder / ".hidden").write_text("hidden bread", encoding="utf-8")
    (tmp_path / "outside.txt").write_text(OUTSIDE, encoding="utf-8")
    (tmp_path / "shared-not").mkdir()
    (tmp_path / "shared-not" / "outside.txt").write_text(OUTSIDE, encoding="utf-8")
    return folder


def tools_for(*folders: Path, limits: SearchLimits | None = None) -> FileTools:
    setting = os.pathsep.join(map(str, folders))
    return FileTools(lambda: ChosenFolders(setting), limits)


@pytest.fixture
def tools(shared: Path) -> FileTools:
    return tools_for(shared)


def find(tools: FileTools, text: str = "", folder: str = "", pattern: str = "") -> list[str]:
    return tools.search_files(quiet, text, folder, pattern).splitlines()[1:]


def test_a_listing_leads_to_the_files(tools: FileTools) -> None:
    assert tools.list_files() == "In .:\nnotes/"
    assert tools.list_files("notes/") == "In notes:\ndeep/\nlist.txt (18 bytes)"
    assert tools.read_file("notes/list.txt") == "notes/list.txt, lines 1 to 3 of 3:\nmilk\nbread\nÄpfel"


def test_with_several_folders_paths_are_whole(shared: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    tools = tools_for(shared, other, tmp_path / "gone")
    assert tools.list_files() == f"The shared folders are:\n{shared}/\n{other}/"
    assert str(shared / "notes" / "list.txt") in tools.search_files(quiet, "milk")
    assert "milk" in tools.read_file(str(shared / "notes" / "list.txt"))
    assert "milk" in tools.read_file("notes/list.txt")
    assert tools.list_files(str(other)) == f"{other} is empty."


def test_a_part_of_a_file_is_read_where_it_is_asked_for(tools: FileTools, shared: Path) -> None:
    (shared / "long.txt").write_text("".join(f"line {number}\n" for number in range(1, 501)), encoding="utf-8")
    assert tools.read_file("long.txt", 499, 1).splitlines()[1:] == ["line 499", "[Continue with first_line=500.]"]
    assert tools.read_file("long.txt", 500).splitlines() == ["long.txt, lines 500 to 500 of 500:", "line 500"]
    assert tools.read_file("long.txt", -5, 0).splitlines()[1:] == ["line 1", "[Continue with first_line=2.]"]
    assert tools.read_file("long.txt", 10**9) == "long.txt ends at line 500."


def test_long_lines_and_long_files_are_cut_and_that_is_said(tools: FileTools, shared: Path) -> None:
    (shared / "one.txt").write_text("x" * 50_000 + "\nnext\n", encoding="utf-8")
    answer = tools.read_file("one.txt")
    assert len(answer) < 21_000
    assert answer.endswith("…\n[Continue with first_line=2.]")
    with (shared / "sparse.txt").open("wb") as file:
        file.write(b"beginning\n" * 10)
        file.truncate(1 << 40)
    with pytest.raises(ToolError, match="is no text"):
        tools.read_file("sparse.txt")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("ça".encode(), "ça"),
        ("ça".encode("utf-8-sig"), "ça"),
        ("ça".encode("utf-16"), "ça"),
        ("ça".encode("utf-32"), "ça"),
        ("ça va €".encode("cp1252"), "ça va €"),
        (b"a\r\nb\rc", "a\nb\nc"),
        (b"\x1b[1mbold\x1b[0m", "\x1b[1mbold\x1b[0m"),
    ],
)
def test_text_is_read_in_the_encodings_it_comes_in(tools: FileTools, shared: Path, content: bytes, text: str) -> None:
    (shared / "file.txt").write_bytes(content)
    assert tools.read_file("file.txt").partition(":\n")[2] == text


@pytest.mark.parametrize(
    "content",
    [
        b"text\0more",
        b"\x7fELF\x02\x01\x01\0",
        b"%PDF-1.7 abc",
        b"\xff\xfe\x00\xd8",
        bytes(range(1, 32)) * 9,
        b"{\\rtf1}",
    ],
)
def test_what_is_no_text_is_refused_whatever_its_name(tools: FileTools, shared: Path, content: bytes) -> None:
    (shared / "file.txt").write_bytes(content)
    with pytest.raises(ToolError, match="is no text"):
        tools.read_file("file.txt")
    assert find(tools, "text") == []


def test_an_empty_file_is_said_to_be_empty(tools: FileTools, shared: Path) -> None:
    (shared / "empty.txt").touch()
    assert tools.read_file("empty.txt") == "empty.txt is empty."


@pytest.mark.parametrize(
    "path",
    [
        "../outside.txt",
        "notes/../../outside.txt",
        "notes/deep/../../../outside.txt",
        "{parent}/outside.txt",
        "{parent}/shared/../outside.txt",
        "{parent}/shared-not/outside.txt",
        "/etc/passwd",
        "//etc/passwd",
        "/proc/self/environ",
        "~/.ssh/id_rsa",
        "\\\\server\\share\\file",
        "C:\\Windows\\win.ini",
        "file:///etc/passwd",
    ],
)
def test_paths_that_lead_out_are_refused(tools: FileTools, tmp_path: Path, path: str) -> None:
    path = path.replace("{parent}", str(tmp_path))
    for use in (tools.read_file, tools.list_files, lambda folder: tools.search_files(quiet, "secret", folder)):
        with pytest.raises(ToolError, match=r"is outside|There is no"):
            use(path)


@pytest.mark.parametrize(
    "path", ["", ".", "notes", "notes\0", "x" * 9000, "notes/list.txt/more", "a\ud800b", "no\nfile"]
)
def test_what_is_no_file_is_told(tools: FileTools, path: str) -> None:
    with pytest.raises(ToolError):
        tools.read_file(path)
    with pytest.raises(ToolError):
        tools.list_files("notes/list.txt")


@posix
def test_links_may_lead_within_the_folders_and_not_out(tools: FileTools, shared: Path, tmp_path: Path) -> None:
    (shared / "inner").symlink_to("notes/list.txt")
    (shared / "way").symlink_to("notes")
    (shared / "outer").symlink_to(tmp_path / "outside.txt")
    (shared / "up").symlink_to("..")
    (shared / "loop").symlink_to("loop")
    (shared / "dead").symlink_to("gone")
    assert "milk" in tools.read_file("inner")
    assert "milk" in tools.read_file("way/list.txt")
    for path in ("outer", "up/outside.txt", "up/shared-not/outside.txt", "loop", "dead"):
        with pytest.raises(ToolError):
            tools.read_file(path)
    with pytest.raises(ToolError, match="is outside"):
        tools.list_files("up")
    assert find(tools, "secret") == []
    assert find(tools, "milk") == ["notes/list.txt:1: milk"]


@posix
def test_pipes_sockets_and_devices_are_never_opened(tools: FileTools, shared: Path) -> None:
    os.mkfifo(shared / "pipe.txt")
    with socket.socket(socket.AF_UNIX) as listener:
        before = Path.cwd()
        os.chdir(shared)
        try:
            listener.bind("socket.txt")
        finally:
            os.chdir(before)
        (shared / "null.txt").symlink_to("/dev/null")
        for name in ("pipe.txt", "socket.txt", "null.txt"):
            with pytest.raises(ToolError):
                tools.read_file(name)
        assert "pipe.txt (other)" in tools.list_files()
        assert find(tools, "bread", pattern="*.txt") == ["notes/list.txt:2: bread"]


@posix
def test_the_systems_files_and_our_own_are_never_read() -> None:
    data = paths.data_dir()
    data.mkdir(parents=True, exist_ok=True)
    (data / "token").write_text("token")
    tools = tools_for(Path("/"))
    for path in ("/proc/self/environ", "/proc/version", "/dev/zero", "/sys/kernel", str(data / "token")):
        with pytest.raises(ToolError, match=r"is outside|There is no"):
            tools.read_file(path)


@posix
def test_a_file_that_is_exchanged_after_the_check_is_not_read(shared: Path, tmp_path: Path) -> None:
    folders = ChosenFolders(str(shared))
    file, folder = folders.find("notes/list.txt"), folders.find("notes/deep")
    (shared / "notes").rename(shared / "other")
    (tmp_path / "list.txt").write_text(OUTSIDE)
    (tmp_path / "deep").mkdir()
    (shared / "notes").symlink_to(tmp_path)
    with pytest.raises(ToolError), folders.open_file(file):
        pytest.fail("it was opened")
    with pytest.raises(ToolError):
        list(folders.entries(folder))
    (shared / "notes").unlink()
    (shared / "notes").mkdir()
    (shared / "notes" / "list.txt").symlink_to(tmp_path / "outside.txt")
    with pytest.raises(ToolError), folders.open_file(file):
        pytest.fail("it was opened")


@posix
def test_a_file_that_becomes_a_pipe_between_looking_and_opening_is_not_waited_for(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = ChosenFolders(str(shared))
    place = folders.find("notes/list.txt")
    look = os.stat

    def exchange(*arguments: object, **named: object) -> os.stat_result:
        found = look(*arguments, **named)  # type: ignore[arg-type]
        if arguments[0] == "list.txt":
            (shared / "notes" / "list.txt").unlink()
            os.mkfifo(shared / "notes" / "list.txt")
        return found

    monkeypatch.setattr(module.os, "stat", exchange)
    with pytest.raises(ToolError, match="was exchanged"), folders.open_file(place):
        pytest.fail("it was opened")


def test_where_files_cannot_be_opened_step_by_step_the_opened_one_is_asked_where_it_lies(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_STEP_BY_STEP", False)
    folders = ChosenFolders(str(shared))
    place = folders.find("notes/list.txt")
    for real, allowed in ((place.path, True), (tmp_path / "outside.txt", False), (None, False)):
        monkeypatch.setattr(module.opened_path, "of", lambda _, real=real: str(real) if real else None)
        if allowed:
            with folders.open_file(place) as descriptor:
                assert os.read(descriptor, 4) == b"milk"
        else:
            with pytest.raises(ToolError, match="was exchanged"), folders.open_file(place):
                pytest.fail("it was opened")
    assert {entry.name for entry in folders.entries(Place(place.root, ("notes",)))} == {"deep", "list.txt"}


def test_a_search_finds_lines_whatever_the_letter_case(tools: FileTools) -> None:
    assert find(tools, "bread") == ["notes/list.txt:2: bread", "notes/deep/plan.md:2: Buy BREAD tomorrow."]
    assert find(tools, "ÄPFEL") == ["notes/list.txt:3: Äpfel"]
    assert find(tools, "bread", pattern="*.MD") == ["notes/deep/plan.md:2: Buy BREAD tomorrow."]
    assert find(tools, "bread", folder="notes/deep") == ["notes/deep/plan.md:2: Buy BREAD tomorrow."]
    assert tools.search_files(quiet, "b.*d") == "Nothing has 'b.*d'."


def test_a_search_without_a_text_finds_names(tools: FileTools) -> None:
    assert find(tools, pattern="*.md") == ["notes/deep/plan.md"]
    assert find(tools, pattern="notes/*/PLAN*") == ["notes/deep/plan.md"]
    with pytest.raises(ToolError, match="Neither"):
        tools.search_files(quiet)


def test_hidden_files_are_neither_listed_nor_searched_but_read_when_named(tools: FileTools) -> None:
    assert "hidden" not in tools.list_files()
    assert find(tools, "hidden") == find(tools, pattern=".h*") == []
    assert "hidden bread" in tools.read_file(".hidden")


@pytest.fixture
def crowded(shared: Path) -> Path:
    for number in range(30):
        (shared / f"file{number:02}.txt").write_text("needle\n" * 20)
    return shared


@pytest.mark.parametrize(
    ("limits", "most", "said"),
    [
        (SearchLimits(hits=7, hits_in_a_file=3), 7, "The first 7 are shown"),
        (SearchLimits(entries=12), 60, "Only 12 files were looked at"),
        (SearchLimits(seconds=3, clock=iter(range(100)).__next__), 25, "The search ended after 3 seconds"),
    ],
)
def test_a_search_ends_at_its_limits_with_what_it_has(
    crowded: Path, limits: SearchLimits, most: int, said: str
) -> None:
    answer = tools_for(crowded, limits=limits).search_files(quiet, "needle")
    hits = re.findall(r"^file\d\d\.txt:\d+: needle$", answer, re.MULTILINE)
    assert said in answer
    assert 0 < len(hits) <= most


def test_a_search_ends_when_nobody_waits_for_it(crowded: Path) -> None:
    class Stopped(BaseException):
        pass

    def stop(message: str, fraction: float | None) -> None:
        raise Stopped

    for number in range(60):
        (crowded / f"more{number}").touch()
    with pytest.raises(Stopped):
        tools_for(crowded).search_files(stop, "needle")


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="this user may read everything")
def test_what_may_not_be_read_is_counted(crowded: Path) -> None:
    (crowded / "notes").chmod(0)
    (crowded / "file00.txt").chmod(0)
    answer = tools_for(crowded).search_files(quiet, "needle", pattern="file00*")
    (crowded / "notes").chmod(0o700)
    assert answer.endswith("2 files or folders could not be read.")


def test_no_descriptor_is_left_open(crowded: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not list descriptors")
    tools = tools_for(crowded)
    uses: list[Callable[[], str]] = [
        tools.list_files,
        lambda: tools.read_file("file00.txt"),
        lambda: tools.search_files(quiet, "needle"),
        lambda: tools.read_file("notes"),
    ]
    before = set(descriptors())
    for use in uses:
        try:
            use()
        except ToolError:
            continue
    assert set(descriptors()) == before


def descriptors() -> Iterator[str]:
    # The one that lists them is closed by then.
    return iter([path.name for path in list(Path("/proc/self/fd").iterdir()) if path.exists()])
