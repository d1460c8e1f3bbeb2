r"""What a person can do in `tether chat`: questions and \commands, over a real store and a scripted engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.cli.backends.backend import Backend
from tether_desktop.cli.backends.open_backend import open_backend
from tether_desktop.cli.conversation import COMMANDS, Conversation
from tether_desktop.cli.event_printer import TextPrinter
from tether_desktop.cli.talk import Talk, Wishes
from tether_desktop.context.records import SessionRecord
from tether_desktop.protocol.tool_use import ToolUse
from tether_desktop.settings import load_settings

Capture = pytest.CaptureFixture[str]


class Typed:
    """An input that has typed everything already."""

    def __init__(self, *lines: str) -> None:
        self._lines = iter(lines)

    def question(self) -> str | None:
        return next(self._lines, None)

    def line(self, prompt: str) -> str:
        return next(self._lines, "")


class Terminal:
    """A chat in which several people in turn type."""

    def __init__(self, runner: asyncio.Runner, backend: Backend) -> None:
        self.talk = Talk(runner, backend, None, Wishes(None, ToolUse(), None))
        self.printer = TextPrinter()

    def type(self, *lines: str) -> None:
        Conversation(self.talk, self.printer, Typed(*lines)).go()

    def sessions(self, *, deleted: bool = False) -> list[SessionRecord]:
        return self.talk.run(self.talk.backend.sessions.list(deleted=deleted))


@pytest.fixture
def terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal with two models, in a folder of its own."""
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path / "dist"))
    monkeypatch.chdir(tmp_path)
    write_scripted_model(tmp_path / "dist", "First", replies=["<think>Hm.</think>Red."])
    write_scripted_model(tmp_path / "dist", "Second", replies=["Blue."])
    with asyncio.Runner() as runner:
        backend = runner.run(open_backend(load_settings()))
        yield Terminal(runner, backend)
        runner.run(backend.close())


def test_another_model_answers_once_it_was_chosen(terminal: Terminal, capsys: Capture) -> None:
    terminal.type("Hi", "\\model Second", "Hi", "\\model", "1", "Hi", "\\model Nobody", "\\exit", "never asked")
    output = capsys.readouterr()
    assert output.out == "Red.\nBlue.\nRed.\n"
    assert "'Nobody'" in output.err
    assert [record.model for record in terminal.talk.history() if record.model] == ["First", "Second", "First"]


def test_a_conversation_is_saved_and_no_file_is_lost(terminal: Terminal, tmp_path: Path, capsys: Capture) -> None:
    terminal.type("\\save", "What colour?", "\\save", "\\save all.json", f"\\save {tmp_path / 'none' / 'x.md'}")
    assert "Red." in (tmp_path / "What-colour.md").read_text("utf-8")
    assert json.loads((tmp_path / "all.json").read_text("utf-8"))["format"] == "tether-conversations"
    told = capsys.readouterr().err
    assert "nothing to save" in told
    assert "cannot be written" in told
    (tmp_path / "mine.md").write_text("mine", "utf-8")
    terminal.type("\\save mine.md", "n")
    assert (tmp_path / "mine.md").read_text("utf-8") == "mine"
    terminal.type("\\save mine.md", "y")
    assert "Red." in (tmp_path / "mine.md").read_text("utf-8")


def test_conversations_are_begun_gone_on_with_and_deleted(terminal: Terminal, capsys: Capture) -> None:
    terminal.type("\\delete", "One", "\\new", "Two")
    assert sorted(session.title for session in terminal.sessions()) == ["One", "Two"]
    one = next(session for session in terminal.sessions() if session.title == "One")
    terminal.type(f"\\sessions {one.id[:12]}", "More")
    assert [record.message.text for record in terminal.talk.history()][::2] == ["One", "More"]
    terminal.type("\\delete", "n", "\\delete", "y", "\\sessions", "1", "\\sessions", "7", "\\sessions nowhere")
    assert [session.title for session in terminal.sessions(deleted=True)] == ["One"]
    assert terminal.talk.session is not None
    assert terminal.talk.session.title == "Two"
    told = capsys.readouterr().err
    assert "nothing to delete" in told
    assert "'7' is none of them." in told
    assert "There is no such conversation." in told


def test_an_answer_is_made_again_beside_the_first(terminal: Terminal, capsys: Capture) -> None:
    terminal.type("\\retry", "Hi", "\\retry")
    assert capsys.readouterr().out == "Red.\nRed.\n"
    assert [record.versions for record in terminal.talk.history()] == [1, 2]


def test_the_menu_runs_what_is_chosen(terminal: Terminal, capsys: Capture) -> None:
    chosen = [name for name in COMMANDS if name not in {"\\menu", "\\help"}].index("\\thinking") + 1
    terminal.type("\\menu", str(chosen), "Hi", "\\menu", "")
    output = capsys.readouterr()
    assert output.out == "Hm.\nRed.\n"
    assert all(COMMANDS[name].what in output.err for name in COMMANDS if name not in {"\\menu", "\\help"})


def test_tools_are_listed_and_their_use_is_chosen(terminal: Terminal, capsys: Capture) -> None:
    terminal.type("\\tools", "\\tools off")
    assert "calculate" in capsys.readouterr().err
    choice = terminal.talk.wishes.tool_use.choice
    assert choice is not None
    assert choice.mode == "none"


def test_what_is_no_command_is_told_and_what_only_begins_so_is_asked(terminal: Terminal, capsys: Capture) -> None:
    terminal.type("\\dance", "\\help", "", "   ", "\\frac{1}{2}?", " \\dance")
    output = capsys.readouterr()
    assert "There is no command \\dance" in output.err
    assert all(name in output.err for name in COMMANDS)
    assert output.out == "Red.\nRed.\n"
