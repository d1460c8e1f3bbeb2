"""The `tether` command: what it prints where, and the exit codes its failures become."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from tests.helpers.packed_models import write_library, write_packed_model
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop.cli import main, models
from tether_desktop.cli.event_printer import TextPrinter
from tether_desktop.cli.output import ProgressLine, safe
from tether_desktop.context.store import Store
from tether_desktop.errors import InstallError, TetherError
from tether_desktop.events import ContextTrimmed, Done, ErrorEvent, HiddenThought, Status, Token
from tether_desktop.messages import Message, Reasoning, Text, Timings, Usage, text_message
from tether_desktop.model.cpu import ISA_TITLES
from tether_desktop.model.discovery import catalog as catalog_module
from tether_desktop.model.install.progress import InstallProgress
from tether_desktop.settings import load_settings

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder and a model folder for each test; no log handler stays behind."""
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path / "dist"))
    monkeypatch.setattr(main, "start_logging", lambda: None)
    return tmp_path


@pytest.fixture
def store() -> Iterator[Store]:
    store = Store(load_settings().database_url)
    yield store
    store.close()


def dist(folders: Path) -> Path:
    return folders / "dist"


def printed_json(capture: Capture) -> Any:
    return json.loads(capture.readouterr().out)


@pytest.mark.parametrize(
    "arguments", [["dance"], ["models"], ["models", "add"], ["chat", "--loud"], ["models", "verify"]]
)
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: Capture) -> None:
    assert main.run(arguments) == 2
    assert "Traceback" not in "".join(capsys.readouterr())


def test_help_and_version_end_with_0(capsys: Capture) -> None:
    assert main.run(["--help"]) == 0
    told = capsys.readouterr().out
    assert all(group in told for group in ("chat", "models", "sessions", "doctor"))
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out.strip()


def test_an_error_for_people_is_title_message_and_hint_on_stderr(capsys: Capture) -> None:
    assert main.run(["models", "verify", "Nobody"]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "There is no such model.",
        "No model is called 'Nobody'. There are no models yet.",
        "Add one with `tether models add starter`.",
    ]


def test_an_unexpected_failure_is_told_as_ours_and_logged(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, caplog: pytest.LogCaptureFixture, folders: Path
) -> None:
    def fail() -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(models, "load_settings", fail)
    assert main.run(["models", "list"]) == 1
    told = capsys.readouterr().err
    assert "fault of the program" in told
    assert str(folders / "data" / "logs") in told
    assert "Traceback" not in told
    assert "ZeroDivisionError: secret detail" in caplog.text


def test_a_setting_that_cannot_be_used_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setenv("TETHER_TEMPERATURE", "warm")
    assert main.run(["models", "list"]) == 1
    assert "TETHER_TEMPERATURE" in capsys.readouterr().err


def test_models_are_listed_with_reason_and_remedy(folders: Path, capsys: Capture) -> None:
    assert main.run(["models", "list"]) == 0
    assert "models add starter" in capsys.readouterr().err
    write_scripted_model(dist(folders), "Good")
    (write_scripted_model(dist(folders), "Bad") / "script.json").unlink()
    assert main.run(["models", "list"]) == 0
    output = capsys.readouterr()
    assert [line.split()[0] for line in output.out.splitlines()] == ["MODEL", "Bad", "Good"]
    assert "not usable" in output.out
    assert "script.json" in output.err
    assert main.run(["models", "list", "--json"]) == 0
    assert [(entry["name"], entry["usable"]) for entry in printed_json(capsys)] == [("Bad", False), ("Good", True)]


def test_the_demo_can_be_added_twice_and_is_usable(capsys: Capture) -> None:
    for _ in range(2):
        assert main.run(["models", "add", "demo"]) == 0
    capsys.readouterr()
    main.run(["models", "list", "--json"])
    (entry,) = printed_json(capsys)
    assert (entry["name"], entry["usable"], entry["reason"]) == ("Scripted-Demo", True, "")


def test_the_demo_cannot_be_added_where_nothing_can_be_written(folders: Path, capsys: Capture) -> None:
    dist(folders).write_text("a file, not a folder")
    assert main.run(["models", "add", "demo"]) == 1
    assert "The demo cannot be added." in capsys.readouterr().err


