"""What every test runs in: a data folder of its own, no screen, and none of the developer's settings."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.helpers.installed import installed_model
from tests.helpers.starter import starter_model, trust_starter

__all__ = ["installed_model", "starter_model"]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
SECONDS_TO_ADD_A_MODEL = 900


@pytest.fixture(autouse=True)
def nothing_of_the_developers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty data folder, in which the starter model may run where it is used, and no setting from outside."""
    for name in list(os.environ):
        if name.startswith(("TETHER_", "MLC_")):
            monkeypatch.delenv(name)
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("TETHER_DATA_DIR", str(folder))
    # A model that is asked for titles says what a script has for the next question.
    monkeypatch.setenv("TETHER_CHAT_TITLES", "question")
    if "starter_model" in request.fixturenames:
        trust_starter(request.getfixturevalue("starter_model"))
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The first test that asks for the starter model waits for its download as well."""
    for item in items:
        if "starter_model" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.timeout(SECONDS_TO_ADD_A_MODEL))
            item.add_marker(pytest.mark.model)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports go from one process to another, which half a surrogate pair in what a test has logged cannot."""
    report = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    return report
