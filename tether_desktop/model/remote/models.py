"""Asks a server which models it has."""

from __future__ import annotations

from tether_desktop.model.remote.client import ServerClient, persist
from tether_desktop.model.remote.faults import Refusal
from tether_desktop.model.remote.keys import Key
from tether_desktop.model.remote.limits import Limits
from tether_desktop.model.remote.listing import ListedModel, parse_models
from tether_desktop.model.remote.servers import Server

_NO_LIST = frozenset((404, 405, 501))
"""What servers answer that run models and do not list them."""


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
    """The models that a server lists, asked over a connection of its own; without a list, those the person has named.

    Raises:
        ServerError: it cannot be reached, does not take the key, or lists none.
        SettingsError: its address may not be used.
    """
    client = ServerClient(server, key, limits)

    async def listed_or_named() -> list[ListedModel]:
        try:
            return await fetch_models(client)
        except Refusal as refusal:
            if refusal.status in _NO_LIST and server.models:
                return [ListedModel(name) for name in server.models]
            raise

    try:
        return await persist(listed_or_named, client)
    finally:
        await client.close()
