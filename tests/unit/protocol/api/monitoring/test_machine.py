"""A look at the computer: our processes by kind, memory and disks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from tests.helpers.processes import running, said
from tether_desktop.protocol.api.monitoring import machine

WAITING = "print('ready', flush=True); input()"


def test_this_process_and_its_children_are_told_apart(tmp_path: Path) -> None:
    with running(WAITING, "--child", "engine") as engine, running(WAITING, "--child", "/home/ann/x") as other:
        assert {said(engine), said(other)} == {"ready"}
        use = machine.look({"data": tmp_path})
    assert use.processes["main"] == 1
    assert use.processes["engine"] == 1
    assert use.processes["other"] >= 1
    assert set(use.processes) <= {"main", "engine", "other"}
    assert use.resident_bytes["main"] > 1_000_000 < use.resident_bytes["engine"]
    assert use.started == psutil.Process().create_time()


def test_a_process_that_ends_meanwhile_is_left_out(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone_too = psutil.Process(gone.pid)
    gone.wait()

    class This(psutil.Process):
        def children(self, recursive: bool = False) -> list[psutil.Process]:
            return [gone_too]

    assert list(machine._children(This(os.getpid()))) == []


def test_free_space_is_that_of_the_disk_where_a_folder_would_be(tmp_path: Path) -> None:
    use = machine.look({"data": tmp_path, "models": tmp_path / "not" / "there"})
    assert set(use.disk_bytes) == {"data", "models"}
    assert all(use.disk_bytes.values())
    assert use.available_bytes > 0
