"""`tether serve`: the port of a program without a window, told to stop from outside."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.helpers.scripted_models import write_scripted_model
from tests.integration.cli.conftest import Command
from tether_desktop.cli import main
from tether_desktop.cli.main import run
from tether_desktop.context.store import Store
from tether_desktop.protocol.api.gates.tokens import Tokens

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals cannot be sent to a process there")


@contextmanager
def serving(tether: Command, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A port that is open, and its address."""
    with tether.start("serve", "--port", "0", "--json", *arguments) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            assert line, process.communicate(timeout=60)
            yield process, json.loads(line)["url"]
        finally:
            process.kill()


def ask(url: str, token: str = "", body: Any = None) -> Any:
    """An open answer."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, data, headers), timeout=60)  # noqa: S310


def tokens_of(tether: Command) -> Tokens:
    return Tokens(tether.data / "tokens.json")


def own_token(tether: Command) -> str:
    return tokens_of(tether).own()


def test_it_serves_until_it_is_told_to_stop_and_ends_in_order(tether: Command) -> None:
    with serving(tether) as (process, url):
        token = own_token(tether)
        with ask(f"{url}/healthz") as alive, ask(f"{url}/v1/models", token) as models:
            assert alive.status == models.status == 200
        assert json.loads((tether.data / "open-port.json").read_text())["pid"] == process.pid
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")
    assert not (tether.data / "open-port.json").exists()
    assert token not in "".join(file.read_text() for file in (tether.data / "logs").iterdir())


def test_a_person_is_told_where_it_answers_and_where_the_token_is(tether: Command) -> None:
    with tether.start("serve", "--port", "0") as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "http://127.0.0.1:" in line
    assert "tether token" in err
    assert own_token(tether) not in line + out + err


def test_what_was_being_said_is_stored_when_it_is_told_to_stop(tether: Command) -> None:
    write_scripted_model(tether.dist, replies=[{"steps": ["Once upon a time ", {"wait": True}]}])
    with serving(tether) as (process, url):
        body = {"prompt": "Tell me a story.", "stream": True}
        with ask(f"{url}/generations", own_token(tether), body) as reply:
            for line in reply:
                if b"Once" in line:
                    break
            process.send_signal(signal.SIGTERM)
            last = json.loads(reply.read().splitlines()[-1])
        process.communicate(timeout=60)
    assert last["type"] == "cancelled"
    assert process.returncode == 0
    store = Store(f"sqlite:///{tether.data / 'tether.db'}")
    (session,) = store.list_sessions()
    question, reply_record = store.history(session.id)
    store.close()
    assert question.message.text == "Tell me a story."
    assert (reply_record.message.text.strip(), reply_record.finish_reason) == ("Once upon a time", "cancelled")


def test_a_second_one_is_told_where_the_first_one_answers(tether: Command) -> None:
    with serving(tether) as (process, url):
        second = tether("serve", "--port", "0")
        with ask(f"{url}/healthz") as alive:
            assert alive.status == 200
    assert second.returncode == 1
    assert url in second.stderr
    assert f"process {process.pid}" in second.stderr


def test_what_a_killed_one_left_behind_stops_nobody(tether: Command) -> None:
    with serving(tether) as (first, _):
        first.kill()
        first.wait()
    assert (tether.data / "open-port.json").exists()
    with serving(tether) as (_, url), ask(f"{url}/healthz") as alive:
        assert alive.status == 200


def test_a_port_that_is_taken_is_told_with_one_that_is_free(tether: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        refused = tether("serve", "--port", str(number))
    assert refused.returncode == 1
    assert f"process {os.getpid()}" in refused.stderr
    assert "tether serve --port" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tether.data / "open-port.json").exists()


@pytest.mark.parametrize(
    ("host", "words"),
    [("0.0.0.0", "TETHER_LAN_ACCESS"), ("no-such-host.invalid", "no address"), ("", "no address")],  # noqa: S104
)
def test_an_address_that_cannot_be_used_is_told(
    host: str, words: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "start_logging", lambda: None)
    assert run(["serve", "--port", "0", "--host", host]) == 1
    out, err = capsys.readouterr()
    assert words in err
    assert "Traceback" not in out + err


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_what_is_no_port_is_wrong_usage(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "start_logging", lambda: None)
    assert run(["serve", "--port", port]) == 2


def test_a_token_that_is_revoked_meanwhile_opens_nothing_any_more(tether: Command) -> None:
    with serving(tether) as (_, url):
        phone = tokens_of(tether).add("phone", "chat")
        with ask(f"{url}/v1/models", phone) as models:
            assert models.status == 200
        tokens_of(tether).revoke("phone")
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            ask(f"{url}/v1/models", phone)
        refused.value.close()
