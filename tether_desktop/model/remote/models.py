"""Asks a server which models it has."""

from __future__ import annotations

from tether_desktop.model.remote.client import ServerClient, persist
from tether_desktop.model.remote.keys import Key
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.listing import ListedModel, parse_models
from tether_desktop.model.remote.servers import Server


async def fetch_models(client: ServerClient) -> list[ListedModel]:
    """The models that a server lists.

    Raises:
        Passing, Refusal, ServerError: it lists none.
    """
    answer = await client.ask("GET", client.endpoint("/models"))
    models = parse_models(answer)
    if models is None:
        raise client.faults.nonsense("What it gives is no list of models")
    return models


async def models_of(server: Server, key: Key, limits: Limits) -> list[ListedModel]:
    """The models that a server lists, asked over a connection of its own.

    Raises:
        ServerError: it cannot be reached, does not take the key, or lists none.
        SettingsError: its address may not be used.
    """
    client = ServerClient(server, key, limits)
    try:
        return await persist(lambda: fetch_models(client), client)
    finally:
        await client.close()
