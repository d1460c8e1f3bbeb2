"""Downloads from a server that drops, lies, changes, stalls and redirects."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

import tether_desktop
from tests.helpers.clock import VirtualClock
from tests.helpers.file_server import FileServer, ServedFile
from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress
from tether_desktop.model.fetch.url import discard, fetch_url

CONTENT = bytes(range(256)) * 40
OTHER = CONTENT[::-1]
Fetch = Callable[..., "asyncio.Future[Path]"]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def file(server: FileServer) -> ServedFile:
    """The file at /models/tiny.gguf."""
    server.add("/models/tiny.gguf", file := ServedFile(CONTENT))
    return file


@pytest.fixture
def url(server: FileServer, file: ServedFile) -> str:
    return server.url("/models/tiny.gguf")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def fetch(url: str, folder: Path, patience: Patience) -> Fetch:
    """Fetch the file, with what a test changes about it."""

    async def run(address: str = url, **changes: object) -> Path:
        options = {"on_progress": lambda _: None, "patience": patience, **changes}
        return await fetch_url(address, folder, **options)  # type: ignore[arg-type]

    return run  # type: ignore[return-value]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


async def begin(fetch: Fetch, file: ServedFile, size: int = 5000) -> None:
    """Fetch so much of it that a later call can continue."""
    file.drops = [size, *[0] * 3]
    with pytest.raises(InstallError):
        await fetch()
    file.drops = []


async def test_a_file_lands_complete_under_the_name_in_its_address(fetch: Fetch, folder: Path) -> None:
    path = await fetch()
    assert path == folder / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert names(folder) == ["tiny.gguf"]


async def test_progress_grows_up_to_the_size_that_the_server_tells(fetch: Fetch) -> None:
    seen: list[FetchProgress] = []
    await fetch(on_progress=seen.append)
    assert seen[-1] == FetchProgress(len(CONTENT), len(CONTENT), "tiny.gguf")
    assert [each.done_bytes for each in seen] == sorted(each.done_bytes for each in seen)


async def test_the_server_learns_nothing_but_the_program_and_its_version(fetch: Fetch, server: FileServer) -> None:
    await fetch()
    sent = {name.lower(): value for name, value in server.seen[0].headers.items()}
    assert sent.pop("user-agent") == f"Tether/{tether_desktop.__version__}"
    assert sent.pop("accept-encoding") == "identity"
    assert set(sent) == {"host", "accept", "connection"}


async def test_the_right_sha256_is_accepted_however_it_is_written(fetch: Fetch, file: ServedFile) -> None:
    assert (await fetch(sha256=f" {file.sha256.upper()}\n")).read_bytes() == CONTENT


async def test_a_wrong_sha256_is_told_and_nothing_is_left(fetch: Fetch, folder: Path) -> None:
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await fetch(sha256="0" * 64)
    assert names(folder) == []


async def test_what_is_no_sha256_is_told_before_anything_is_fetched(fetch: Fetch, server: FileServer) -> None:
    with pytest.raises(InstallError, match="64 hexadecimal digits"):
        await fetch(sha256="abc")
    assert server.seen == []


async def test_a_file_that_is_there_and_right_is_not_fetched_again(
    fetch: Fetch, file: ServedFile, server: FileServer
) -> None:
    await fetch(sha256=file.sha256)
    seen: list[FetchProgress] = []
    await fetch(sha256=file.sha256, on_progress=seen.append)
    assert len(server.seen) == 1
    assert seen == [FetchProgress(len(CONTENT), len(CONTENT), "tiny.gguf")]


async def test_a_file_that_is_there_and_wrong_is_replaced(fetch: Fetch, file: ServedFile, folder: Path) -> None:
    put(folder / "tiny.gguf", OTHER)
    assert (await fetch(sha256=file.sha256)).read_bytes() == CONTENT


async def test_an_empty_file_is_a_file(fetch: Fetch, file: ServedFile, folder: Path) -> None:
    file.content = b""
    assert (await fetch()).read_bytes() == b""
    assert names(folder) == ["tiny.gguf"]


@pytest.mark.parametrize("checked", [False, True])
async def test_dropped_connections_are_continued_where_they_stopped(
    fetch: Fetch, file: ServedFile, server: FileServer, *, checked: bool
) -> None:
    file.drops = [3000, 2000, 0]
    path = await fetch(sha256=file.sha256 if checked else None)
    assert path.read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=3000-", "bytes=5000-", "bytes=5000-"]


async def test_the_wait_before_each_retry_doubles(fetch: Fetch, file: ServedFile, clock: VirtualClock) -> None:
    file.drops = [10, 10, 10]
    await fetch()
    assert clock.time == 1 + 2 + 4


async def test_a_busy_server_is_asked_again_when_it_wants_to_be(
    fetch: Fetch, file: ServedFile, clock: VirtualClock
) -> None:
    file.statuses, file.headers = [503, 429], {"Retry-After": "20"}
    assert (await fetch()).read_bytes() == CONTENT
    assert clock.time == 40


async def test_no_server_makes_us_wait_longer_than_a_minute(
    fetch: Fetch, file: ServedFile, clock: VirtualClock
) -> None:
    file.statuses, file.headers = [503], {"Retry-After": "99999"}
    await fetch()
    assert clock.time == 60


async def test_retries_end_and_what_is_there_stays_for_the_next_time(
    fetch: Fetch, file: ServedFile, server: FileServer, folder: Path
) -> None:
    file.drops = [4000, 0, 0, 0]
    with pytest.raises(InstallError, match="ended the connection early") as failure:
        await fetch()
    assert "kept" in failure.value.hint
    assert names(folder) == ["tiny.gguf.part", "tiny.gguf.part.json"]
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=4000-"
    assert names(folder) == ["tiny.gguf"]


async def test_attempts_that_bring_enough_do_not_count(
    fetch: Fetch, file: ServedFile, patience: Patience, server: FileServer
) -> None:
    file.drops = [1000] * 9
    path = await fetch(patience=replace(patience, worthwhile_bytes=1000))
    assert path.read_bytes() == CONTENT
    assert len(server.seen) == 10


async def test_a_server_that_is_not_there_is_told(fetch: Fetch, folder: Path) -> None:
    with pytest.raises(InstallError, match="cannot be reached"):
        await fetch("http://127.0.0.1:1/tiny.gguf")
    assert names(folder) == []


async def test_a_length_that_is_too_long_ends_in_an_error_after_the_retries(
    fetch: Fetch, file: ServedFile, server: FileServer
) -> None:
    file.length, file.ranges = len(CONTENT) + 5, False
    with pytest.raises(InstallError, match="ended the connection early"):
        await fetch()
    assert len(server.seen) == 4


async def test_a_length_that_is_too_short_does_not_pass_the_checksum(
    fetch: Fetch, file: ServedFile, folder: Path
) -> None:
    file.length = 5000
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await fetch(sha256=file.sha256)
    assert names(folder) == []


@pytest.mark.parametrize("length", ["none", "chunked"])
async def test_a_server_may_tell_no_length(fetch: Fetch, file: ServedFile, length: str) -> None:
    file.length = length  # type: ignore[assignment]
    seen: list[FetchProgress] = []
    assert (await fetch(on_progress=seen.append)).read_bytes() == CONTENT
    assert seen[-1] == FetchProgress(len(CONTENT), None, "tiny.gguf")


async def test_chunks_that_stop_in_the_middle_are_continued(fetch: Fetch, file: ServedFile, server: FileServer) -> None:
    file.length, file.drops = "chunked", [6000]
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=6000-"]


async def test_an_absurd_length_is_told_before_a_byte_is_written(
    fetch: Fetch, file: ServedFile, server: FileServer, folder: Path
) -> None:
    file.length = 10**18
    with pytest.raises(InstallError, match=r"1,000,000\.00 TB more are needed"):
        await fetch()
    assert len(server.seen) == 1
    assert names(folder) == []


async def test_a_disk_that_fills_up_stops_a_file_without_length(
    fetch: Fetch, file: ServedFile, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.length = "none"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 1 << 40, 1000))
    with pytest.raises(InstallError, match="not enough space"):
        await fetch()
    assert names(folder) == []


async def test_a_folder_that_cannot_be_made_is_told(fetch: Fetch, folder: Path) -> None:
    put(folder, b"in the way")
    with pytest.raises(InstallError, match="cannot be written"):
        await fetch()
    assert names(folder.parent) == ["models"]


async def test_a_server_that_ignores_ranges_is_read_from_the_beginning(
    fetch: Fetch, file: ServedFile, server: FileServer
) -> None:
    file.ranges, file.drops = False, [3000]
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=3000-"]


async def test_a_file_that_changed_is_read_from_the_beginning(
    fetch: Fetch, file: ServedFile, server: FileServer
) -> None:
    await begin(fetch, file)
    file.content, file.etag = OTHER, '"two"'
    assert (await fetch()).read_bytes() == OTHER
    assert server.seen[-1].headers["If-Range"] == '"one"'


async def test_a_changed_file_whose_validator_lies_does_not_pass_the_checksum(
    fetch: Fetch, file: ServedFile, folder: Path
) -> None:
    await begin(fetch, file)
    file.content = OTHER + CONTENT
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await fetch(sha256=file.sha256[::-1])
    assert names(folder) == []


@pytest.mark.parametrize(("etag", "modified"), [("", "Mon, 02 Nov 2026 10:00:00 GMT"), ('W/"weak"', "")])
async def test_a_date_is_a_validator_and_a_weak_etag_is_none(
    fetch: Fetch, file: ServedFile, server: FileServer, etag: str, modified: str
) -> None:
    file.etag, file.modified, file.drops = etag, modified, [3000]
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=3000-" if modified else ""]


@pytest.mark.parametrize(("checked", "second"), [(False, ""), (True, "bytes=3000-")])
async def test_without_a_validator_only_a_known_checksum_lets_a_download_continue(
    fetch: Fetch, file: ServedFile, server: FileServer, *, checked: bool, second: str
) -> None:
    file.etag, file.drops = "", [3000]
    assert (await fetch(sha256=file.sha256 if checked else None)).read_bytes() == CONTENT
    assert server.ranges == ["", second]


async def test_a_complete_part_needs_only_the_word_of_the_server(
    fetch: Fetch, file: ServedFile, server: FileServer, folder: Path
) -> None:
    await begin(fetch, file)
    (folder / "tiny.gguf.part").write_bytes(CONTENT)
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges[-1] == f"bytes={len(CONTENT)}-"
    assert names(folder) == ["tiny.gguf"]


async def test_a_part_that_is_longer_than_the_file_is_thrown_away(fetch: Fetch, file: ServedFile, folder: Path) -> None:
    await begin(fetch, file)
    file.content = CONTENT[:4000]
    assert (await fetch()).read_bytes() == CONTENT[:4000]


async def test_a_server_may_continue_by_pieces(fetch: Fetch, file: ServedFile, server: FileServer) -> None:
    await begin(fetch, file)
    file.piece = 2000
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges[-3:] == ["bytes=5000-", "bytes=7000-", "bytes=9000-"]


@pytest.mark.parametrize("wrong", ["bytes 0-10239/10240", "bytes 5000-10239/99999", "pages 1-2/3", ""])
async def test_an_answer_that_continues_elsewhere_is_not_mixed_in(
    fetch: Fetch, file: ServedFile, server: FileServer, wrong: str
) -> None:
    await begin(fetch, file)
    file.wrong_range = wrong
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges[-2:] == ["bytes=5000-", ""]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "[" * 9000, json.dumps({"identity": "other", "total": None, "validator": '"one"'})]
)
async def test_a_part_whose_note_is_damaged_is_not_continued(
    fetch: Fetch, file: ServedFile, server: FileServer, folder: Path, text: str
) -> None:
    await begin(fetch, file)
    (folder / "tiny.gguf.part.json").write_text(text)
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges[-1] == ""


@pytest.mark.parametrize("validator", ['"one"\r\nX: y', "é", 5])
async def test_a_validator_that_is_no_header_is_not_sent(
    fetch: Fetch, file: ServedFile, server: FileServer, folder: Path, validator: object
) -> None:
    await begin(fetch, file)
    note = folder / "tiny.gguf.part.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "validator": validator, "total": "many"}))
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges[-1] == ""


async def test_the_note_does_not_tell_the_address(fetch: Fetch, file: ServedFile, url: str, folder: Path) -> None:
    file.drops = [3000, 0, 0, 0]
    with pytest.raises(InstallError):
        await fetch(f"{url}?token=secret")
    assert "secret" not in (folder / "tiny.gguf.part.json").read_text()


async def test_a_connection_that_brings_nothing_counts_as_dropped(
    fetch: Fetch, file: ServedFile, patience: Patience
) -> None:
    file.stall = 3000
    with pytest.raises(InstallError, match="does not answer"):
        await fetch(patience=replace(patience, retries=0, idle_seconds=0.05))


async def test_a_connection_that_is_kept_alive_by_a_trickle_counts_as_dropped(
    fetch: Fetch, file: ServedFile, patience: Patience, clock: VirtualClock
) -> None:
    def minute_later() -> float:
        clock.time += 61
        return clock.time

    file.stall = 3000
    with pytest.raises(InstallError, match="next to nothing comes"):
        await fetch(patience=replace(patience, retries=0, now=minute_later))


async def test_a_slow_connection_that_brings_enough_is_kept(
    fetch: Fetch, patience: Patience, clock: VirtualClock
) -> None:
    def minute_later() -> float:
        clock.time += 61
        return clock.time

    assert (await fetch(patience=replace(patience, pace_bytes=1, now=minute_later))).read_bytes() == CONTENT


async def test_cancelling_keeps_what_is_there_and_the_next_call_continues(
    fetch: Fetch, file: ServedFile, folder: Path, server: FileServer, patience: Patience, clock: VirtualClock
) -> None:
    def second_later() -> float:
        clock.time += 1
        return clock.time

    def stop(progress: FetchProgress) -> None:
        if progress.done_bytes == 6000:
            task.cancel()

    file.stall = 6000
    task = asyncio.ensure_future(fetch(on_progress=stop, patience=replace(patience, now=second_later)))
    with pytest.raises(asyncio.CancelledError):
        await task
    assert names(folder) == ["tiny.gguf.part", "tiny.gguf.part.json"]
    file.stall = None
    assert (await fetch()).read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=6000-"]


async def test_discarding_removes_what_was_kept(fetch: Fetch, file: ServedFile, url: str, folder: Path) -> None:
    await begin(fetch, file)
    discard(url, folder)
    assert names(folder) == []
    discard(url, folder)


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "to everyone"), (403, "to everyone"), (404, "no such file"), (410, "no such file"), (418, "refuses")],
)
async def test_a_refusal_is_told_at_once(
    fetch: Fetch, file: ServedFile, server: FileServer, folder: Path, status: int, words: str
) -> None:
    file.statuses = [status]
    with pytest.raises(InstallError, match=words) as failure:
        await fetch()
    assert str(status) in failure.value.message
    assert failure.value.hint
    assert len(server.seen) == 1
    assert names(folder) == []


async def test_a_web_page_is_no_model(fetch: Fetch, file: ServedFile, folder: Path) -> None:
    file.headers = {"Content-Type": "text/html; charset=utf-8"}
    with pytest.raises(InstallError, match="web page"):
        await fetch()
    assert names(folder) == []


async def test_a_file_that_comes_compressed_is_refused(fetch: Fetch, file: ServedFile, folder: Path) -> None:
    file.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(InstallError, match="compressed"):
        await fetch()
    assert names(folder) == []


async def test_redirects_are_followed_and_the_name_stays_that_of_the_first_address(
    fetch: Fetch, server: FileServer
) -> None:
    server.add("/latest.gguf", ServedFile(b"", redirect="/1.gguf"))
    for step in range(1, 5):
        server.add(f"/{step}.gguf", ServedFile(b"", redirect=f"../{step + 1}.gguf"))
    server.add("/5.gguf", ServedFile(CONTENT))
    path = await fetch(server.url("/latest.gguf"))
    assert (path.name, path.read_bytes()) == ("latest.gguf", CONTENT)


async def test_redirects_in_circles_end(fetch: Fetch, file: ServedFile, server: FileServer) -> None:
    file.redirect = "/models/tiny.gguf"
    with pytest.raises(InstallError, match="in circles"):
        await fetch()
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://example.org/a", "http://example.org/a", "//[", "javascript:1"]
)
async def test_a_redirect_to_an_unsafe_address_is_not_followed(fetch: Fetch, file: ServedFile, target: str) -> None:
    file.redirect = target
    with pytest.raises(InstallError, match="not safe to fetch from"):
        await fetch()


async def test_a_continued_download_follows_the_redirect_again(
    fetch: Fetch, file: ServedFile, server: FileServer, url: str
) -> None:
    address = server.add("/latest.gguf", ServedFile(b"", redirect=url))
    file.drops = [3000]
    assert (await fetch(address)).read_bytes() == CONTENT
    assert server.ranges == ["", "", "bytes=3000-", "bytes=3000-"]


async def test_a_proxy_is_not_told_of_what_is_on_this_computer(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await fetch()).read_bytes() == CONTENT


async def test_a_proxy_of_the_environment_is_used_for_the_web(fetch: Fetch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    with pytest.raises(InstallError, match="cannot be reached"):
        await fetch("https://model.invalid/a.gguf")


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1", "gopher://127.0.0.1"])
async def test_a_proxy_that_we_cannot_use_is_told(fetch: Fetch, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(InstallError, match="only HTTP proxies"):
        await fetch()
