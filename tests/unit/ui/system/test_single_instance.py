"""One window, whoever starts the program how often."""

from __future__ import annotations

import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtNetwork import QLocalSocket
from pytestqt.qtbot import QtBot

from tether_desktop import paths
from tether_desktop.hand_over import LONGEST, Request, address
from tether_desktop.ui.system.single_instance import SingleInstance


@pytest.fixture
def instance(qtbot: QtBot) -> Iterator[SingleInstance]:
    instance = SingleInstance()
    assert instance.listen()
    yield instance
    instance.close()
    instance.deleteLater()


def second_start(*arguments: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "tether_desktop", *arguments], cwd=paths.project_root(), stderr=subprocess.PIPE
    )


@pytest.mark.parametrize(("argument", "deed"), [("", "raise"), ("--quick", "quick")])
def test_a_second_start_raises_the_first_window_and_ends(
    qtbot: QtBot, instance: SingleInstance, argument: str, deed: str
) -> None:
    with qtbot.waitSignal(instance.asked, timeout=30_000) as asked:
        second = second_start(*filter(None, [argument]))
    assert second.communicate(timeout=30)[1] == b""
    assert second.returncode == 0
    assert asked.args[0].do == deed


def test_a_second_start_hands_its_file_over(qtbot: QtBot, instance: SingleInstance, tmp_path: Path) -> None:
    chats = tmp_path / "chats of “last year”.json"
    chats.write_text("{}", encoding="utf-8")
    with qtbot.waitSignal(instance.asked, timeout=30_000) as asked:
        second = second_start(str(chats))
    assert second.communicate(timeout=30)[1] == b""
    assert asked.args[0] == Request("open", (str(chats),))


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b'{"do": "erase"}\n', b"x" * (LONGEST + 1)])
def test_who_says_something_else_is_sent_away(qtbot: QtBot, instance: SingleInstance, said: bytes) -> None:
    stranger = QLocalSocket()
    with qtbot.assertNotEmitted(instance.asked), qtbot.waitSignal(stranger.disconnected):
        stranger.connectToServer(address())
        stranger.write(said)
    stranger.deleteLater()


def test_what_a_killed_program_left_is_taken_over(qtbot: QtBot, instance: SingleInstance) -> None:
    after_a_crash = SingleInstance()
    assert after_a_crash.listen()
    after_a_crash.close()
    after_a_crash.deleteLater()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has pipes in the place of sockets")
def test_only_the_user_may_ask_and_nothing_stays_behind(qtbot: QtBot) -> None:
    instance = SingleInstance()
    assert instance.listen()
    socket = Path(address())
    assert stat.S_IMODE(socket.stat().st_mode) & 0o077 == 0
    instance.close()
    assert not socket.exists()
    instance.deleteLater()
