"""`tether token`: the tokens that open the local port."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tether_desktop.cli.output import note, print_json, print_table, tell

if TYPE_CHECKING:
    from tether_desktop.protocol.api.gates.tokens import Tokens

app = typer.Typer(
    help="Print your own token for the local port, and make, list and revoke further ones.",
    invoke_without_command=True,
)

Name = Annotated[str, typer.Argument(help="What the token is for.")]
_MEANING = {"chat": "conversations, replies and lists", "manage": "everything"}


@app.callback()
def own_token(context: typer.Context) -> None:
    """Print your own token, with which programs may do everything on the local port."""
    if context.invoked_subcommand is None:
        tokens = _tokens()
        typer.echo(tokens.own())
        _tell_problem(tokens)


@app.command("add")
def add_token(
    name: Name,
    *,
    scope: Annotated[
        Literal["chat", "manage"],
        typer.Option(help="chat: conversations, replies and lists; manage: everything."),
    ] = "chat",
) -> None:
    """Make a further token and print it, which is possible only now."""
    tokens = _tokens()
    typer.echo(tokens.add(name, scope))
    note(f"{name} may use it for {_MEANING[scope]}. It is not shown again; `tether token revoke` ends it.")
    _tell_problem(tokens)


@app.command("list")
def list_tokens(*, json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """List the further tokens, oldest first; the tokens themselves are not kept."""
    named = _tokens().named()
    if json:
        print_json([{"name": each.name, "scope": each.scope, "created_at": each.created_at} for each in named])
    elif named:
        rows = [(each.name, each.scope, f"{each.created_at.astimezone():%Y-%m-%d %H:%M}") for each in named]
        print_table(("NAME", "SCOPE", "MADE"), rows)
    else:
        note("There is no token but your own, which `tether token` prints.")


@app.command("revoke")
def revoke_token(name: Name) -> None:
    """Let a further token open nothing any more, from now on."""
    _tokens().revoke(name)
    note(f"The token {name!r} opens nothing any more.")


@app.command("renew")
def renew_token() -> None:
    """Replace your own token by another, and print it; the old one opens nothing any more."""
    tokens = _tokens()
    typer.echo(tokens.renew())
    _tell_problem(tokens)


def _tokens() -> Tokens:
    from tether_desktop import paths
    from tether_desktop.protocol.api.gates.tokens import Tokens

    return Tokens(paths.tokens_path())


def _tell_problem(tokens: Tokens) -> None:
    if tokens.problem is not None:
        tell(tokens.problem)
