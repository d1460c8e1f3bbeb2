"""`tether chat`: from the command line to the engine process and back."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import Any

import psutil
import pytest

from tests.helpers.scripted_models import write_scripted_model
from tests.integration.cli.conftest import Command
from tether_desktop.context.records import MessageRecord
from tether_desktop.context.store import Store

COLOURS = ["Red, ", "green ", "and blue."]
WAITING = {"match": "wait", "steps": ["So", " far", {"wait": True}]}
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals")


def events(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


def content(events: list[dict[str, Any]]) -> str:
    return "".join(event["content"] for event in events if event["type"] == "token")


def stored(tether: Command) -> list[list[MessageRecord]]:
    """The messages of every session, the last active first."""
    store = Store(f"sqlite:///{tether.data / 'tether.db'}")
    histories = [store.history(session.id) for session in store.list_sessions()]
    store.close()
    return histories


def test_once_with_json_prints_the_events_and_ends_in_exactly_one_done(tether_process: Command) -> None:
    write_scripted_model(tether_process.dist, replies=[{"steps": COLOURS}])
    done = tether_process("chat", "--once", "Name three colours.", "--json")
    assert done.returncode == 0
    assert content(events(done)) == "Red, green and blue."
    ends = [event for event in events(done) if event["type"] in {"done", "error", "cancelled"}]
    assert ends == [events(done)[-1]]
    assert ends[0]["type"] == "done"
    assert ends[0]["finish_reason"] == "stop"
    assert ends[0]["usage"]["completion_tokens"] == 3
    assert done.stderr == ""


def test_once_prints_the_answer_alone_on_stdout(tether_process: Command) -> None:
    write_scripted_model(tether_process.dist, replies=["<think>Hm.</think>Red,\ngreen and blue."])
    done = tether_process("chat", "--once", "Name three colours.")
    assert (done.returncode, done.stdout, done.stderr) == (0, "Red,\ngreen and blue.\n", "")


def test_thoughts_are_printed_when_asked_for(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["<think>Hm.</think>Red."])
    done = tether("chat", "--once", "A colour?", "--show-thinking")
    assert done.stdout == "Hm.\nRed.\n"


def test_the_question_can_come_from_stdin(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[{"match": "^two\nlines$", "steps": ["yes"]}, "no"])
    assert tether("chat", "--once", "-", stdin="two\nlines").stdout == "yes\n"


def test_what_was_said_is_remembered_and_a_session_can_go_on(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["one", "two"])
    tether("chat", "--once", "First?")
    (session,) = tether.json("sessions", "list")
    assert tether("chat", "--session", session["session_id"][:8], "--once", "Second?").returncode == 0
    shown = tether.json("sessions", "show", session["session_id"])["messages"]
    assert [message["content"] for message in shown] == ["First?", "one", "Second?", "one"]


def test_a_control_sequence_of_the_model_does_not_reach_the_terminal(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[{"steps": ["a\x1b]0;title\x07b\x9b31mc"]}])
    assert tether("chat", "--once", "Hi").stdout == "a\ufffd]0;title\ufffdb\ufffd31mc\n"


def test_an_unknown_model_is_told_and_leaves_no_session(tether: Command) -> None:
    write_scripted_model(tether.dist, "Known")
    done = tether("chat", "--model", "Unknown", "--once", "Hi")
    assert (done.returncode, done.stdout) == (1, "")
    assert "There is no such model." in done.stderr
    assert "Known" in done.stderr
    assert "Traceback" not in done.stderr
    assert stored(tether) == []


def test_with_json_a_failure_is_one_error_event_as_well(tether: Command) -> None:
    done = tether("chat", "--model", "Nobody", "--once", "Hi", "--json")
    assert done.returncode == 1
    (event,) = events(done)
    assert (event["type"], event["code"]) == ("error", "model_not_found")
    assert event["hint"]
    assert event["message"] in done.stderr


def test_an_unknown_session_is_told(tether: Command) -> None:
    done = tether("chat", "--session", "nope", "--once", "Hi")
    assert done.returncode == 1
    assert "tether sessions list" in done.stderr


def test_an_engine_that_dies_in_mid_sentence_keeps_what_was_said(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[{"steps": ["So", " far", {"delay": 0.1}, {"die": 3}]}])
    done = tether("chat", "--once", "Hi")
    assert (done.returncode, done.stdout) == (1, "So far\n")
    assert "The engine stopped." in done.stderr
    ((question, reply),) = stored(tether)
    assert (question.message.text, reply.message.text, reply.finish_reason) == ("Hi", "So far", "error")
    assert "exit code 3" in reply.error


@posix
def test_an_engine_killed_in_mid_sentence_is_replaced_for_the_next_question(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[WAITING, "Fine."])
    with tether.start("chat") as chat:
        assert chat.stdin is not None
        assert chat.stdout is not None
        print("wait", file=chat.stdin, flush=True)
        assert chat.stdout.read(6) == "So far"
        (engine,) = psutil.Process(chat.pid).children()
        engine.kill()
        said, errors = chat.communicate("Still there?\n", timeout=60)
    assert (chat.returncode, said) == (0, "\nFine.\n")
    assert "memory ran out" in errors


@posix
def test_ctrl_c_stops_the_answer_keeps_it_and_the_conversation_goes_on(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[WAITING, "Fine."])
    with tether.start("chat") as chat:
        assert chat.stdin is not None
        assert chat.stdout is not None
        print("wait", file=chat.stdin, flush=True)
        assert chat.stdout.read(6) == "So far"
        chat.send_signal(signal.SIGINT)
        assert chat.stdout.read(1) == "\n"
        said, errors = chat.communicate("Still there?\n\\exit\n", timeout=60)
    assert (chat.returncode, said) == (0, "Fine.\n")
    assert "(stopped)" in errors
    ((_, first, _, second),) = stored(tether)
    assert (first.message.text, first.finish_reason) == ("So far", "cancelled")
    assert (second.message.text, second.finish_reason) == ("Fine.", "stop")


@posix
def test_ctrl_c_ends_a_single_question_with_a_cancelled_event(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[WAITING])
    with tether.start("chat", "--once", "wait", "--json") as chat:
        assert chat.stdout is not None
        for line in chat.stdout:
            if " far" in line:
                chat.send_signal(signal.SIGINT)
                break
        (last,) = chat.stdout.read().splitlines()
    assert json.loads(last) == {"type": "cancelled"}
    assert chat.returncode == 130


@posix
def test_ctrl_c_while_the_model_loads_ends_the_load(tether: Command) -> None:
    write_scripted_model(tether.dist, load=[{"progress": 0.5}, {"hang": True}])
    with tether.start("chat", "--once", "Hi", "--json") as chat:
        assert chat.stdout is not None
        for line in chat.stdout:
            if json.loads(line).get("progress") == 0.5:
                (engine,) = psutil.Process(chat.pid).children()
                chat.send_signal(signal.SIGINT)
                break
        (last,) = chat.stdout.read().splitlines()
    assert json.loads(last) == {"type": "cancelled"}
    assert not engine.is_running()


def test_the_program_killed_in_mid_sentence_loses_little_and_leaves_no_engine(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[WAITING, "Fine."])
    with tether.start("chat", "--once", "wait", "--json") as chat:
        assert chat.stdout is not None
        for line in chat.stdout:
            if " far" in line:
                break
        (engine,) = psutil.Process(chat.pid).children()
        chat.kill()
    gone, _ = psutil.wait_procs([engine], timeout=20)
    assert gone
    assert tether("chat", "--once", "Hello").returncode == 0
    _, (question, reply) = stored(tether)
    assert question.message.text == "wait"
    assert reply.finish_reason == "error"
    assert reply.error


def test_a_conversation_shows_its_history_when_it_goes_on(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["<think>Hm.</think>one", "two"])
    tether("chat", "--once", "First?")
    ((question, _),) = stored(tether)
    done = tether("chat", "--session", question.session_id, stdin="\\exit\n")
    assert done.stdout == "You:\nFirst?\n\nScripted:\none\n\n"


def test_thoughts_can_be_switched_on_and_lines_continued_while_talking(tether: Command) -> None:
    write_scripted_model(
        tether.dist, replies=[{"match": "first\nsecond", "steps": ["<think>Hm.</think>", "both"]}, "one"]
    )
    done = tether("chat", stdin="\\help\n\n\\thinking\nfirst\\\nsecond\n")
    assert done.stdout == "Hm.\nboth\n"
    assert "Ctrl-D" in done.stderr
    assert "Thoughts are shown." in done.stderr


def test_with_json_every_line_of_stdin_is_a_question(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["one", "two"])
    done = tether("chat", "--json", stdin="First?\n\nSecond?\n")
    assert [event["type"] for event in events(done) if event["type"] in {"done", "error"}] == ["done", "done"]
    assert content(events(done)) == "onetwo"


def test_a_second_instance_is_told_what_to_do(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[WAITING])
    with tether.start("chat", "--once", "wait", "--json") as first:
        assert first.stdout is not None
        next(line for line in first.stdout if " far" in line)
        second = tether("chat", "--once", "Hi")
        beside = tether("sessions", "list")
        first.kill()
    assert second.returncode == 1
    assert "Tether is already running." in second.stderr
    assert "TETHER_DATA_DIR" in second.stderr
    assert beside.returncode == 0


@posix
def test_a_reader_that_has_had_enough_is_not_complained_about(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=["word " * 50_000])
    with tether.start("chat", "--once", "Hi") as chat:
        assert chat.stdout is not None
        assert chat.stderr is not None
        chat.stdout.read(10)
        chat.stdout.close()
        assert chat.stderr.read() == ""
    assert chat.returncode == 1
