"""Runs each test for every engine that has the abilities it needs; engines are loaded once for a file of tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.conformance.chat_server import serving_chats
from tests.conformance.replies import Asker
from tests.conformance.subjects import SETTINGS, WINDOW, Place, Subject
from tests.helpers.openai_server import OpenAIServer
from tether_desktop.model.engine import Engine, EngineSpec


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that takes a subject is run for each that can do what it needs; see ``abilities.needs``."""
    if "subject" not in metafunc.fixturenames:
        return
    needed: tuple[str, ...] = getattr(metafunc.function, "needs", ())
    values = [
        pytest.param(label, marks=setting.marks, id=label)
        for label, setting in SETTINGS.items()
        if setting.fits(needed)
    ]
    metafunc.parametrize("subject", values, indirect=True, scope="module")


@pytest.fixture(scope="session")
def specs() -> dict[Place, EngineSpec]:
    """The models that were made already, each once."""
    return {}


@pytest.fixture(scope="session")
def chat_server() -> Iterator[OpenAIServer]:
    """A server elsewhere, which is here."""
    with serving_chats(WINDOW) as server:
        yield server


@pytest.fixture(scope="module")
def subject(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, specs: dict[Place, EngineSpec]
) -> Subject:
    """An engine to be tested."""
    setting = SETTINGS[request.param]
    if setting.place not in specs:
        specs[setting.place] = setting.place(request, tmp_path_factory.mktemp(setting.engine))
    return Subject(setting, specs[setting.place])


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(subject: Subject) -> AsyncIterator[Engine]:
    """The same, loaded; shared by the tests of a file, which therefore prove that it stays usable."""
    async with subject.loaded() as engine:
        yield engine


@pytest.fixture
def ask(subject: Subject, engine: Engine) -> Asker:
    """Asks that engine."""
    return Asker(subject, engine)
