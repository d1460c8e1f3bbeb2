"""The catalogue lists models of servers at once, from what was seen last, and is told when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.helpers.openai_server import OpenAIServer, refuse, serving
from tests.helpers.remote_engines import Waits, add
from tests.helpers.scripted_models import write_scripted_model
from tether_desktop import paths
from tether_desktop.errors import ModelBroken, ModelNotFound, ServerError
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.discovery.entry import ModelEntry
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.server_models import (
    RETRY_S,
    ServerModels,
    forget,
    look_at,
    memory_path,
    recall,
    remember,
)
from tether_desktop.model.remote.servers import Server, remove_server, save_server, servers_path

QUICK = Limits(sleep=Waits())


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        server.models = [{"id": "org/big", "max_model_len": 32768}, {"id": "small"}]
        yield server


@pytest.fixture
async def models() -> AsyncIterator[ServerModels]:
    models = ServerModels(limits=QUICK)
    yield models
    await models.close()


async def changed(models: ServerModels) -> None:
    """Wait until a look has changed something."""
    told = asyncio.Event()
    unsubscribe = models.subscribe(told.set)
    await told.wait()
    unsubscribe()


def names(models: ServerModels) -> list[str]:
    return [entry.name for entry in models.entries()]


async def test_where_no_server_was_added_nothing_is_looked_at_or_written(models: ServerModels) -> None:
    models.look()
    await models.refresh()
    assert list(models.entries()) == []
    assert not memory_path().exists()


async def test_a_look_finds_the_models_and_the_next_start_knows_them(
    server: OpenAIServer, models: ServerModels
) -> None:
    add(server, context_window=4096)
    assert [(entry.name, entry.usable, entry.reason) for entry in models.entries()] == [
        ("test", False, "The models of test are not known yet.")
    ]
    models.look()
    await changed(models)
    expected = [
        ModelEntry("test/org/big", servers_path(), "remote", context_window=32768),
        ModelEntry("test/small", servers_path(), "remote", context_window=4096),
    ]
    assert list(models.entries()) == expected
    assert list(ServerModels().entries()) == expected


async def test_listing_contacts_nobody(server: OpenAIServer, models: ServerModels, tmp_path: Path) -> None:
    await look_at(add(server))
    asked = len(server.asked)
    catalog = Catalog([tmp_path], [models.entries])
    assert [entry.name for entry in catalog.list()] == ["test/org/big", "test/small"]
    assert catalog.get("test/small").kind == "remote"
    assert len(server.asked) == asked


async def test_only_the_models_that_were_asked_for_are_listed(server: OpenAIServer, models: ServerModels) -> None:
    add(server, models=("small", "later"))
    await models.refresh()
    assert names(models) == ["test/small", "test/later"]


async def test_models_that_were_named_need_no_list(server: OpenAIServer, models: ServerModels) -> None:
    server.others["/v1/models"] = lambda _: refuse(404, "no")
    named = add(server, models=("big", "small"))
    await models.refresh()
    assert [(entry.name, entry.usable) for entry in models.entries()] == [("test/big", True), ("test/small", True)]
    assert [model.id for model in await look_at(named)] == ["big", "small"]
    with pytest.raises(ServerError, match="nothing at this address") as told:
        await look_at(add(server))
    assert "model ''" not in str(told.value)


async def test_a_server_that_is_gone_keeps_its_models_with_the_reason(
    server: OpenAIServer, models: ServerModels, tmp_path: Path
) -> None:
    add(server)
    await models.refresh()
    server.others["/v1/models"] = lambda _: refuse(401, {"message": "Who are you?"})
    await models.refresh()
    entry = models.entries()[0]
    assert (entry.name, entry.usable, entry.code) == ("test/org/big", False, "server_error")
    assert "Who are you?" in entry.reason
    assert "--key" in entry.remedy
    with pytest.raises(ModelBroken, match="Who are you"):
        Catalog([tmp_path], [models.entries]).get("test/org/big")
    del server.others["/v1/models"]
    await models.refresh()
    assert all(entry.usable for entry in models.entries())


async def test_a_server_that_cannot_be_reached_is_looked_at_again_by_itself() -> None:
    async with serving() as server:
        add(server)
    waits, came_back = Waits(), asyncio.Event()

    async def sleep(seconds: float) -> None:
        await waits(seconds)
        await came_back.wait()

    models = ServerModels(limits=QUICK, sleep=sleep)
    models.look()
    await changed(models)
    assert "Nothing answers" in models.entries()[0].reason
    async with server.running():
        came_back.set()
        await changed(models)
        assert names(models) == ["test/tiny"]
    assert waits.seconds == [RETRY_S]
    await models.close()


async def test_looking_again_does_not_wait_for_the_next_time() -> None:
    async with serving() as server:
        add(server)
    models = ServerModels(limits=QUICK, sleep=lambda _: asyncio.Event().wait())  # type: ignore[arg-type,return-value]
    models.look()
    await changed(models)
    async with server.running():
        models.look()
        await changed(models)
        assert names(models) == ["test/tiny"]
    await models.close()


async def test_one_server_that_fails_does_not_keep_the_others_from_being_seen(
    server: OpenAIServer, models: ServerModels
) -> None:
    add(server)
    async with serving() as gone:
        add(gone, "gone")
    await models.refresh()
    assert [(entry.name, entry.usable) for entry in models.entries()] == [
        ("test/org/big", True),
        ("test/small", True),
        ("gone", False),
    ]
    remove_server("gone")
    await models.refresh()
    assert models.problems == {}


async def test_a_server_elsewhere_does_not_have_the_models_of_before(
    server: OpenAIServer, models: ServerModels
) -> None:
    await look_at(add(server))
    save_server(Server("test", "https://gpu.example.org/v1"))
    assert [entry.usable for entry in models.entries()] == [False]


async def test_a_name_that_a_folder_has_already_is_numbered(server: OpenAIServer, tmp_path: Path) -> None:
    write_scripted_model(tmp_path, "test")
    add(server)
    entries = Catalog([tmp_path], [ServerModels().entries]).list()
    assert [(entry.name, entry.kind) for entry in entries] == [("test", "scripted"), ("test (2)", "remote")]


def test_a_damaged_list_of_servers_is_listed_with_its_reason() -> None:
    paths.write_private(servers_path(), "{")
    (entry,) = ServerModels().entries()
    assert (entry.name, entry.usable) == ("servers.json", False)
    assert "is damaged" in entry.reason


async def test_a_damaged_list_of_servers_asks_nobody(models: ServerModels) -> None:
    paths.write_private(servers_path(), "{")
    await models.refresh()
    assert models.problems == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "7",
        '{"format": 9}',
        '{"format": 1, "servers": {"a": {"url": "x", "models": [[1]]}}}',
        "[" * 99999,
    ],
)
def test_what_was_seen_may_be_damaged_and_is_then_seen_anew(text: str) -> None:
    paths.write_private(memory_path(), text)
    assert recall() == {}
    remember(Server("a", "https://a/v1"), [])
    assert list(recall()) == ["a"]
    forget(Server("a", "https://a/v1"))
    assert recall() == {}


async def test_what_was_seen_may_be_impossible_to_keep(server: OpenAIServer, models: ServerModels) -> None:
    memory_path().mkdir(parents=True)
    added = add(server)
    assert [model.id for model in await look_at(added)] == ["org/big", "small"]
    server.key = "sk"
    with pytest.raises(ServerError):
        await look_at(added)


def test_an_unknown_model_of_a_server_is_told_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        Catalog([tmp_path], [ServerModels().entries]).get("test/none")
