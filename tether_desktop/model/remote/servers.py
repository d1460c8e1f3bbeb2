"""The servers a person has added, in a file that holds no secret."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.errors import SettingsError
from tether_desktop.model.remote.address import check_url, host_of

DEFAULT_CONTEXT_WINDOW = 8192

_FILE_NAME = "servers.json"
_FORMAT = 1
_LARGEST_FILE = 4 << 20
_LOCK_S = 10.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
_WINDOWS = range(64, 100_000_001)
_UNSAVED = "The servers cannot be saved"
_UNREAD = "The list of servers cannot be read"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs models elsewhere.

    Attributes:
        name: what people call it; its models are listed as "name/model".
        url: of its API, without a slash at the end.
        context_window: tokens to count on where the server does not tell.
        models: those to list; empty lists all it has.
        keyed: whether a key for it is in the system's keyring.
        insecure_http: whether the person allowed plain http to it.
    """

    name: str
    url: str
    context_window: int = DEFAULT_CONTEXT_WINDOW
    models: tuple[str, ...] = ()
    keyed: bool = False
    insecure_http: bool = False

    @property
    def key_variable(self) -> str:
        """The environment variable that goes before the keyring."""
        return "TETHER_KEY_" + re.sub(r"[^A-Z0-9]", "_", self.name.upper())

    @property
    def host(self) -> str:
        """For people: the host, with its port where it has one."""
        return host_of(self.url)


def servers_path() -> Path:
    """The file with the list."""
    return paths.data_dir() / _FILE_NAME


def read_servers() -> tuple[Server, ...]:
    """The servers in the order in which they were added.

    Raises:
        SettingsError: the file cannot be read or is damaged.
    """
    path = servers_path()
    try:
        return _parse(_read(path))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise SettingsError(_UNREAD, f"{path}: {error.strerror or error}.", "Allow reading the file.") from error
    except (ValueError, RecursionError, SettingsError) as error:
        reason = error.message if isinstance(error, SettingsError) else f"{error}."
        raise SettingsError(_UNREAD, f"{path} is damaged: {reason}", "Correct the file, or remove it.") from error


def get_server(name: str) -> Server:
    """The server of that name.

    Raises:
        SettingsError: there is none, or the file cannot be read.
    """
    servers = read_servers()
    for server in servers:
        if server.name == name:
            return server
    there = f"There are: {', '.join(server.name for server in servers)}." if servers else "There are none yet."
    hint = "Choose one of these, or add it with `tether servers add`."
    raise SettingsError("There is no such server", f"No server is called {name!r}. {there}", hint)


def check_server(server: Server) -> Server:
    """The server as it would be saved, with its address made whole.

    Raises:
        SettingsError: a value cannot be used, or the file cannot be read.
    """
    checked = _checked(server)
    _with(read_servers(), checked)
    return checked


def save_server(server: Server) -> None:
    """Add a server that was checked, or change the one of that name.

    Raises:
        SettingsError: a value cannot be used, or the file cannot be read or written; nothing has changed then.
    """
    _change(lambda servers: _with(servers, _checked(server)))


def remove_server(name: str) -> Server:
    """Forget a server, and which one that was.

    Raises:
        SettingsError: there is none of that name, or the file cannot be read or written.
    """
    server = get_server(name)
    _change(lambda servers: [each for each in servers if each.name != name])
    return server


def _change(change: Callable[[Sequence[Server]], Sequence[Server]]) -> None:
    path = servers_path()
    try:
        paths.make_private_folder(path.parent)
        with FileLock(path.with_suffix(".lock"), timeout=_LOCK_S):
            servers = change(read_servers())
            document = {"format": _FORMAT, "servers": [asdict(server) for server in servers]}
            paths.write_private(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except (OSError, Timeout) as error:
        reason = getattr(error, "strerror", None) or error
        hint = "Allow writing to the file and its folder, and check that the disk has room."
        raise SettingsError(_UNSAVED, f"{path}: {reason}.", hint) from error


def _with(servers: Sequence[Server], new: Server) -> list[Server]:
    others = [server for server in servers if server.name != new.name]
    alike = next((server for server in others if server.key_variable == new.key_variable), None)
    if alike is not None:
        message = f"{new.name} and {alike.name} would take their keys from the same variable, {new.key_variable}."
        raise SettingsError("The server cannot be used", message, "Choose another name.")
    if len(others) == len(servers):
        return [*servers, new]
    return [new if server.name == new.name else server for server in servers]


def _checked(server: Server) -> Server:
    title = "The server cannot be used"
    if not _NAME.fullmatch(server.name):
        message = f"{server.name[:80]!a} cannot be the name of a server."
        raise SettingsError(title, message, "Use up to 40 letters, digits, dots, hyphens and underscores.")
    if server.context_window not in _WINDOWS:
        message = f"{server.context_window:,} tokens cannot be the context window of {server.name}."
        raise SettingsError(title, message, f"Give a number from {_WINDOWS[0]} to {_WINDOWS[-1]:,}.")
    if any(not model.strip() or not model.isprintable() or len(model) > 200 for model in server.models):
        raise SettingsError(
            title, f"{server.name} cannot have a model without a printable name.", "Correct its models."
        )
    return replace(server, url=check_url(server.url, insecure_http=server.insecure_http))


def _read(path: Path) -> object:
    if path.stat().st_size > _LARGEST_FILE:
        raise ValueError("it is too large")
    document: object = json.loads(path.read_bytes())
    return document


def _parse(document: object) -> tuple[Server, ...]:
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ValueError("it is of another format")
    listed = document.get("servers")
    if not isinstance(listed, list):
        raise ValueError("it holds no list of servers")  # noqa: TRY004  (a file's content, not an argument)
    servers: list[Server] = []
    for each in listed:
        servers = _with(servers, _checked(_server(each)))
    return tuple(servers)


def _server(fields: object) -> Server:
    """A server as it stands in the file; keys of other versions are left out."""
    if not isinstance(fields, dict):
        raise ValueError("a server is no object")  # noqa: TRY004  (a file's content, not an argument)
    kinds = {"name": str, "url": str, "context_window": int, "keyed": bool, "insecure_http": bool}
    given = {name: fields[name] for name in kinds if name in fields}
    models = fields.get("models", [])
    wrong = [name for name, value in given.items() if type(value) is not kinds[name]]
    if not isinstance(models, list) or not all(isinstance(model, str) for model in models):
        wrong.append("models")
    if wrong or not {"name", "url"} <= given.keys():
        raise ValueError(f"a server has no usable {wrong[0] if wrong else 'name or url'}")
    return Server(**given, models=tuple(models))
