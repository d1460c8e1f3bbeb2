"""`tether servers`: adding, listing, testing and removing servers that run models elsewhere."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from tether_desktop.cli.output import note, print_json, print_table, safe, tell
from tether_desktop.errors import SettingsError, TetherError
from tether_desktop.model.remote.address import check_url, origin_of, reach_of
from tether_desktop.model.remote.keys import Key, check_key, forget_key, store_key
from tether_desktop.model.remote.server_models import ServerModels, forget, look_at, recall
from tether_desktop.model.remote.servers import (
    Server,
    check_server,
    get_server,
    read_servers,
    remove_server,
    save_server,
)

if TYPE_CHECKING:
    from tether_desktop.model.remote.listing import ListedModel

app = typer.Typer(help="Use models of servers elsewhere that speak the API of OpenAI.", no_args_is_help=True)

_QUICK_S = 3.0

Name = Annotated[str, typer.Argument(help="A server, as `tether servers list` names it.")]


@app.command("add")
def add_server(
    name: Annotated[str, typer.Argument(help="What to call it; its models are then called NAME/MODEL.")],
    url: Annotated[str, typer.Argument(help="Its address, like https://gpu.example.org/v1 or http://127.0.0.1:8000.")],
    *,
    key: Annotated[
        bool | None,
        typer.Option("--key/--no-key", help="Ask for its key, which goes into the system's keyring; or forget it."),
    ] = None,
    context: Annotated[int | None, typer.Option(help="Its context window in tokens, where it does not tell.")] = None,
    model: Annotated[list[str] | None, typer.Option(help="List this model alone; may be given several times.")] = None,
    insecure_http: Annotated[
        bool, typer.Option("--insecure-http", help="Allow an address without encryption outside private networks.")
    ] = False,
) -> None:
    """Add a server, or change the one of that name; what you say to its models goes there and nowhere else."""
    before = next((each for each in read_servers() if each.name == name), None)
    moved = before is None or origin_of(before.url) != origin_of(check_url(url, insecure_http=insecure_http))
    old = before or Server(name, url)
    server = check_server(
        replace(
            old,
            url=url,
            keyed=key if key is not None else old.keyed and not moved,
            context_window=old.context_window if context is None else context,
            models=old.models if model is None else tuple(model),
            insecure_http=insecure_http,
        )
    )
    if key:
        store_key(server, _ask_key(server))
    save_server(server)
    if old.keyed and (moved or not server.keyed):
        forget_key(old)
    note(safe(f"{name} is {'changed' if before else 'added'}: {server.url}"))
    _warn_of_listeners(server)
    _try_out(server)


@app.command("list")
def list_servers(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the servers, with what is known of each; none of them is asked."""
    servers, known = read_servers(), recall()
    counts = {name: len(each.models) for name, each in known.items()}
    if json:
        print_json(
            [
                {**asdict(server), "key": _key_title(server), "known_models": counts.get(server.name)}
                for server in servers
            ]
        )
    elif servers:
        rows = [
            (each.name, each.url, _key_title(each), each.context_window, _models_title(each, counts))
            for each in servers
        ]
        print_table(("SERVER", "ADDRESS", "KEY", "CONTEXT", "MODELS"), rows)
    else:
        note("There are no servers. Add one with `tether servers add NAME ADDRESS`.")


@app.command("test")
def test_server(name: Name) -> None:
    """Ask a server which models it has, and say what is wrong where it does not answer."""
    server = get_server(name)
    _print_models(server, asyncio.run(look_at(server)))


@app.command("remove")
def remove(name: Name) -> None:
    """Forget a server, its key and its models; what was said to them stays in your conversations."""
    server = remove_server(name)
    forget(server)
    note(safe(f"{name} is removed."))
    if server.keyed:
        forget_key(server)


def look_at_servers() -> ServerModels:
    """The models of all servers, looked at now for a moment; what does not answer in time is as it was."""
    models = ServerModels()

    async def look() -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_QUICK_S):
                await models.refresh()

    # Where no server was added, none is asked; a damaged list is told as an entry.
    with suppress(SettingsError):
        if read_servers():
            asyncio.run(look())
    return models


def _ask_key(server: Server) -> Key:
    """The key, typed without showing it, or read from a pipe; never an argument, which every process can see."""
    if sys.stdin.isatty():
        return check_key(typer.prompt(f"Key of {server.name}", hide_input=True, err=True))
    return check_key(sys.stdin.readline())


def _warn_of_listeners(server: Server) -> None:
    if server.url.startswith("http://") and reach_of(server.url) != "this computer":
        note("Its address begins with http://: whoever is on the way there can read what is said, and the key.")


def _try_out(server: Server) -> None:
    """Look at a server that was added; that it does not answer now is told, and no reason to forget it."""
    try:
        _print_models(server, asyncio.run(look_at(server)))
    except TetherError as error:
        note("It cannot be used yet.")
        tell(error)


def _print_models(server: Server, models: list[ListedModel]) -> None:
    shown = [model for model in models if not server.models or model.id in server.models]
    rows = [(f"{server.name}/{model.id}", model.context_window or model.trained_window or "-") for model in shown]
    if rows:
        print_table(("MODEL", "CONTEXT"), rows)
    else:
        note(safe(f"{server.name} answers, but has none of the models that are to be listed."))


def _key_title(server: Server) -> str:
    if os.environ.get(server.key_variable):
        return f"from {server.key_variable}"
    return "in the keyring" if server.keyed else "none"


def _models_title(server: Server, counts: dict[str, int]) -> str:
    return ", ".join(server.models) if server.models else str(counts.get(server.name, "not known yet"))
