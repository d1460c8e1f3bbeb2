"""`tether servers`: adding, listing, testing and removing, with keys that are typed and never shown."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator

import pytest

from tests.helpers.memory_keyring import MemoryKeyring
from tests.helpers.openai_server import OpenAIServer, refuse, serving_aside
from tether_desktop.cli import main
from tether_desktop.model.remote.server_models import recall
from tether_desktop.model.remote.servers import Server, get_server, read_servers, save_server

KEY = "sk-secret"
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    monkeypatch.setenv("MLC_DIST_PATH", str(tmp_path_factory.mktemp("dist")))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "tests.helpers.memory_keyring.MemoryKeyring")
    monkeypatch.setattr(main, "start_logging", lambda: None)
    yield
    MemoryKeyring.kept.clear()


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving_aside() as server:
        yield server


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_a_server_is_added_with_what_it_has(server: OpenAIServer, capsys: Capture) -> None:
    assert main.run(["servers", "add", "gpu", f"http://127.0.0.1:{server.port}", "--context", "4096"]) == 0
    shown = capsys.readouterr()
    assert "gpu/tiny" in shown.out
    assert f"gpu is added: {server.url}" in shown.err
    assert read_servers() == (Server("gpu", server.url, 4096),)
    assert recall()["gpu"].models == (("tiny", 0),)
    assert main.run(["models", "list"]) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("gpu/tiny"))
    assert row.split() == ["gpu/tiny", "-", "4096", "-", "usable"]


def test_a_key_is_read_from_a_pipe_and_shown_nowhere(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    server.key = KEY
    type_in(monkeypatch, f"{KEY}\n")
    assert main.run(["servers", "add", "gpu", server.url, "--key"]) == 0
    assert main.run(["servers", "list"]) == 0
    assert main.run(["servers", "list", "--json"]) == 0
    shown = capsys.readouterr()
    assert "in the keyring" in shown.out
    assert KEY not in shown.out + shown.err
    assert list(MemoryKeyring.kept.values()) == [KEY]


def test_a_server_that_wants_a_key_is_added_and_says_so(server: OpenAIServer, capsys: Capture) -> None:
    server.key = KEY
    assert main.run(["servers", "add", "gpu", server.url]) == 0
    told = capsys.readouterr().err
    assert "It cannot be used yet" in told
    assert "--key" in told
    assert main.run(["servers", "test", "gpu"]) == 1


def test_changing_a_server_keeps_its_key_unless_it_moves(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, KEY)
    main.run(["servers", "add", "gpu", server.url, "--key"])
    assert main.run(["servers", "add", "gpu", server.url, "--model", "tiny"]) == 0
    assert get_server("gpu") == Server("gpu", server.url, models=("tiny",), keyed=True)
    assert len(MemoryKeyring.kept) == 1
    main.run(["servers", "add", "gpu", f"http://localhost:{server.port}"])
    assert not get_server("gpu").keyed
    assert MemoryKeyring.kept == {}
    assert get_server("gpu").models == ("tiny",)


def test_a_key_can_be_forgotten(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, KEY)
    main.run(["servers", "add", "gpu", server.url, "--key"])
    main.run(["servers", "add", "gpu", server.url, "--no-key"])
    assert (get_server("gpu").keyed, MemoryKeyring.kept) == (False, {})


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gpu", "http://example.org"], "not encrypted"),
        (["a/b", "https://example.org"], "cannot be the name"),
        (["gpu", "https://example.org", "--context", "1"], "context window"),
        (["gpu", "nonsense"], "is not the address"),
    ],
)
def test_what_cannot_be_used_is_told_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture, arguments: list[str], told: str
) -> None:
    type_in(monkeypatch, KEY)
    assert main.run(["servers", "add", *arguments, "--key"]) == 1
    assert told in capsys.readouterr().err
    assert read_servers() == ()
    assert MemoryKeyring.kept == {}


def test_without_a_keyring_the_environment_variable_is_named_and_nothing_is_added(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    type_in(monkeypatch, KEY)
    assert main.run(["servers", "add", "gpu", "https://gpu.example.org", "--key"]) == 1
    told = capsys.readouterr().err
    assert "TETHER_KEY_GPU" in told
    assert KEY not in told
    assert read_servers() == ()


def test_an_address_that_others_can_listen_in_on_is_told(server: OpenAIServer, capsys: Capture) -> None:
    assert main.run(["servers", "add", "gpu", f"http://0.0.0.0:{server.port}", "--insecure-http"]) == 0
    assert "can read what is said" in capsys.readouterr().err


def test_removing_forgets_the_server_its_models_and_its_key(
    server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    type_in(monkeypatch, KEY)
    main.run(["servers", "add", "gpu", server.url, "--key"])
    assert main.run(["servers", "remove", "gpu"]) == 0
    assert (read_servers(), recall(), MemoryKeyring.kept) == ((), {}, {})
    assert main.run(["servers", "remove", "gpu"]) == 1
    assert "There are none yet" in capsys.readouterr().err


def test_the_list_asks_nobody(server: OpenAIServer, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    save_server(Server("gpu", server.url, models=("tiny", "big")))
    monkeypatch.setenv("TETHER_KEY_GPU", KEY)
    assert main.run(["servers", "list"]) == 0
    row = capsys.readouterr().out.splitlines()[1]
    assert row.split() == ["gpu", server.url, "from", "TETHER_KEY_GPU", "8192", "tiny,", "big"]
    assert main.run(["servers", "list", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["name"], listed["key"], listed["known_models"]) == ("gpu", "from TETHER_KEY_GPU", None)
    assert server.asked == []


def test_no_servers_is_said(capsys: Capture) -> None:
    assert main.run(["servers", "list"]) == 0
    assert "There are no servers" in capsys.readouterr().err


def test_models_of_a_server_that_fails_are_listed_with_the_reason(server: OpenAIServer, capsys: Capture) -> None:
    main.run(["servers", "add", "gpu", server.url])
    server.others["/v1/models"] = lambda _: refuse(500, {"message": "GPU on fire"})
    capsys.readouterr()
    assert main.run(["models", "list"]) == 0
    shown = capsys.readouterr()
    assert "not usable" in shown.out
    assert "GPU on fire" in shown.err
    assert main.run(["servers", "test", "gpu"]) == 1


def test_a_server_that_has_none_of_the_wanted_models_is_told(server: OpenAIServer, capsys: Capture) -> None:
    assert main.run(["servers", "add", "gpu", server.url, "--model", "other"]) == 0
    assert "has none of the models" in capsys.readouterr().err
