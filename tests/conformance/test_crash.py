"""Engines in processes of their own that are ended from outside: it costs one reply, and is told."""

from __future__ import annotations

import psutil
import pytest

from tests.conformance.abilities import needs
from tests.conformance.replies import Asker
from tests.conformance.subjects import ENDLESS_QUESTION, Subject
from tether_desktop.errors import EngineDied
from tether_desktop.model.engine import Engine
from tether_desktop.model.hosting.host import HostedEngine

pytestmark = pytest.mark.asyncio(loop_scope="module")


def process(engine: Engine) -> psutil.Process:
    assert isinstance(engine, HostedEngine)
    assert engine.pid is not None
    return psutil.Process(engine.pid)


@needs("crash")
async def test_a_death_in_the_middle_of_a_reply_is_told_and_the_next_engine_answers(subject: Subject) -> None:
    async with subject.loaded_endless() as engine:
        ask, said = Asker(subject, engine), []

        async def read_and_kill() -> None:
            async for chunk in ask.stream(ENDLESS_QUESTION, max_tokens=None):
                if chunk.text and not any(said):
                    process(engine).kill()
                said.append(chunk.text)

        with pytest.raises(EngineDied) as error:
            await read_and_kill()
        assert "".join(said), "what came before is not lost"
        assert error.value.message
        assert error.value.hint
        with pytest.raises(EngineDied):
            await ask()
    async with subject.loaded() as another:
        assert (await Asker(subject, another)()).text


@needs("crash")
async def test_a_death_between_replies_is_told_to_the_next_request(subject: Subject) -> None:
    async with subject.loaded() as engine:
        await Asker(subject, engine)()
        process(engine).kill()
        with pytest.raises(EngineDied):
            await Asker(subject, engine)()


@needs("crash")
async def test_a_death_in_the_middle_of_a_load_is_told(subject: Subject) -> None:
    engine = subject.setting.new(subject.spec)

    killed: list[float] = []

    def kill_once(progress: float) -> None:
        if not killed:
            process(engine).kill()
        killed.append(progress)

    async def load_and_ask() -> None:
        # A model that loads at once may be there before its process is gone.
        await subject.load(engine, kill_once)
        await Asker(subject, engine)()

    with pytest.raises(EngineDied):
        await load_and_ask()
    await engine.close()


@needs("crash")
async def test_a_process_that_was_asked_to_end_by_another_program_says_so(subject: Subject) -> None:
    async with subject.loaded() as engine:
        child = process(engine)
        child.terminate()
        psutil.wait_procs([child], timeout=20)
        with pytest.raises(EngineDied) as error:
            await Asker(subject, engine)()
        assert error.value.message
