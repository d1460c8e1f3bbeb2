"""Asking for the newest release: what is believed, what is not, and what of it is remembered."""

from __future__ import annotations

import json
import shutil
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

import tether_desktop
from tests.helpers.file_server import ServedFile
from tests.helpers.releases import PAGE, Releases, repository, signer, telling_of_releases
from tether_desktop import paths
from tether_desktop.errors import UpdateCheckFailed
from tether_desktop.updates import check
from tether_desktop.updates.channel import Channel
from tether_desktop.updates.check import check_for_updates

NEWER = "99.1"


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[Releases]:
    with telling_of_releases(tmp_path / "metadata") as place:
        place.release(NEWER, "Answers faster", "Speaks French")
        yield place


def refused(releases: Releases) -> UpdateCheckFailed:
    with pytest.raises(UpdateCheckFailed) as caught:
        check_for_updates(releases.channel)
    assert PAGE in caught.value.hint
    return caught.value


def test_a_newer_release_is_told_with_its_day_its_page_and_what_is_new(releases: Releases) -> None:
    found = check_for_updates(releases.channel)
    assert found.newer
    assert (found.installed, found.newest.version) == (tether_desktop.__version__, NEWER)
    assert found.newest.notes == ("Answers faster", "Speaks French")
    assert (found.newest.day.isoformat(), found.newest.page) == ("2027-03-01", PAGE)


@pytest.mark.parametrize("version", [tether_desktop.__version__, "0.0.1"])
def test_the_same_or_an_older_release_is_no_update(tmp_path: Path, version: str) -> None:
    with telling_of_releases(tmp_path / "metadata") as place:
        place.release(version)
        assert not check_for_updates(place.channel).newer


def test_asking_tells_nothing_but_what_is_asked_for(releases: Releases) -> None:
    check_for_updates(releases.channel)
    assert {each.path.rpartition("/")[0] for each in releases.server.seen} == {"/updates"}
    assert all("?" not in each.path for each in releases.server.seen)
    assert {each.headers["User-Agent"] for each in releases.server.seen} == {f"Tether/{tether_desktop.__version__}"}
    assert all("Cookie" not in each.headers for each in releases.server.seen)


def test_what_is_signed_by_others_is_not_believed(releases: Releases) -> None:
    releases.online = signer()
    releases.release("100.0")
    assert "not signed by those who make Tether" in refused(releases).message


@pytest.mark.parametrize("name", ["targets", "snapshot", "timestamp", "release"])
def test_what_was_changed_on_the_way_is_not_believed(releases: Releases, name: str) -> None:
    (path,) = [path for path in releases.server.files if f"{name}.json" in path and not path.endswith("1.snapshot.json")
               and not path.endswith("1.targets.json")]  # fmt: skip
    content = releases.server.files[path].content
    changed = content.replace(b"Answers faster", b"Answers slower").replace(b'"version":2', b'"version":3')
    assert changed != content
    releases.server.files[path] = ServedFile(changed)
    refused(releases)


def test_an_older_state_is_not_believed_after_a_newer_one(releases: Releases, tmp_path: Path) -> None:
    older = tmp_path / "older"
    shutil.copytree(releases.folder, older)
    releases.release("99.2")
    assert check_for_updates(releases.channel).newest.version == "99.2"
    releases.folder = older
    releases.publish()
    assert "older than before" in refused(releases).message


def test_what_was_not_renewed_for_too_long_is_not_believed_and_is_again_when_renewed(releases: Releases) -> None:
    with releases.long_ago(repository().LASTS["timestamp"] + 1):
        releases.release("99.2")
    assert "not been renewed for too long" in refused(releases).message
    repository().renew(releases.folder, releases.online)
    releases.publish()
    assert check_for_updates(releases.channel).newest.version == "99.2"


def test_renewing_signs_all_anew_that_is_about_to_expire(releases: Releases) -> None:
    with releases.long_ago(repository().LASTS["targets"] - 1):
        releases.release("99.2")
    before = {path.name for path in releases.folder.iterdir()}
    repository().renew(releases.folder, releases.online)
    assert {path.name for path in releases.folder.iterdir()} - before == {"4.targets.json", "4.snapshot.json"}


