"""One entry of the file of servers, read as the usual programs write it, and what exactly it would start."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_LONGEST_COMMAND = 8000
_LONGEST_NAME = 100
_URL_KEYS = ("url", "serverUrl", "httpUrl")
_HTTP_KINDS = frozenset(("http", "streamable-http", "streamablehttp", "streamable_http"))
_TIMEOUTS_S = (1.0, 3600.0)
_PLACEHOLDER = re.compile(
    r"\$\{(?:(?P<source>env:)?(?P<name>[A-Za-z_]\w*)(?::-(?P<default>[^}]*))?|(?P<other>[^}]*))\}"
)
_HOMES = frozenset(("userHome", "HOME"))
_OURS = ("TETHER_", "MLC_")


class SpecError(Exception):
    """An entry of the file cannot be used: what is wrong, and what to do."""

    def __init__(self, problem: str, hint: str = "Correct its entry in mcp.json.") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Program:
    """A server that is started here and speaks over its pipes.

    Attributes:
        variables: name and value of each environment variable that the file sets, by name.
        folder: where it is started; empty for the person's home.
    """

    command: str
    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()
    folder: str = ""


@dataclass(frozen=True, slots=True)
class Address:
    """A server that runs elsewhere and speaks streamable HTTP; ``variables`` are the headers it is sent."""

    url: str
    variables: tuple[tuple[str, str], ...] = ()


Launch = Program | Address


@dataclass(frozen=True, slots=True)
class ServerSpec:
    """An entry of the file.

    Attributes:
        launch: what to start or to connect to; None where the entry cannot be used, for the reason in ``problem``.
        timeout_s: seconds a call may take; None for the setting's.
    """

    name: str
    launch: Launch | None
    enabled: bool = True
    timeout_s: float | None = None
    problem: str = ""
    hint: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything that decides what would run, the values of variables included."""
        launch = self.launch
        if isinstance(launch, Program):
            parts: list[Any] = ["program", launch.command, launch.arguments, launch.variables, launch.folder]
        else:
            parts = ["address", launch.url, launch.variables] if launch else []
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def command_line(self) -> str:
        """What would be started, quoted as a terminal wants it, every invisible character written out."""
        if isinstance(self.launch, Program):
            words = [self.launch.command, *self.launch.arguments]
            return visible(subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words))
        return visible(self.launch.url) if self.launch else ""

    @property
    def variables(self) -> tuple[str, ...]:
        """Names of the variables or headers that the file sets."""
        return tuple(visible(name) for name, _ in self.launch.variables) if self.launch else ()

    @property
    def folder(self) -> str:
        """Where the program is started, where the file says so."""
        return visible(self.launch.folder) if isinstance(self.launch, Program) else ""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that must not be shown or logged."""
        return tuple(value for _, value in self.launch.variables) if self.launch else ()


def visible(text: str) -> str:
    """The text with everything that cannot be seen, or turns the direction of writing, written as an escape."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def parse_spec(name: str, entry: object, environment: Mapping[str, str] = os.environ) -> ServerSpec:
    """Read an entry; one that cannot be used keeps its place in the list, with the reason."""
    try:
        _check_name(name)
        values = _expanded(entry, environment)
        return ServerSpec(name, _launch(values), _enabled(entry), _timeout(values.get("timeout")))
    except SpecError as error:
        return ServerSpec(name, None, _enabled(entry), problem=error.problem, hint=error.hint)


