"""The tokens that open the local port, kept in tokens.json: the owner's own one, and named ones as checksums."""

from __future__ import annotations

import hmac
import logging
import os
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from tether_desktop import paths
from tether_desktop.errors import SettingsError
from tether_desktop.protocol.api.gates.token_file import (
    NO_TOKENS,
    NamedToken,
    OwnToken,
    Scope,
    Written,
    format_file,
    parse,
)

logger = logging.getLogger(__name__)

_LOCK_S = 10.0
_PREFIX = "tether_"
"""Lets people, and tools that look for leaked secrets, see what such a text is."""
_RANDOM_BYTES = 32
_NAME = re.compile(r"[\w.@-][\w .@-]{0,62}(?<! )")
_Mark = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who makes a request.

    Attributes:
        name: of the token; empty for the owner's own one.
        scope: "chat" may talk, "manage" may do everything.
    """

    name: str
    scope: Scope


class Tokens:
    """The file and what it says; for use from any thread and by several processes at once.

    What another process changes holds from the next check on.

    Attributes:
        problem: why the file could not be read, and what became of it; None where it could.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.problem: SettingsError | None = None
        self._mark: _Mark | None = None
        self._bearers: tuple[tuple[bytes, Bearer], ...] = ()

    def own(self) -> str:
        """The owner's own token, which may do everything; made when there is none.

        Raises:
            SettingsError: the file cannot be read or written.
        """
        found = self._safely(self._read).own
        return found.token if found else self._made_own(lambda own: own or _new_own())

    def renew(self) -> str:
        """Replace the own token; the old one opens nothing any more.

        Raises:
            SettingsError: the file cannot be written.
        """
        return self._made_own(lambda _: _new_own())

    def add(self, name: str, scope: Scope) -> str:
        """A further token, which can be shown only now.

        Raises:
            SettingsError: the name is taken or is none, or the file cannot be written.
        """
        if not _NAME.fullmatch(name):
            allowed = "A name has up to 64 letters, digits, spaces and . @ _ -"
            raise SettingsError("The token cannot be made", f"{name!r} is no name for it.", f"{allowed}.")
        token = _new_token()
        added = NamedToken(name, scope, _checksum(token).hex(), _now())

        def change(written: Written) -> Written:
            if any(each.name == name for each in written.named):
                hint = f"Choose another name, or first revoke it: tether token revoke {name}"
                raise SettingsError("The token cannot be made", f"There is a token {name!r} already.", hint)
            return replace(written, named=(*written.named, added))

        self._change(change)
        return token

    def named(self) -> tuple[NamedToken, ...]:
        """The further tokens, oldest first.

        Raises:
            SettingsError: the file cannot be read.
        """
        return self._safely(self._read).named

    def revoke(self, name: str) -> None:
        """Let a further token open nothing any more.

        Raises:
            SettingsError: there is no such token, or the file cannot be written.
        """

        def change(written: Written) -> Written:
            kept = tuple(each for each in written.named if each.name != name)
            if len(kept) == len(written.named):
                hint = "`tether token list` shows all names; `tether token renew` replaces your own one."
                raise SettingsError("There is no such token", f"No token is named {name!r}.", hint)
            return replace(written, named=kept)

        self._change(change)

    def bearer(self, token: str) -> Bearer | None:
        """Whose token this is; takes as long whichever it is, and none where the file cannot be read."""
        given = _checksum(token)
        found = None
        for checksum, bearer in self._known():
            if hmac.compare_digest(checksum, given):
                found = bearer
        return found

    def _known(self) -> tuple[tuple[bytes, Bearer], ...]:
        """The checksums of all tokens, read again only after the file has changed."""
        mark = _mark(self.path)
        if mark != self._mark:
            self._bearers = self._bearers_of_file()
            self._mark = mark
        return self._bearers

    def _bearers_of_file(self) -> tuple[tuple[bytes, Bearer], ...]:
        try:
            written = parse(self.path)
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("No token opens the local port: %s cannot be read: %s", self.path, error)
            return ()
        own = [(_checksum(written.own.token), Bearer("", "manage"))] if written.own else []
        return (*own, *((bytes.fromhex(each.sha256), Bearer(each.name, each.scope)) for each in written.named))

    def _made_own(self, make: Callable[[OwnToken | None], OwnToken]) -> str:
        changed = self._change(lambda written: replace(written, own=make(written.own)))
        return changed.own.token if changed.own else ""

    def _change(self, change: Callable[[Written], Written]) -> Written:
        def locked() -> Written:
            paths.make_private_folder(self.path.parent)
            with FileLock(self.path.with_suffix(".lock"), timeout=_LOCK_S):
                # Read again: the window and the terminal may both be open.
                changed = change(self._read_or_set_aside())
                paths.write_private(self.path, format_file(changed))
            return changed

        return self._safely(locked)

    def _safely(self, work: Callable[[], Written]) -> Written:
        try:
            return work()
        except (OSError, Timeout) as error:
            hint = "Allow reading and writing the file and its folder, and check that the disk has room."
            reason = getattr(error, "strerror", None) or error
            raise SettingsError("The tokens cannot be used", f"{self.path}: {reason}.", hint) from error

    def _read(self) -> Written:
        """What the file says; nothing where it is damaged, so that a change follows, which sets it aside."""
        try:
            return parse(self.path)
        except (FileNotFoundError, ValueError, RecursionError):
            return NO_TOKENS

    def _read_or_set_aside(self) -> Written:
        try:
            return parse(self.path)
        except FileNotFoundError:
            return NO_TOKENS
        except (ValueError, RecursionError) as error:
            kept = self.path.with_name(f"{self.path.stem}-damaged-{_now():%Y%m%dT%H%M%SZ}{self.path.suffix}")
            self.path.replace(kept)
            hint = f"It was kept as {kept.name}. Your own token is a new one; make the others anew."
            self.problem = SettingsError("The tokens cannot be read", f"{self.path} is damaged: {error}.", hint)
            logger.warning("%s", self.problem)
            return NO_TOKENS


def _mark(path: Path) -> _Mark | None:
    """What differs once a file has been replaced."""
    try:
        status = os.stat(path)  # noqa: PTH116  (asked at each request; a third of the time)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _new_own() -> OwnToken:
    return OwnToken(_new_token(), _now())


def _new_token() -> str:
    return _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)


def _checksum(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _now() -> datetime:
    return datetime.now(UTC)
