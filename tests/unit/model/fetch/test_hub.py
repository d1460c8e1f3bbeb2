"""Models from a hub that drops, lies, hides and attacks; and the child process that fetches them."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import tether_desktop
from tests.helpers.clock import VirtualClock
from tests.helpers.fake_hub import COMMIT, FakeHub
from tests.helpers.file_server import FileServer
from tether_desktop.errors import InstallError
from tether_desktop.model.fetch.hub import fetch_hub
from tether_desktop.model.fetch.hub_fetch import HubFetch
from tether_desktop.model.fetch.hub_reference import parse_reference
from tether_desktop.model.fetch.patience import Patience
from tether_desktop.model.fetch.progress import FetchProgress
from tether_desktop.model.hosting import job

WEIGHTS = bytes(range(256)) * 40
OTHER = WEIGHTS[::-1]
SECRET = "hf_secret"  # noqa: S105 - of nobody
Fetch = Callable[..., Any]


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def hub(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub, and a user that is logged in nowhere."""
    for name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return FakeHub(server)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def fetch(hub: FakeHub, folder: Path, patience: Patience) -> Fetch:
    """Fetch from the hub, in this process and without waiting."""

    async def run(
        reference: str = "", *, on_progress: Any = lambda _: None, token: str | None = None, **changes: Any
    ) -> Path:
        parsed = parse_reference(reference or f"hf:{hub.repo}")
        return await HubFetch(parsed, folder, on_progress, replace(patience, **changes)).run(hub.endpoint, token)

    return run


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder).as_posix()) for path in folder.rglob("*") if path.is_file())


async def test_the_best_gguf_is_fetched_and_checked(fetch: Fetch, hub: FakeHub, folder: Path) -> None:
    hub.add_large("tiny-Q8_0.gguf", OTHER)
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    hub.add_small("README.md", b"# Tiny")
    path = await fetch()
    assert path == folder / "tiny-Q4_0.gguf"
    assert path.read_bytes() == WEIGHTS
    assert names(folder) == ["tiny-Q4_0.gguf"]


async def test_a_checkpoint_is_fetched_into_a_folder_of_its_name(fetch: Fetch, hub: FakeHub, folder: Path) -> None:
    hub.add_large("model.safetensors", WEIGHTS)
    hub.add_small("config.json", b"{}")
    hub.add_small("modeling.py", b"import os")
    seen: list[FetchProgress] = []
    path = await fetch(on_progress=seen.append)
    assert path == folder / "Tiny-GGUF"
    assert names(path) == ["config.json", "model.safetensors"]
    total = len(WEIGHTS) + 2
    assert seen[-1] == FetchProgress(total, total, "model.safetensors")
    assert {each.total_bytes for each in seen} == {total}
    assert [each.done_bytes for each in seen] == sorted(each.done_bytes for each in seen)


async def test_a_revision_is_asked_for_by_name_and_fetched_by_its_commit(fetch: Fetch, hub: FakeHub) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    hub.publish("v1.0")
    del hub.server.files[f"/api/models/{hub.repo}"]
    assert (await fetch(f"hf:{hub.repo}@v1.0:Q4_0")).read_bytes() == WEIGHTS
    assert hub.asked == ["tiny-Q4_0.gguf"]


async def test_what_is_there_already_is_not_fetched_again(fetch: Fetch, hub: FakeHub) -> None:
    hub.add_large("model.safetensors", WEIGHTS)
    hub.add_small("config.json", b"{}")
    await fetch()
    first = len(hub.asked)
    await fetch()
    assert len(hub.asked) == first


async def test_dropped_connections_are_continued(fetch: Fetch, hub: FakeHub, server: FileServer) -> None:
    file = hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    file.drops = [3000, 4000]
    assert (await fetch()).read_bytes() == WEIGHTS
    stored = [each.range for each in server.seen if each.path.startswith("/cdn/")]
    assert stored == ["", "bytes=3000-", "bytes=7000-"]


async def test_a_checkpoint_that_was_cut_off_goes_on_with_the_file_it_stopped_in(
    fetch: Fetch, hub: FakeHub, folder: Path, server: FileServer
) -> None:
    hub.add_small("config.json", b"{}")
    file = hub.add_large("model.safetensors", WEIGHTS)
    file.drops = [3000, 0, 0, 0]
    with pytest.raises(InstallError, match="ended the connection early"):
        await fetch()
    assert names(folder / "Tiny-GGUF") == ["config.json", "model.safetensors.part", "model.safetensors.part.json"]
    server.seen.clear()
    await fetch()
    assert hub.asked == ["model.safetensors"]
    assert server.ranges[-1] == "bytes=3000-"


