"""One attempt at a download: ask for what is missing, check the answer, and add what comes to the part."""

from __future__ import annotations

import re
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx2

from tether_desktop.errors import InstallError
from tether_desktop.model.fetch import faults
from tether_desktop.model.fetch.address import check_redirect, same_origin
from tether_desktop.model.fetch.faults import Interrupted
from tether_desktop.model.fetch.part_file import PartFile
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.settled import settled

_MOST_REDIRECTS = 5
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
PASSING = frozenset((408, 421, 425, 429, 500, 502, 503, 504, 507, 508, 520, 521, 522, 523, 524, 529))
_LENGTH = re.compile(r"\d{1,19}", re.ASCII)
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)")
_UNSATISFIED = re.compile(r"bytes \*/(\d{1,18})")
_BUFFER = 1 << 20
_REPORT_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Download:
    """A file to fetch.

    Attributes:
        url: checked, see :func:`check_address`.
        size: bytes it must have, where they are known.
        headers: sent to the address itself, and to nobody it leads on to.
    """

    url: httpx2.URL
    size: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


class Attempt:
    """One attempt; makes the part longer, however it ends."""

    def __init__(
        self, download: Download, part: PartFile, patience: Patience, on_size: Callable[[int, int | None], None]
    ) -> None:
        """Prepare.

        Args:
            download: what to fetch.
            part: what is there of it.
            patience: with a connection that brings nothing or next to nothing.
            on_size: gets the bytes on the disk and their total.
        """
        self._download = download
        self._part = part
        self._patience = patience
        self._on_size = on_size

    async def run(self, client: httpx2.AsyncClient) -> None:
        """Fetch what is missing.

        Raises:
            Interrupted: another attempt may help.
            InstallError: none will.
        """
        try:
            async with self._answer(client) as answer:
                if await self._begin(answer):
                    await self._receive(answer)
        except httpx2.HTTPError as error:
            raise interruption(error) from error
        await self._check_end()

    @asynccontextmanager
    async def _answer(self, client: httpx2.AsyncClient) -> AsyncIterator[httpx2.Response]:
        """The answer of whoever has the file, at the end of all redirects."""
        url = self._download.url
        for _ in range(_MOST_REDIRECTS + 1):
            own = self._download.headers if same_origin(url, self._download.url) else {}
            async with client.stream("GET", url, headers={**own, **self._range()}) as answer:
                location = answer.headers.get("Location", "")
                if answer.status_code not in _REDIRECTS or not location:
                    yield answer
                    return
            url = check_redirect(url, location)
        raise InstallError(faults.TITLE, f"{self._download.url.host} leads in circles.", "Check the address.")

    def _range(self) -> dict[str, str]:
        """The headers that ask for the rest alone."""
        if not self._part.resumable:
            return {}
        headers = {"Range": f"bytes={self._part.size}-"}
        # A known checksum says better than any validator whether the parts belong together, and networks of
        # servers do not agree about their validators.
        return headers if self._part.checked else {**headers, "If-Range": self._part.validator}

    async def _begin(self, answer: httpx2.Response) -> bool:
        """Make the part ready for what comes; False when nothing is missing any more."""
        host, status = answer.url.host, answer.status_code
        if status == 416:
            return await self._past_the_end(answer)
        if status in PASSING:
            raise Interrupted(f"the server has a problem (HTTP {status})", _asked_wait(answer))
        if status not in (200, 206):
            raise faults.refused(host, status)
        if "text/html" in answer.headers.get("Content-Type", "").lower():
            raise faults.web_page(host)
        if (encoding := answer.headers.get("Content-Encoding", "identity").lower()) != "identity":
            raise faults.encoded(host, encoding)
        total = await self._take_up(answer)
        self._check_total(total)
        await settled(self._part.describe, total, _validator(answer) or self._part.validator)
        return True

    async def _take_up(self, answer: httpx2.Response) -> int | None:
        """Where the answer begins is where the part ends; the file's total length, if the server says it."""
        if answer.status_code == 206:
            return await self._take_up_range(answer)
        if self._part.size:
            await settled(self._part.restart)
        length = answer.headers.get("Content-Length", "")
        return int(length) if _LENGTH.fullmatch(length) else None

    async def _take_up_range(self, answer: httpx2.Response) -> int | None:
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("Content-Range", ""))
        total = int(found[3]) if found and found[3] != "*" else None
        changed = total is not None and self._part.total not in (None, total)
        if not found or int(found[1]) != self._part.size or changed:
            await settled(self._part.restart)
            raise Interrupted("the server does not continue where the download stopped")
        return total if total is not None else self._part.total

    async def _past_the_end(self, answer: httpx2.Response) -> bool:
        """There is nothing after what we have: it is complete, or not what the server has."""
        found = _UNSATISFIED.fullmatch(answer.headers.get("Content-Range", ""))
        if found and self._part.size and int(found[1]) == self._part.size:
            return False
        await settled(self._part.restart)
        raise Interrupted("the server does not continue where the download stopped")

    def _check_total(self, total: int | None) -> None:
        if total is not None and self._download.size is not None and total != self._download.size:
            self._part.discard()
            raise faults.wrong_size(self._part.target.name, total, self._download.size)

    async def _receive(self, answer: httpx2.Response) -> None:
        """Write what comes by the megabyte, or as often as somebody wants to see that it comes."""
        pace = _Pace(self._patience)
        buffer, written = bytearray(), self._patience.now()
        self._report()
        try:
            async for chunk in answer.aiter_raw():
                buffer += chunk
                self._check_length(len(buffer))
                if len(buffer) >= _BUFFER or self._patience.now() - written >= _REPORT_SECONDS:
                    taken, buffer = bytes(buffer), bytearray()
                    await settled(self._part.write, taken)
                    written = self._patience.now()
                    self._report()
                pace.check(len(chunk))
        finally:
            # Not in a thread: a cancelled task must not wait, and this is a megabyte at most.
            if buffer and not self._part.closed:
                self._part.write(bytes(buffer))
        self._report()

    def _check_length(self, coming: int) -> None:
        limit = self._download.size if self._download.size is not None else self._part.total
        if limit is not None and self._part.size + coming > limit:
            self._part.discard()
            raise faults.wrong_size(self._part.target.name, self._part.size + coming, limit)

    async def _check_end(self) -> None:
        part = self._part
        if part.total is not None and part.size < part.total:
            raise Interrupted("the server ended the connection early")
        expected = self._download.size
        if expected is not None and part.size != expected:
            await settled(part.discard)
            raise faults.wrong_size(part.target.name, part.size, expected)

    def _report(self) -> None:
        self._on_size(self._part.size, self._part.total)


