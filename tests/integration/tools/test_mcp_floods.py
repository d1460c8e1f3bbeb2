"""MCP servers that send too much, or what is no message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.mcp_servers import McpHouse, mcp_house, raw


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[McpHouse]:
    async with mcp_house(tmp_path, messages=50, flood=5) as house:
        yield house


async def test_text_and_nonsense_between_the_messages_harms_nothing(house: McpHouse) -> None:
    await house.run(it=raw("nonsense"))
    assert (await house.call("it__echo", text="")).text == "here"
    assert (await house.call("it__echo", text="")).text == "here"
    assert "stdout: Loading..." in await house.servers.log("it")


async def test_an_answer_that_is_too_large_fails_its_call_alone(house: McpHouse) -> None:
    await house.run(it=raw("huge"))
    answer = await house.call("it__echo", text="huge")
    assert answer.is_error
    assert "larger than can be taken" in answer.text
    assert (await house.call("it__echo", text="small")).text == "small"


async def test_a_server_that_sends_without_end_is_cut_off(house: McpHouse) -> None:
    await house.run(it=raw("floods"))
    call = asyncio.create_task(house.call("it__echo", text=""))
    state = await house.until(lambda state: state.status == "failed")
    assert state.problem == "It sent messages without end and was cut off."
    assert (await call).is_error
    assert house.servers.tools() == []


async def test_a_server_that_prints_without_end_is_cut_off(house: McpHouse) -> None:
    await house.run(it=raw("chatters"))
    assert (await house.call("it__echo", text="")).is_error
    assert "prints text where only messages belong" in await house.servers.log("it")
    logs = list((house.folder / "logs").iterdir())
    assert sum(log.stat().st_size for log in logs) < 3 << 20


async def test_lists_are_taken_over_in_bounded_amounts(house: McpHouse) -> None:
    await house.run(many=raw("many"), large=raw("large"))
    assert len(house.state("many").tools) == 100
    (only,) = house.state("large").tools
    assert (only.name, len(only.description)) == ("echo", 4000)


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("refusal", "It says: no\ufffd\ufffd way."),
        ("malformed", "not as the protocol wants it"),
        ("empty", "The tool has answered without a text."),
    ],
)
async def test_odd_answers_are_errors_that_the_model_can_read(house: McpHouse, kind: str, said: str) -> None:
    await house.run(it=raw("odd"))
    answer = await house.call("it__echo", text=kind)
    assert answer.is_error
    assert said in answer.text
