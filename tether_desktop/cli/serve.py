"""`tether serve`: the session API without a window, until it is told to stop."""

from __future__ import annotations

import asyncio
import json as json_format
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from tether_desktop.cli.output import note
from tether_desktop.errors import AlreadyRunning
from tether_desktop.settings import Settings, load_settings

if TYPE_CHECKING:
    from tether_desktop.app import Tether

_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""What ends a program from outside; Windows has the last one, and sends it when a console is closed."""


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="The address to listen at; else as the settings say.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="The port; 0 takes any that is free.", show_default=False)
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one line of JSON when the port is open.")] = False,
) -> None:
    """Offer the session API on the local port, without a window, until Ctrl-C."""
    asyncio.run(_serve(load_settings(), host, port, json=json))


async def _serve(settings: Settings, host: str | None, port: int | None, *, json: bool) -> None:
    from tether_desktop.app import Tether

    tether = Tether(settings)
    with _told_to_stop() as stop:
        try:
            await tether.start()
            url = await tether.port.open(host, port)
            _announce(url, tether, json=json)
            await stop.wait()
        except AlreadyRunning as error:
            raise await asyncio.to_thread(_with_its_port, error) from error
        finally:
            await tether.close()


def _announce(url: str, tether: Tether, *, json: bool) -> None:
    if json:
        typer.echo(json_format.dumps({"url": url, "pid": os.getpid(), "docs": f"{url}/docs"}))
        return
    typer.echo(f"Tether answers at {url} and describes its API at {url}/docs.")
    note("Programs need a token: `tether token` prints yours. Ctrl-C stops.")
    if tether.settings.lan_access == "on":
        note("Other computers may reach it, and what they send and get is not encrypted: see docs/security.md.")


@contextmanager
def _told_to_stop() -> Iterator[asyncio.Event]:
    """Set when the program is told to end; telling it a second time ends it at once."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def end(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        # Not the loop's own handlers, which Windows has none of.
        loop.call_soon_threadsafe(stop.set)

    known = [getattr(signal, name) for name in _STOPPING if hasattr(signal, name)]
    # Who starts a program in the background, or with nohup, lets it ignore some.
    heeded = [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _with_its_port(error: AlreadyRunning) -> AlreadyRunning:
    """What runs already, and where it answers."""
    from tether_desktop.protocol.api.port.open_port import find_open_port

    found = find_open_port()
    if found is None:
        hint = "Switch on the local port in its settings, or close it first."
        return AlreadyRunning(error.title, error.message, f"{hint} {error.hint}")
    return AlreadyRunning(error.title, f"{error.message} It answers at {found.url} (process {found.pid}).", error.hint)
