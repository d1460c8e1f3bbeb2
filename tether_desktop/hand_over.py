"""Hands a start over to the window that runs already; only the standard library, since every start comes by here.

What is said is one line of JSON, and "ok" comes back: ``{"do": "raise" | "quick" | "open", "files": […], "token": …}``.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from tether_desktop import paths

Deed = Literal["raise", "quick", "open"]

OK = b"ok\n"
LONGEST = 65_536
"""Bytes of the longest request."""

_TIMEOUT_S = 2.0
_ANYBODY = -1
"""Windows' ASFW_ANY: whoever runs may come to the front."""


@dataclass(frozen=True, slots=True)
class Request:
    """What another start asks of the window that runs.

    Attributes:
        do: come to the front, show the quick window, or open files.
        files: which ones, absolute.
        token: what the desktop has given the other start, without which Wayland lets no window come to the front.
    """

    do: Deed = "raise"
    files: tuple[str, ...] = ()
    token: str = ""


def write_request(request: Request) -> bytes:
    """The line that says so."""
    return json.dumps(asdict(request)).encode() + b"\n"


def read_request(line: bytes) -> Request | None:
    """What a line asks for; None when it is none of ours."""
    try:
        said: Any = json.loads(line)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("do") not in {"raise", "quick", "open"}:
        return None
    files, token = said.get("files", []), said.get("token", "")
    if not isinstance(files, list) or not all(isinstance(word, str) for word in (token, *files)):
        return None
    return Request(said["do"], tuple(files), token)


def address() -> str:
    """Where the window listens: a socket's path, or a pipe's on Windows; one for each user and data folder."""
    owner = os.environ.get("USERNAME", "") if sys.platform == "win32" else str(os.getuid())
    whose = "\n".join((owner, str(paths.data_dir())))
    name = f"tether-{sha256(whose.encode()).hexdigest()[:20]}"
    return rf"\\.\pipe\{name}" if sys.platform == "win32" else str(_socket_folder() / f"{name}.sock")


def _socket_folder() -> Path:
    """A folder for sockets: the user's own where the desktop has one, else that of temporary files."""
    given = os.environ.get("XDG_RUNTIME_DIR", "")
    if given and Path(given).is_dir():
        return Path(given)
    import tempfile

    return Path(tempfile.gettempdir())


def hand_over(request: Request) -> bool:
    """Let the window that runs do it; False when there is none, and this start is the first."""
    try:
        return _say_to_pipe(request) if sys.platform == "win32" else _say_to_socket(request)
    except OSError:  # nobody listens there, or not any more: what is left is a socket of a program that was killed
        return False


def _say_to_socket(request: Request) -> bool:
    # Asked for at every start, and nearly always not there: nothing more is imported then.
    if Path(address()).lstat().st_uid != os.getuid():
        return False
    import socket

    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT_S)
        connection.connect(address())
        connection.sendall(write_request(request))
        return connection.recv(len(OK)) == OK


def _say_to_pipe(request: Request) -> bool:
    with Path(address()).open("r+b", buffering=0) as pipe:
        import ctypes

        ctypes.windll.user32.AllowSetForegroundWindow(_ANYBODY)  # type: ignore[attr-defined]
        pipe.write(write_request(request))
        return pipe.read(len(OK)) == OK


def request_of(arguments: list[str]) -> Request | None:
    """What a start with these arguments asks for; None when they are not the window's."""
    token = os.environ.get("XDG_ACTIVATION_TOKEN", "")
    match arguments:
        case []:
            return Request(token=token)
        case ["--quick"]:
            return Request("quick", token=token)
        case [*names] if all(is_openable(name) for name in names):
            return Request("open", tuple(str(_path(name)) for name in names), token)
        case _:
            return None


def is_openable(name: str) -> bool:
    """Whether this names a file that the window opens: a model, or saved conversations."""
    return name.casefold().endswith((".gguf", ".json", ".zip")) and _path(name).is_file()


def _path(name: str) -> Path:
    """The file that an argument means: a path, or an address of this computer as some desktops give."""
    if not name.casefold().startswith("file:"):
        return Path(name).absolute()
    from urllib.parse import urlsplit
    from urllib.request import url2pathname

    return Path(url2pathname(urlsplit(name).path))