async def test_a_hub_that_is_busy_is_asked_again(fetch: Fetch, hub: FakeHub, clock: VirtualClock) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    hub.publish().statuses = [503, 429]
    assert (await fetch()).read_bytes() == WEIGHTS
    assert clock.time == 1 + 2


async def test_a_hub_that_stays_busy_is_told(fetch: Fetch, hub: FakeHub) -> None:
    hub.publish().statuses = [500] * 4
    with pytest.raises(InstallError, match="the hub has a problem"):
        await fetch()


async def test_a_listing_that_drops_is_asked_for_again(fetch: Fetch, hub: FakeHub) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    hub.publish().drops = [20]
    assert (await fetch()).read_bytes() == WEIGHTS


async def test_a_listing_that_never_comes_is_told(fetch: Fetch, hub: FakeHub) -> None:
    hub.publish().stall = 10
    with pytest.raises(InstallError, match="does not answer"):
        await fetch(retries=0, idle_seconds=0.05)


async def test_a_file_of_another_hash_is_refused_and_removed(fetch: Fetch, hub: FakeHub, folder: Path) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS).content = OTHER
    with pytest.raises(InstallError, match="SHA-256 differs"):
        await fetch()
    assert names(folder) == []


async def test_a_small_file_of_another_hash_is_refused_and_removed(fetch: Fetch, hub: FakeHub, folder: Path) -> None:
    hub.add_large("model.safetensors", WEIGHTS)
    hub.add_small("config.json", b"{}").content = b"[]"
    with pytest.raises(InstallError, match="git checksum differs"):
        await fetch()
    assert names(folder) == []


@pytest.mark.parametrize("content", [WEIGHTS + b"more", WEIGHTS[:-1], b""])
@pytest.mark.parametrize("length", ["true", "none", "chunked"])
async def test_a_file_of_another_size_is_refused_and_removed(
    fetch: Fetch, hub: FakeHub, folder: Path, content: bytes, length: Any
) -> None:
    file = hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    file.content, file.length = content, length
    with pytest.raises(InstallError, match=f"instead of {len(WEIGHTS):,}"):
        await fetch()
    assert names(folder) == []


async def test_a_file_of_another_size_is_refused_as_soon_as_the_server_tells_it(fetch: Fetch, hub: FakeHub) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS).content = WEIGHTS + b"more"
    seen: list[FetchProgress] = []
    with pytest.raises(InstallError, match="10,244 bytes instead of 10,240"):
        await fetch(on_progress=seen.append)
    assert seen == []


async def test_a_file_without_end_is_refused_when_it_gets_too_long(fetch: Fetch, hub: FakeHub, folder: Path) -> None:
    file = hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    file.content, file.length, file.stall = WEIGHTS * 2, "none", len(WEIGHTS) + 1
    with pytest.raises(InstallError, match="instead of 10,240"):
        await fetch(retries=0, idle_seconds=5)
    assert names(folder) == []


async def test_a_listing_with_absurd_sizes_is_told_before_anything_is_fetched(
    fetch: Fetch, hub: FakeHub, folder: Path
) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    hub.listing["siblings"][0]["lfs"]["size"] = 10**18
    hub.publish()
    with pytest.raises(InstallError, match="not enough space"):
        await fetch()
    assert hub.asked == []
    assert names(folder) == []


async def test_space_is_needed_for_all_files_less_what_is_there(
    fetch: Fetch, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add_large("model-00001-of-00002.safetensors", WEIGHTS)
    second = hub.add_large("model-00002-of-00002.safetensors", OTHER)
    second.drops = [3000, 0, 0, 0]
    with pytest.raises(InstallError):
        await fetch()
    free = (64 << 20) + len(OTHER) - 3000
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free - 1))
    with pytest.raises(InstallError, match="not enough space"):
        await fetch()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(1 << 40, 0, free))
    await fetch()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda listing: listing.update(sha=None),
        lambda listing: listing.update(sha="../../main"),
        lambda listing: listing.update(siblings="many"),
        lambda listing: listing.update(siblings=[{"rfilename": 5, "size": 1}]),
        lambda listing: listing.update(siblings=[{"size": 1}]),
        lambda listing: listing["siblings"][0]["lfs"].update(size=-1),
        lambda listing: listing["siblings"][0]["lfs"].update(size=True),
        lambda listing: listing["siblings"][0]["lfs"].update(size="10240"),
        lambda listing: listing["siblings"][0]["lfs"].update(sha256="0"),
        lambda listing: listing["siblings"][0]["lfs"].pop("sha256"),
        lambda listing: listing["siblings"][0].update(lfs=[]) or listing["siblings"][0].update(size=None),
        lambda listing: listing.pop("id"),
    ],
)
async def test_a_listing_that_is_none_is_told(
    fetch: Fetch, hub: FakeHub, folder: Path, spoil: Callable[[dict[str, Any]], object]
) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    spoil(hub.listing)
    hub.publish()
    with pytest.raises(InstallError, match="does not answer as a hub should"):
        await fetch()
    assert names(folder) == []