def is_loopback(url: str) -> bool:
    """Whether an address is on this computer, as its name alone tells."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_EXPANDED = frozenset(("command", "args", "env", "cwd", "headers", *_URL_KEYS))


def _check_name(name: str) -> None:
    if not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise SpecError(f"Its name must have 1 to {_LONGEST_NAME} printable characters.")


def _enabled(entry: object) -> bool:
    return isinstance(entry, dict) and entry.get("disabled") is not True and entry.get("enabled") is not False


def _launch(entry: dict[str, Any]) -> Launch:
    url = next((entry[key] for key in _URL_KEYS if entry.get(key)), None)
    kind = entry.get("type") or entry.get("transport") or ("http" if url else "stdio")
    if not isinstance(kind, str):
        raise SpecError("Its type is no text.")
    if kind.lower() in _HTTP_KINDS:
        return _address(url, entry)
    if kind.lower() == "stdio":
        return _program(entry)
    if kind.lower() == "sse":
        raise SpecError(
            "It uses the old SSE transport, which is not supported.", 'Use its streamable HTTP address with "http".'
        )
    raise SpecError(f"{kind[:40]!a} is no type of server.", 'Use "stdio" or "http".')


def _program(entry: dict[str, Any]) -> Program:
    if entry.get("envFile"):
        raise SpecError("An envFile is not read.", 'Write the variables under "env".')
    command, arguments = _words(entry)
    folder = entry.get("cwd") or ""
    if not isinstance(folder, str):
        raise SpecError("Its cwd is no text.")
    if sum(map(len, (command, *arguments, folder))) > _LONGEST_COMMAND:
        raise SpecError(f"Its command is longer than {_LONGEST_COMMAND:,} characters.", "Put it into a script.")
    program = Program(command, arguments, _pairs(entry.get("env"), "env"), folder)
    if any("\0" in text for text in (command, *arguments, folder, *sum(program.variables, ()))):
        raise SpecError("Its entry has a NUL character in it.")
    return program


def _words(entry: dict[str, Any]) -> tuple[str, tuple[str, ...]]:
    command, arguments = entry.get("command"), entry.get("args")
    words = [*(command if isinstance(command, list) else [command]), *([] if arguments is None else _list(arguments))]
    if not words or not isinstance(words[0], str) or not words[0].strip():
        raise SpecError('It has neither a "command" nor a "url".')
    if not all(isinstance(word, str | int | float) for word in words):
        raise SpecError("Its args are not all texts.")
    return words[0], tuple(str(word) for word in words[1:])


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise SpecError("Its args are no list.")
    return value


def _address(url: object, entry: dict[str, Any]) -> Address:
    if not isinstance(url, str):
        raise SpecError('It has no "url".')
    _check_url(url)
    headers = _pairs(entry.get("headers"), "headers")
    for name, value in headers:
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) or not value.isascii() or not value.isprintable():
            raise SpecError(f"The header {name[:40]!a} cannot be sent.")
    return Address(url, headers)


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or len(url) > 2000 or not url.isprintable() or not url.isascii() or " " in url:
        raise SpecError(f"{url[:80]!a} is not the address of a server.", "Give it like https://example.org/mcp.")
    if parts.username is not None or parts.password is not None:
        raise SpecError("Its address has a user or a password in it.", 'Give them as a header under "headers".')
    if parts.scheme == "http" and not is_loopback(url):
        message = f"http://{parts.hostname} is not encrypted: anyone on the way could read and change what is said."
        raise SpecError(message, "Use https://; plain http is for servers on this computer.")


def _pairs(value: object, key: str) -> tuple[tuple[str, str], ...]:
    if value is None:
        return ()
    if not isinstance(value, dict):
        raise SpecError(f"Its {key} is no JSON object.")
    for name, each in value.items():
        if not name or "=" in name or not isinstance(each, str | int | float | None):
            raise SpecError(f"{name[:40]!a} under {key} is no name with a text.")
    texts = {
        name: json.dumps(each) if isinstance(each, bool) else str(each)
        for name, each in value.items()
        if each is not None
    }
    return tuple(sorted(texts.items()))


def _timeout(value: object) -> float | None:
    if value is None:
        return None
    shortest, longest = _TIMEOUTS_S
    if isinstance(value, bool) or not isinstance(value, int | float) or not shortest <= value <= longest:
        raise SpecError(f"Its timeout is no number of seconds from {shortest:.0f} to {longest:.0f}.")
    return float(value)


def _expanded(entry: object, environment: Mapping[str, str]) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise SpecError("Its entry is no JSON object.")
    return {key: _expand(value, environment) if key in _EXPANDED else value for key, value in entry.items()}


def _expand(value: Any, environment: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: _filled(found, environment), value)
    if isinstance(value, list):
        return [_expand(each, environment) for each in value]
    if isinstance(value, dict):
        return {name: _expand(each, environment) for name, each in value.items()}
    return value


def _filled(found: re.Match[str], environment: Mapping[str, str]) -> str:
    name = found["name"]
    if name is None:
        raise SpecError(f"{found[0][:60]!a} is filled in by another program.", "Write its value in its place.")
    if name in _HOMES:
        return str(Path.home())
    if name.upper().startswith(_OURS):
        raise SpecError(f"{name} is Tether's own and is given to no server.")
    filled = environment.get(name, found["default"])
    if filled is None:
        raise SpecError(f"The environment variable {name} is not set.", "Set it, or write its value in its place.")
    return filled
