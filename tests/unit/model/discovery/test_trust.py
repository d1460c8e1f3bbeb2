"""Libraries that may run: by their content, until somebody changes it."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import threading
from pathlib import Path

import pytest

from tether_desktop import paths
from tether_desktop.errors import LibraryUntrusted, ModelError
from tether_desktop.model.discovery import trust


@pytest.fixture
def library(tmp_path: Path) -> Path:
    path = tmp_path / "model.so"
    path.write_bytes(b"native code")
    return path


def test_nothing_is_trusted_that_nobody_has_allowed(library: Path) -> None:
    assert not trust.is_trusted(library)
    digest = hashlib.sha256(b"native code").hexdigest()
    with pytest.raises(LibraryUntrusted, match=digest) as error:
        trust.check(library)
    assert str(library) in error.value.message
    assert error.value.hint


def test_what_was_allowed_is_remembered(library: Path) -> None:
    digest = trust.add(library)
    assert digest == hashlib.sha256(b"native code").hexdigest()
    assert trust.is_trusted(library)
    trust.check(library)
    assert list(json.loads(trust.trusted_path().read_text())["libraries"]) == [digest]


def test_the_same_content_elsewhere_is_the_same_library(library: Path, tmp_path: Path) -> None:
    trust.add(library)
    other = tmp_path / "other.so"
    other.write_bytes(library.read_bytes())
    assert trust.is_trusted(other)


def test_another_file_at_its_place_is_asked_about_anew(library: Path) -> None:
    trust.add(library)
    library.write_bytes(b"other code!")
    with pytest.raises(LibraryUntrusted):
        trust.check(library)


def test_a_file_that_only_looks_unchanged_is_found_out_before_it_is_loaded(library: Path) -> None:
    trust.add(library)
    assert trust.is_trusted(library)
    times = library.stat()
    library.write_bytes(b"NATIVE CODE")
    os.utime(library, ns=(times.st_atime_ns, times.st_mtime_ns))
    with pytest.raises(LibraryUntrusted):
        trust.check(library)


def test_only_the_file_that_was_shown_is_allowed(library: Path) -> None:
    shown = trust.sha256_of(library)
    library.write_bytes(b"what came in its place")
    with pytest.raises(LibraryUntrusted):
        trust.add(library, shown)
    assert not trust.trusted_path().exists()


def test_a_library_that_is_gone_is_told(tmp_path: Path) -> None:
    for use in (trust.check, trust.add):
        with pytest.raises(ModelError, match="cannot be read") as error:
            use(tmp_path / "gone.so")
        assert error.value.hint


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_the_list_is_its_owners_alone(library: Path) -> None:
    trust.add(library)
    assert trust.trusted_path().stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"format": 99, "libraries": {}}',
        '{"format": 1}',
        '{"format": 1, "libraries": []}',
        "[" * 200_000,
        "\xff\xfe",
    ],
)
def test_a_list_that_cannot_be_read_trusts_nothing_and_says_so(library: Path, content: str) -> None:
    trust.add(library)
    assert trust.problem() == ""
    trust.trusted_path().write_text(content, encoding="latin-1")
    assert not trust.is_trusted(library)
    assert str(trust.trusted_path()) in trust.problem()


def test_a_damaged_list_is_put_aside_when_a_new_one_is_begun(library: Path) -> None:
    trust.add(library)
    trust.trusted_path().write_text("damaged")
    trust.add(library)
    assert trust.is_trusted(library)
    assert [path.read_text() for path in paths.data_dir().glob("*.damaged.json")] == ["damaged"]


def test_a_list_that_is_far_too_large_is_not_read(library: Path) -> None:
    trust.add(library)
    with trust.trusted_path().open("a") as file:
        file.truncate(64 << 20)
    assert "too large" in trust.problem()


def test_a_list_that_cannot_be_written_is_told(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = library.parent / "a file"
    blocked.write_text("")
    monkeypatch.setenv("TETHER_DATA_DIR", str(blocked))
    with pytest.raises(ModelError, match="cannot be remembered"):
        trust.add(library)


def test_answers_given_at_the_same_time_are_all_kept(tmp_path: Path) -> None:
    libraries = [tmp_path / f"{number}.so" for number in range(8)]
    for library in libraries:
        library.write_text(library.name)
    threads = [threading.Thread(target=trust.add, args=[library]) for library in libraries]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(trust.is_trusted(library) for library in libraries)