@pytest.mark.parametrize("answer", [b"<html>", b"", b"[]", b"\xff", b"[" * 100_000])
async def test_an_answer_that_is_no_listing_is_told(fetch: Fetch, hub: FakeHub, answer: bytes) -> None:
    hub.publish().content = answer
    with pytest.raises(InstallError, match="does not answer as a hub should"):
        await fetch()


async def test_a_hub_cannot_place_a_file_outside_of_the_folder(fetch: Fetch, hub: FakeHub, tmp_path: Path) -> None:
    hub.add_large("../../evil-Q4_0.gguf", WEIGHTS)
    with pytest.raises(InstallError, match="not safe to store"):
        await fetch()
    assert hub.asked == []
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        (401, "GatedRepo", "accepted its licence"),
        (403, "GatedRepo", "accepted its licence"),
        (403, "", "accepted its licence"),
        (401, "RepoNotFound", "keeps it private"),
        (404, "RepoNotFound", "keeps it private"),
        (404, "RevisionNotFound", "has no revision 'v9'"),
        (418, "", "refuses"),
    ],
)
async def test_what_the_hub_refuses_is_explained(
    fetch: Fetch, hub: FakeHub, status: int, code: str, words: str
) -> None:
    answer = hub.publish("v9")
    answer.statuses, answer.headers = [status], {"X-Error-Code": code} if code else {}
    with pytest.raises(InstallError, match=words) as failure:
        await fetch(f"hf:{hub.repo}@v9")
    assert failure.value.hint


@pytest.mark.parametrize("status", [401, 403])
async def test_a_gated_file_says_where_to_accept_the_licence(fetch: Fetch, hub: FakeHub, status: int) -> None:
    hub.add_small("tiny-Q4_0.gguf", WEIGHTS).statuses = [status]
    with pytest.raises(InstallError, match="accepted its licence") as failure:
        await fetch()
    assert f"https://huggingface.co/{hub.repo}" in failure.value.hint
    assert "hf auth login" in failure.value.hint


async def test_a_file_that_the_hub_lists_and_does_not_have_is_told(fetch: Fetch, hub: FakeHub) -> None:
    hub.add_small("tiny-Q4_0.gguf", WEIGHTS).statuses = [404]
    with pytest.raises(InstallError, match="no such file"):
        await fetch()


async def test_a_token_goes_to_the_hub_and_not_to_where_it_sends_us(
    fetch: Fetch, hub: FakeHub, server: FileServer
) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    server.files[f"/{hub.repo}/resolve/{COMMIT}/tiny-Q4_0.gguf"].token = SECRET
    assert (await fetch(token=SECRET)).read_bytes() == WEIGHTS
    sent = {each.path.split("/")[1]: each.headers["Authorization"] for each in server.seen}
    assert sent == {"api": "Bearer hf_secret", "acme": "Bearer hf_secret", "cdn": None}


async def test_the_hub_learns_nothing_but_the_program_and_its_version(
    fetch: Fetch, hub: FakeHub, server: FileServer
) -> None:
    hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
    await fetch()
    assert {each.headers["User-Agent"] for each in server.seen} == {f"Tether/{tether_desktop.__version__}"}
    assert {each.path.split("/")[1] for each in server.seen} == {"api", "acme", "cdn"}


@pytest.mark.parametrize("endpoint", ["http://hub.invalid", "ftp://hub.invalid", "hub.invalid"])
async def test_a_hub_is_reached_encrypted_or_not_at_all(folder: Path, patience: Patience, endpoint: str) -> None:
    with pytest.raises(InstallError):
        await HubFetch(parse_reference("hf:acme/Tiny"), folder, lambda _: None, patience).run(endpoint, None)


async def test_a_hub_that_leads_to_an_unsafe_address_is_not_followed(fetch: Fetch, hub: FakeHub) -> None:
    hub.publish().redirect = "http://hub.invalid/api/models/acme/Tiny"
    with pytest.raises(InstallError, match="not encrypted"):
        await fetch()


