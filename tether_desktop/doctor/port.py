"""The local port: where it is open, or what stands in its way, and the tokens that open it."""

from __future__ import annotations

import stat
import sys

from tether_desktop import paths
from tether_desktop.doctor.finding import Finding
from tether_desktop.errors import PortError
from tether_desktop.protocol.api.gates.token_file import parse
from tether_desktop.protocol.api.port.binding import find_address, listen
from tether_desktop.protocol.api.port.open_port import find_open_port
from tether_desktop.settings import Settings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_RENEW = "`tether token renew` makes a new one for its owner alone; the old one opens nothing then."


def look_at_port(settings: Settings) -> Finding:
    """Where it is open, else whether it could be."""
    opened = find_open_port()
    if opened is not None:
        return Finding("local port", "ok", f"open at {opened.url}, by process {opened.pid}")
    place = f"{settings.host}:{settings.port}"
    try:
        address = find_address(settings.host)
        if not address.is_local and settings.lan_access != "on":
            message = f"Other computers could reach {place}, and access from the network is off."
            return Finding("local port", "warn", message, "Set MLC_HOST to 127.0.0.1, or TETHER_LAN_ACCESS to on.")
        listen(address, settings.port).close()
    except PortError as error:
        return Finding("local port", "warn", error.message, error.hint)
    return Finding("local port", "ok", f"closed; {place if settings.port else settings.host} is free")


def look_at_tokens() -> Finding:
    """Whether there are any, and whether they are their owner's alone."""
    path = paths.tokens_path()
    try:
        written = parse(path)
        mode = path.stat().st_mode
    except FileNotFoundError:
        return Finding("tokens", "ok", "none yet; the local port makes one when it is first opened")
    except OSError as error:
        return Finding("tokens", "warn", f"{path} cannot be read: {error.strerror or error}.", "Make it readable.")
    except (ValueError, RecursionError) as error:
        return Finding("tokens", "warn", f"{path} is damaged: {error}.", "`tether token` makes a new one.")
    if sys.platform != "win32" and mode & _OTHERS:
        return Finding("tokens", "warn", f"Other users of this computer may read {path}.", f"Run chmod 600. {_RENEW}")
    own = "your own" if written.own else "none of your own"
    return Finding("tokens", "ok", f"{own}, and {len(written.named)} more")
