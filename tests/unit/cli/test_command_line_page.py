"""docs/command-line.md names every command and every option, and none that is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import typer

from tether_desktop import paths
from tether_desktop.cli.conversation import COMMANDS
from tether_desktop.cli.main import app

PAGE = (paths.project_root() / "docs" / "command-line.md").read_text("utf-8")


def commands(command: Any, *words: str) -> Iterator[tuple[str, list[str]]]:
    """Every command with its options."""
    if not hasattr(command, "commands") or command.invoke_without_command:
        options = [option for each in command.params for option in (*each.opts, *each.secondary_opts)]
        yield " ".join(words), [option for option in options if option.startswith("-")]
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, *words, name)


def section(name: str) -> str:
    """The part of the page that is about a command of the first level."""
    (found,) = [
        part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE) if f"`tether {name}`" in part.split("\n")[0]
    ]
    return found


def test_every_command_and_option_is_on_the_page() -> None:
    every = {name: options for name, options in commands(typer.main.get_command(app), "tether") if name != "tether"}
    assert len(every) > 30
    missing = [name for name in every if f"`{name}" not in PAGE]
    for name, options in every.items():
        about = section(name.split()[1])
        lines = [line for line in about.splitlines() if f"`{name}" in line] if " " in name[7:] else [about]
        shared = [line for line in about.splitlines() if line.startswith("`list`")]
        text = "\n".join([*lines, *shared])
        missing += [f"{name} {option}" for option in options if not re.search(rf"{re.escape(option)}(?![\w-])", text)]
    assert missing == []


def test_every_command_of_a_talk_is_on_the_page() -> None:
    assert set(re.findall(r"^\| `(\\[a-z]+)", PAGE, flags=re.MULTILINE)) == set(COMMANDS)


def test_the_examples_are_commands_that_there_are() -> None:
    every = dict(commands(typer.main.get_command(app), "tether"))
    for block in re.findall(r"```\n(.*?)```", PAGE, flags=re.DOTALL):
        for example in re.findall(r"\btether ([a-z][^)\n]*)", block):
            words = example.split()
            name = next(known for known in (f"tether {' '.join(words[:2])}", f"tether {words[0]}") if known in every)
            options = re.findall(r"(?<![\w-])--?[a-z][\w-]*", re.sub(r"'[^']*'|\"[^\"]*\"", "", example))
            assert set(options) <= set(every[name]), example
