"""What is needed before the program can be frozen."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

on_debian = pytest.mark.skipif(
    sys.platform != "linux" or not Path("/usr/bin/python3").exists(), reason="there is no interpreter of the system"
)


@on_debian
def test_the_interpreter_of_the_system_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from artefacts import environment

    monkeypatch.delenv("TETHER_PACKAGE_PYTHON", raising=False)
    (needed,) = environment.needed_of_system()
    assert re.fullmatch(r"libpython3\.\d+", needed.package)
    assert environment.interpreter().parent == Path("/usr/bin") or not needed.present()


def test_an_interpreter_that_was_named_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from artefacts import environment

    named = tmp_path / "python"
    monkeypatch.setenv("TETHER_PACKAGE_PYTHON", os.fspath(named))
    assert environment.needed_of_system() == []
    assert environment.interpreter() == named