class _Pace:
    """Notices a connection that is kept alive by a trickle."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._start = patience.now()
        self._bytes = 0

    def check(self, count: int) -> None:
        self._bytes += count
        now = self._patience.now()
        if now - self._start < self._patience.pace_seconds:
            return
        if self._bytes < self._patience.pace_bytes:
            raise Interrupted("next to nothing comes from the server")
        self._start, self._bytes = now, 0


def _validator(answer: httpx2.Response) -> str:
    """What the server will know this version of the file by: a strong ETag, or else its date."""
    etag = str(answer.headers.get("ETag", ""))
    return etag if etag.startswith('"') else str(answer.headers.get("Last-Modified", ""))


def _asked_wait(answer: httpx2.Response) -> float:
    wait = answer.headers.get("Retry-After", "")
    return float(wait) if wait.isdecimal() and len(wait) < 6 else 0.0


def interruption(error: httpx2.HTTPError) -> Interrupted | InstallError:
    """What an error of the HTTP library means to us."""
    if _cause(error, ssl.SSLCertVerificationError):
        message = "The server cannot prove that it is the one it should be: its certificate is not trusted."
        hint = "Check the date of this computer, and the proxy or virus scanner that may stand in between."
        return InstallError(faults.TITLE, message, hint)
    if isinstance(error, httpx2.TimeoutException):
        return Interrupted("the server does not answer")
    if isinstance(error, httpx2.ConnectError):
        return Interrupted("the server cannot be reached", unreached=True)
    if isinstance(error, httpx2.ProxyError):
        return Interrupted("the proxy does not let us through")
    if isinstance(error, httpx2.RemoteProtocolError):
        return Interrupted("the server ended the connection early")
    return Interrupted("the connection broke")


def _cause(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