def test_another_key_counts_once_the_root_keys_say_so_and_the_former_one_no_more(releases: Releases) -> None:
    former = releases.online
    check_for_updates(releases.channel)
    releases.online = signer()
    repository().rotate(releases.folder, releases.roots[:2], releases.online)
    releases.release("99.2")
    assert check_for_updates(releases.channel).newest.version == "99.2"
    releases.online = former
    releases.release("99.3")
    assert "not signed" in refused(releases).message


def test_other_root_keys_count_once_enough_of_the_former_ones_say_so(releases: Releases) -> None:
    check_for_updates(releases.channel)
    former, new = releases.roots, [signer(), signer()]
    repository().rotate(releases.folder, former[:2], releases.online, new)
    releases.online = signer()
    repository().rotate(releases.folder, new, releases.online)
    releases.release("99.2")
    assert check_for_updates(releases.channel).newest.version == "99.2"
    releases.online = signer()
    repository().rotate(releases.folder, former, releases.online)
    releases.release("99.3")
    with pytest.raises(UpdateCheckFailed):
        check_for_updates(releases.channel)


def test_one_root_key_of_three_changes_nothing(releases: Releases) -> None:
    releases.online = signer()
    repository().rotate(releases.folder, releases.roots[:1], releases.online)
    releases.release("99.2")
    assert "not signed" in refused(releases).message


def test_what_is_believed_survives_a_damaged_memory(releases: Releases) -> None:
    check_for_updates(releases.channel)
    for file in paths.updates_dir().rglob("*.json"):
        file.write_text("damaged", encoding="utf-8")
    assert check_for_updates(releases.channel).newest.version == NEWER


def test_only_the_owner_reads_what_is_remembered(releases: Releases) -> None:
    check_for_updates(releases.channel)
    kept = {path.relative_to(paths.updates_dir()).as_posix() for path in paths.updates_dir().rglob("*.json")}
    assert kept == {"timestamp.json", "snapshot.json", "targets.json", "root_history/1.root.json"}
    if sys.platform != "win32":
        assert {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in paths.updates_dir().rglob("*.json")} == {0}


def test_a_signed_description_that_is_none_is_refused(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository(), "write_release", lambda _told: b'{"version": "1"}')
    releases.release("99.2")
    refused(releases)


def test_a_description_without_end_is_not_read(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository(), "write_release", lambda _told: json.dumps({"notes": ["x" * 200_000]}).encode())
    releases.release("99.2")
    refused(releases)
    path = "/updates/timestamp.json"
    releases.server.files[path] = ServedFile(b"x" * 5_000_000, length="chunked")
    refused(releases)


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (ServedFile(b"", statuses=[500] * 9), "HTTP 500"),
        (ServedFile(b"", redirect="http://insecure.example.org/timestamp.json"), "not encrypted"),
        (ServedFile(b"x" * 100, drops=[10] * 9), "cannot be reached"),
    ],
)
def test_a_place_that_does_not_answer_is_told(releases: Releases, file: ServedFile, words: str) -> None:
    releases.server.files["/updates/timestamp.json"] = file
    with pytest.raises(UpdateCheckFailed, match=words) as caught:
        check_for_updates(releases.channel)
    assert "internet connection" in caught.value.hint


def test_without_a_network_it_is_said_so(releases: Releases) -> None:
    channel = Channel("http://127.0.0.1:9/updates/", releases.first_root, PAGE)
    with pytest.raises(UpdateCheckFailed, match="127\\.0\\.0\\.1 cannot be reached"):
        check_for_updates(channel)


def test_two_at_once_take_turns(releases: Releases, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "_LOCK_S", 0.01)
    paths.updates_dir().mkdir()
    with FileLock(paths.updates_dir() / "check.lock"), pytest.raises(UpdateCheckFailed, match="asks just now"):
        check_for_updates(releases.channel)


def test_a_data_folder_that_cannot_be_written_is_told(releases: Releases) -> None:
    paths.updates_dir().write_text("in the way", encoding="utf-8")
    with pytest.raises(UpdateCheckFailed, match="updates"):
        check_for_updates(releases.channel)