class TestChildProcess:
    """The way that the program goes: everything above, at the other end of a pipe."""

    async def test_a_model_comes_with_its_progress(self, hub: FakeHub, folder: Path) -> None:
        hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
        seen: list[FetchProgress] = []
        path = await fetch_hub(f"hf:{hub.repo}", folder, on_progress=seen.append, endpoint=hub.endpoint)
        assert path.read_bytes() == WEIGHTS
        assert seen[-1] == FetchProgress(len(WEIGHTS), len(WEIGHTS), "tiny-Q4_0.gguf")

    async def test_the_endpoint_and_the_token_of_the_environment_are_used(
        self, hub: FakeHub, folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_TOKEN", "hf_own")
        await fetch_hub(f"hf:{hub.repo}", folder, on_progress=lambda _: None)
        sent = {each.path.split("/")[1]: each.headers["Authorization"] for each in server.seen}
        assert sent == {"api": "Bearer hf_own", "acme": "Bearer hf_own", "cdn": None}

    async def test_the_users_own_token_is_not_told_to_another_hub(
        self, hub: FakeHub, folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        hub.add_large("tiny-Q4_0.gguf", WEIGHTS)
        monkeypatch.setenv("HF_TOKEN", "hf_own")
        await fetch_hub(f"hf:{hub.repo}", folder, on_progress=lambda _: None, endpoint=hub.endpoint)
        assert [each.headers["Authorization"] for each in server.seen] == [None] * 3

    async def test_an_error_comes_back_as_it_was(self, hub: FakeHub, folder: Path) -> None:
        with pytest.raises(InstallError, match="no weights that Tether reads") as failure:
            await fetch_hub(f"hf:{hub.repo}", folder, on_progress=lambda _: None, endpoint=hub.endpoint)
        assert failure.value.title == "The model cannot be downloaded"
        assert failure.value.hint

    async def test_cancelling_ends_the_process_and_the_next_call_continues(
        self, hub: FakeHub, folder: Path, server: FileServer
    ) -> None:
        def stop(progress: FetchProgress) -> None:
            if progress.done_bytes == 1 << 20:
                task.cancel()

        file = hub.add_large("tiny-Q4_0.gguf", bytes(3 << 20))
        file.stall = 1 << 20
        task = asyncio.ensure_future(fetch_hub(f"hf:{hub.repo}", folder, on_progress=stop, endpoint=hub.endpoint))
        with pytest.raises(asyncio.CancelledError):
            await task
        file.stall = None
        path = await fetch_hub(f"hf:{hub.repo}", folder, on_progress=lambda _: None, endpoint=hub.endpoint)
        assert path.stat().st_size == 3 << 20
        assert server.ranges[-1] == f"bytes={1 << 20}-"

    async def test_a_process_that_dies_without_a_word_is_told(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(job, "child_command", lambda _: [sys.executable, "-c", "raise SystemExit(3)"])
        with pytest.raises(InstallError, match="ended unexpectedly"):
            await fetch_hub("hf:acme/Tiny", folder, on_progress=lambda _: None)

    async def test_it_sees_what_concerns_the_hub_and_no_other_secret(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        code = "import json, os; print(json.dumps({'path': ' '.join(os.environ).upper()}))"
        monkeypatch.setattr(job, "child_command", lambda _: [sys.executable, "-c", code])
        for name in ("HF_TOKEN", "https_proxy", "SSL_CERT_FILE", "AWS_SECRET_ACCESS_KEY", "MLC_SQLITE_URL"):
            monkeypatch.setenv(name, "x")
        seen = set(str(await fetch_hub("hf:acme/Tiny", folder, on_progress=lambda _: None)).split())
        assert {"HF_TOKEN", "HTTPS_PROXY", "SSL_CERT_FILE", "HF_HUB_DISABLE_TELEMETRY"} <= seen
        assert seen.isdisjoint({"AWS_SECRET_ACCESS_KEY", "MLC_SQLITE_URL"})

    async def test_a_user_who_stays_offline_is_asked_to_change_that(
        self, hub: FakeHub, folder: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        with pytest.raises(InstallError, match="stay offline"):
            await fetch_hub(f"hf:{hub.repo}", folder, on_progress=lambda _: None, endpoint=hub.endpoint)
        assert server.seen == []

    async def test_what_is_no_reference_is_told_without_a_process(self, folder: Path) -> None:
        with pytest.raises(InstallError, match="names no model"):
            await fetch_hub("acme/Tiny", folder, on_progress=lambda _: None)
        assert names(folder) == []