def test_adding_the_starter_shows_its_stages(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    async def add(self: object, on_progress: Any) -> str:
        on_progress(InstallProgress("downloading", 0.5, "46 of 93 MB"))
        on_progress(InstallProgress("compiling"))
        return "Starter"

    monkeypatch.setattr(models.Installer, "add_starter", add)
    assert main.run(["models", "add", "starter"]) == 0
    assert capsys.readouterr().err.splitlines() == [
        "Downloading…",
        "Compiling…",
        "Starter is ready.",
    ]


def test_models_can_be_compiled_for_every_instruction_set() -> None:
    assert set(get_args(models.Target)) == set(ISA_TITLES)


def test_a_starter_that_cannot_be_added_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    async def add(self: object, on_progress: Any) -> str:
        raise InstallError("No network", "It cannot be reached.", "Connect.")

    monkeypatch.setattr(models.Installer, "add_starter", add)
    assert main.run(["models", "add", "starter"]) == 1
    assert capsys.readouterr().err.splitlines() == ["No network.", "It cannot be reached.", "Connect."]


def test_verifying_tells_the_damaged_file(folders: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "supported_isas", lambda: ("avx2",))
    folder = write_packed_model(dist(folders))
    write_library(dist(folders))
    assert main.run(["models", "verify", folder.name]) == 0
    assert "complete and unchanged" in capsys.readouterr().err
    shard = folder / "params_shard_1.bin"
    shard.write_bytes(b"\x02" * shard.stat().st_size)
    assert main.run(["models", "verify", folder.name]) == 1
    assert "params_shard_1.bin is damaged" in capsys.readouterr().err


def test_a_model_is_removed_only_after_a_yes(folders: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_scripted_model(dist(folders))
    monkeypatch.setattr(typer, "confirm", lambda *_, **__: (_ for _ in ()).throw(typer.Abort()))
    assert main.run(["models", "remove", folder.name]) == 1
    assert folder.exists()
    assert main.run(["models", "remove", folder.name, "--yes"]) == 0
    assert not folder.exists()
    assert list(dist(folders).iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links need a privilege there")
def test_removing_a_linked_model_leaves_what_it_links_to(folders: Path) -> None:
    folder = write_scripted_model(folders / "elsewhere")
    dist(folders).mkdir()
    (dist(folders) / "Linked").symlink_to(folder, target_is_directory=True)
    assert main.run(["models", "remove", "Linked", "--yes"]) == 0
    assert not (dist(folders) / "Linked").exists()
    assert (folder / "script.json").exists()


def test_sessions_are_listed_shown_and_deleted(store: Store, capsys: Capture) -> None:
    session = store.create_session("Colours", "Scripted")
    question = store.add_message(session.id, text_message("user", "Which?"), parent_id=None)
    reply = Message("assistant", (Reasoning("Hm."), Text("Red.")))
    store.add_message(session.id, reply, parent_id=question.id, model="Scripted", finish_reason="cancelled")
    assert main.run(["sessions", "list"]) == 0
    assert "Colours" in capsys.readouterr().out
    assert main.run(["sessions", "show", session.id[:6]]) == 0
    assert capsys.readouterr().out == "You:\nWhich?\n\nScripted:\nRed.\n(stopped)\n\n"
    assert main.run(["sessions", "show", session.id, "--show-thinking"]) == 0
    assert "<think>Hm.</think>\nRed." in capsys.readouterr().out
    assert main.run(["sessions", "show", session.id, "--json"]) == 0
    shown = printed_json(capsys)
    assert [message["content"] for message in shown["messages"]] == ["Which?", "Red."]
    assert shown["messages"][1]["parts"][0]["type"] == "reasoning"
    assert main.run(["sessions", "delete", session.id]) == 0
    capsys.readouterr()
    assert main.run(["sessions", "list", "--json"]) == 0
    assert printed_json(capsys) == []
    assert main.run(["sessions", "list", "--deleted", "--json"]) == 0
    assert [each["title"] for each in printed_json(capsys)] == ["Colours"]


def test_no_sessions_and_an_empty_bin_say_so(capsys: Capture) -> None:
    main.run(["sessions", "list"])
    main.run(["sessions", "list", "--deleted"])
    assert capsys.readouterr().err.splitlines() == ["There are no conversations yet.", "The bin is empty."]


def test_a_beginning_that_several_sessions_share_is_refused(store: Store, capsys: Capture) -> None:
    # Seventeen ids cannot all begin with different hexadecimal digits.
    digits = [store.create_session().id[0] for _ in range(17)]
    shared = max(digits, key=digits.count)
    assert main.run(["sessions", "delete", shared]) == 1
    assert f"{digits.count(shared)} conversations begin with" in capsys.readouterr().err
    assert len(store.list_sessions()) == 17


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\tb\nc", "a\tb\nc"),
        ("line\r\nline", "line\nline"),
        ("\x1b[31mred\x07", "\ufffd[31mred\ufffd"),
        ("over\rwritten", "over\ufffdwritten"),
        ("\u009b2J", "\ufffd2J"),
        ("Grüße 日本 😀", "Grüße 日本 😀"),
    ],
)
def test_control_characters_do_not_reach_the_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_on_a_terminal_progress_is_one_line_that_goes_away(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    line = ProgressLine()
    line.show("Packing", 0.5)
    line.show("Packing", None, "soon")
    line.clear()
    line.clear()
    told = capsys.readouterr().err
    assert "\n" not in told
    assert "Packing [############............]  50%" in told
    assert told.endswith("Packing soon\r\x1b[K")


def test_thoughts_are_dim_on_a_terminal_and_the_colour_ends(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    printer = TextPrinter(show_thinking=True)
    for event in (HiddenThought("Hm"), ErrorEvent("M", "c", "T")):
        printer.show(event)
    assert capsys.readouterr().out == "\x1b[2mHm\x1b[0m\n"


def test_what_a_person_should_know_of_a_turn_goes_to_stderr(capsys: Capture) -> None:
    printer = TextPrinter()
    for event in (
        Status("loading_model", 0.5),
        ContextTrimmed(4, 100, 200),
        HiddenThought("Hm"),
        Token("Red"),
        Done("length", Usage(), Timings()),
    ):
        printer.show(event)
    output = capsys.readouterr()
    assert output.out == "Red\n"
    assert "4 old messages were left out" in output.err
    assert "cut off" in output.err
    assert "Hm" not in output.err


def test_the_log_is_not_part_of_what_a_command_prints(capsys: Capture) -> None:
    logging.getLogger("tether").info("not for people")
    main.run(["models", "list", "--json"])
    assert capsys.readouterr().out == "[]\n"


def test_an_error_without_a_hint_has_no_empty_line(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise TetherError("Title", "Message.")

    monkeypatch.setattr(models, "load_settings", fail)
    assert main.run(["models", "list"]) == 1
    assert capsys.readouterr().err == "Title.\nMessage.\n"
