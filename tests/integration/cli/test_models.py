"""`tether models` in a process of its own: from a file to a reply, and stopped in the middle."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.helpers.installed import GGUF_NAME, NAME, InstalledModel
from tests.integration.cli.conftest import Command


@pytest.fixture
def with_model(tether: Command, installed_model: InstalledModel, monkeypatch: pytest.MonkeyPatch) -> Command:
    """The command, with the tiny model and its library."""
    monkeypatch.setenv("TETHER_DATA_DIR", str(tether.data))
    installed_model.copy_to(tether.dist)
    return tether


def test_a_gguf_file_is_added_and_answers(tether: Command, installed_model: InstalledModel) -> None:
    added = tether("models", "add", str(installed_model.gguf))
    assert added.returncode == 0, added.stderr
    told = [line for line in added.stderr.splitlines() if not line.startswith(f"{NAME}: ")]
    assert told == [
        "Looking at the model…",
        "Packing the weights…",
        "Compiling…",
        "Finishing…",
        f"{NAME} is ready.",
    ]
    assert f"{NAME}: 98 kB of weights. With a context window of 256 tokens it takes" in added.stderr
    heading, *rows = added.stdout.splitlines()
    assert heading.split() == ["MATRIX", "SOURCE", "HERE", "DIFFERENCE"]
    assert [row.split()[-3:] for row in rows] == [["Q8_0", "q8_0", "none"], *[["Q4_1", "q4_1", "none"]] * 4]

    (entry,) = tether.json("models", "list")
    assert (entry["name"], entry["usable"], entry["fit"]["verdict"]) == (NAME, True, "fits")
    reply = tether("chat", "--once", "Hello")
    assert reply.returncode == 0, reply.stderr
    assert reply.stdout.strip()


def test_the_memory_that_a_model_takes_is_listed(with_model: Command) -> None:
    listed = with_model("models", "list")
    assert listed.returncode == 0
    (line,) = listed.stdout.splitlines()[1:]
    assert line.startswith(NAME)
    assert "MB, fits" in line


def test_a_taken_name_is_told_with_what_to_do(with_model: Command, installed_model: InstalledModel) -> None:
    refused = with_model("models", "add", str(installed_model.gguf))
    assert refused.returncode == 1
    assert "--name" in refused.stderr
    added = with_model("models", "add", str(installed_model.gguf), "--name", "again")
    assert added.returncode == 0, added.stderr
    assert "again is ready." in added.stderr


def test_a_model_is_compiled_for_another_processor(with_model: Command) -> None:
    compiled = with_model("models", "compile", NAME, "--target", "avx2")
    assert compiled.returncode == 0, compiled.stderr
    assert f"{NAME} is compiled for AVX2." in compiled.stderr
    assert (
        any(path.name.endswith("-avx2.so") for path in (with_model.dist / "libs").iterdir()) or sys.platform != "linux"
    )
    assert with_model("models", "compile", NAME, "--target", "mmx").returncode == 2


def test_a_model_is_removed_with_its_packed_copy(with_model: Command, installed_model: InstalledModel) -> None:
    source = with_model.dist / GGUF_NAME
    source.write_bytes(installed_model.gguf.read_bytes())
    name = source.stem
    assert with_model("models", "compile", name).returncode == 0
    asked = with_model("models", "remove", name, stdin="n\n")
    assert asked.returncode == 1
    assert str(with_model.dist / "packed" / name) in asked.stderr
    assert with_model("models", "remove", name, "--yes").returncode == 0
    assert [entry["name"] for entry in with_model.json("models", "list")] == [NAME]
    assert list((with_model.dist / "packed").iterdir()) == []


def test_offers_are_listed_with_what_they_need(tether: Command) -> None:
    offers = tether.json("models", "offers")
    assert all({"id", "download_bytes", "licence", "fit"} <= offer.keys() for offer in offers)
    listed = tether("models", "offers")
    assert [line.split()[0] for line in listed.stdout.splitlines()[1:]] == [offer["id"] for offer in offers]


def test_terms_of_use_are_to_be_accepted_first(tether: Command) -> None:
    offer = next(offer for offer in tether.json("models", "offers") if offer["must_accept"])
    asked = tether("models", "add", offer["id"], stdin="n\n")
    assert asked.returncode == 1
    assert offer["licence_url"] in asked.stderr
    assert not tether.dist.exists()


@pytest.mark.parametrize(
    "make", [lambda folder: folder / "nothing.gguf", lambda folder: folder], ids=["no file", "an empty folder"]
)
def test_what_is_no_model_is_told(tether: Command, tmp_path: Path, make: Callable[[Path], Path]) -> None:
    (tmp_path / "empty").mkdir()
    refused = tether("models", "add", str(make(tmp_path / "empty")))
    assert refused.returncode == 1
    assert len(refused.stderr.strip().splitlines()) >= 3
    assert "Traceback" not in refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a console's Ctrl-C cannot be sent to one process there")
def test_ctrl_c_stops_adding_and_leaves_nothing(tether: Command, installed_model: InstalledModel) -> None:
    with tether.start("models", "add", str(installed_model.gguf)) as running:
        assert running.stderr is not None
        while "Packing" not in running.stderr.readline():
            assert running.poll() is None
        running.send_signal(signal.SIGINT)
        assert "Stopped." in running.stderr.read()
    assert running.returncode == 130
    assert [path.name for path in tether.dist.iterdir()] == [".install.lock"]
