"""A person's own tools: never run before they are allowed, and only as they were then."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tether_desktop.errors import SettingsError
from tether_desktop.tools import own_tools
from tether_desktop.tools.executor import run_call
from tether_desktop.tools.own_tools import OwnFile, OwnTools
from tether_desktop.tools.preferences import ToolPreferences
from tether_desktop.tools.tool import ToolOutput

SOURCE = '''
from pathlib import Path
Path("loaded").touch()
from tether_desktop.tools.declaration import tool
@tool(title="Greeting", permission="always", timeout_s=50)
def greet(name: str) -> str:
    """Greet.

    Args:
        name: of whom
    """
    return f"Hello, {name}!"
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tools").mkdir()
    return tmp_path / "tools"


@pytest.fixture
def preferences(tmp_path: Path) -> ToolPreferences:
    return ToolPreferences(tmp_path / "tools.json")


@pytest.fixture
def own(folder: Path, preferences: ToolPreferences) -> OwnTools:
    return OwnTools(folder, preferences)


def only(own: OwnTools) -> OwnFile:
    [file] = own.files()
    return file


async def call(own: OwnTools, name: str = "Ada") -> ToolOutput:
    [tool] = own.tools()
    return await run_call(tool, {"name": name}, timeout_s=60, most_characters=1000, on_progress=lambda *_: None)


async def test_without_a_folder_there_are_no_tools(tmp_path: Path, preferences: ToolPreferences) -> None:
    own = OwnTools(tmp_path / "missing", preferences)
    await own.refresh()
    assert (own.files(), own.tools()) == ((), [])
    assert not (tmp_path / "missing").exists()


async def test_a_new_file_is_listed_but_not_run(own: OwnTools, folder: Path) -> None:
    (folder / "mine.py").write_text(SOURCE)
    (folder / "notes.txt").write_text("no tools")
    await own.refresh()
    sha256 = hashlib.sha256((folder / "mine.py").read_bytes()).hexdigest()
    assert own.files() == (OwnFile("mine.py", folder / "mine.py", "needs_approval", sha256),)
    assert own.tools() == []
    assert not (folder / "loaded").exists()


async def test_an_allowed_file_s_tools_can_be_called_and_always_ask(own: OwnTools, folder: Path) -> None:
    (folder / "mine.py").write_text(SOURCE)
    await own.refresh()
    await own.allow("mine.py", only(own).sha256)
    assert (only(own).status, only(own).tools) == ("ready", ("greet",))
    [tool] = own.tools()
    assert (tool.title, tool.origin, tool.permission, tool.timeout_s) == ("Greeting", "mine.py", "ask", 50.0)
    assert tool.declaration.parameters["properties"] == {"name": {"type": "string", "description": "of whom"}}
    assert await call(own) == ToolOutput("Hello, Ada!")


async def test_an_allowed_file_is_ready_at_the_next_start(
    own: OwnTools, folder: Path, preferences: ToolPreferences
) -> None:
    (folder / "mine.py").write_text(SOURCE)
    await own.allow("mine.py")
    later = OwnTools(folder, ToolPreferences(preferences.path))
    await later.refresh()
    assert only(later).status == "ready"


async def test_a_file_is_loaded_once_as_long_as_it_stays_the_same(own: OwnTools, folder: Path) -> None:
    (folder / "mine.py").write_text(SOURCE)
    await own.allow("mine.py")
    (folder / "loaded").unlink()
    await own.refresh()
    assert only(own).status == "ready"
    assert not (folder / "loaded").exists()


async def test_a_changed_file_has_to_be_allowed_again(own: OwnTools, folder: Path) -> None:
    (folder / "mine.py").write_text(SOURCE)
    await own.allow("mine.py")
    (folder / "mine.py").write_text(SOURCE.replace("Hello", "Goodbye"))
    refused = await call(own)
    assert refused == ToolOutput("mine.py was changed, and has to be allowed again before it runs.", is_error=True)
    await own.refresh()
    assert (only(own).status, own.tools()) == ("changed", [])
    await own.allow("mine.py")
    assert (await call(own)).text == "Goodbye, Ada!"


async def test_only_what_was_shown_is_allowed(own: OwnTools, folder: Path, preferences: ToolPreferences) -> None:
    (folder / "mine.py").write_text(SOURCE)
    await own.refresh()
    shown = only(own).sha256
    (folder / "mine.py").write_text(SOURCE + "# exchanged")
    with pytest.raises(SettingsError, match="has just been changed"):
        await own.allow("mine.py", shown)
    assert preferences.allowed_sha256("mine.py") is None


async def test_a_forbidden_file_s_tools_are_gone(own: OwnTools, folder: Path) -> None:
    (folder / "mine.py").write_text(SOURCE)
    await own.allow("mine.py")
    await own.forbid("mine.py")
    assert (only(own).status, own.tools()) == ("needs_approval", [])


async def test_a_file_that_is_gone_can_be_forgotten_but_not_allowed(
    own: OwnTools, folder: Path, preferences: ToolPreferences
) -> None:
    preferences.allow_file("mine.py", "abc")
    with pytest.raises(SettingsError, match=r"mine\.py is not in"):
        await own.allow("mine.py")
    await own.forbid("mine.py")
    assert preferences.allowed_sha256("mine.py") is None


async def test_a_broken_file_says_why_and_leaves_the_others(own: OwnTools, folder: Path) -> None:
    (folder / "a.py").write_text("import no_such_module")
    (folder / "b.py").write_text(SOURCE)
    await own.allow("a.py")
    await own.allow("b.py")
    broken, ready = own.files()
    assert (broken.status, ready.status) == ("broken", "ready")
    assert broken.problem == "Line 1: ModuleNotFoundError: No module named 'no_such_module'"


async def test_a_file_that_does_not_come_to_its_end_is_broken(
    own: OwnTools, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_tools, "_LOAD_S", 0.5)
    (folder / "mine.py").write_text("while True: pass")
    await own.allow("mine.py")
    assert only(own).problem == "It did not come to its end within 0.5 seconds."


async def test_a_folder_or_a_giant_named_like_a_file_is_broken(own: OwnTools, folder: Path) -> None:
    (folder / "a.py").mkdir()
    (folder / "b.py").write_bytes(b"#" * (2 << 20))
    await own.refresh()
    assert [(file.status, file.sha256) for file in own.files()] == [("broken", "")] * 2
    with pytest.raises(SettingsError, match="larger than 1 MB"):
        await own.allow("b.py")


@pytest.mark.parametrize(
    "forged",
    [
        {"tools": [{"name": "two words", "description": "x", "parameters": {}, "title": "", "timeout_s": None}]},
        {"tools": [{"name": "a", "description": "x", "parameters": [], "title": "", "timeout_s": None}]},
        {"tools": [{"name": "a", "description": "x", "parameters": {}, "title": "", "timeout_s": "soon"}]},
        {"tools": [{"name": "a", "description": "x\ud800", "parameters": {}, "title": "", "timeout_s": None}]},
        {"tools": [{"name": "a", "description": "x", "parameters": {}, "title": "", "timeout_s": float("nan")}]},
        {"tools": [{"name": "a"}]},
        {"tools": [5]},
        {"tools": 5},
    ],
)
async def test_a_file_that_forges_its_declarations_is_broken(
    own: OwnTools, folder: Path, monkeypatch: pytest.MonkeyPatch, forged: object
) -> None:
    async def answer(_source: object) -> object:
        return forged

    monkeypatch.setattr(own_tools, "ask_for_tools", answer)
    (folder / "mine.py").write_text("")
    await own.allow("mine.py")
    assert only(own).status == "broken"
    assert "declares what is no tool" in only(own).problem


async def test_who_listens_hears_of_each_difference(own: OwnTools, folder: Path) -> None:
    heard: list[int] = []
    own.on_change.append(lambda: heard.append(len(own.files())))
    await own.refresh()
    (folder / "mine.py").write_text("")
    await own.refresh()
    await own.refresh()
    assert heard == [1]
