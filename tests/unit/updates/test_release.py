"""What is told of a release."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.helpers.releases import repository
from tether_desktop.updates.release import Release, read_release

RELEASE = Release("1.2.0", date(2027, 3, 1), "https://example.org/tether", ("Faster", "Speaks “French”"))


def told(**changes: Any) -> bytes:
    return json.dumps({**json.loads(repository().write_release(RELEASE)), **changes}).encode()


def test_what_is_written_is_read() -> None:
    assert read_release(repository().write_release(RELEASE)) == RELEASE


def test_versions_are_compared_as_versions() -> None:
    assert read_release(told(version="0.10.0")).is_newer_than("0.9.1")
    assert not read_release(told(version="1.0rc1")).is_newer_than("1.0")
    assert not RELEASE.is_newer_than("1.2.0")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"[]", b"\xff", told(version="newest"), told(version=None), told(day="tomorrow"), told(notes="one"),
        told(page="http://example.org"), told(page="file:///etc/passwd"), told(page="https://"),
        told(page="https://real.example.org@evil.example.org/"),
    ],
)  # fmt: skip
def test_what_is_no_description_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (of the parsers below, with words of their own)
        read_release(content)


def test_notes_are_kept_to_a_size_and_to_characters_that_can_be_shown() -> None:
    release = read_release(told(notes=["a\u202eb\x1b[31m", "x" * 5_000, "two\nlines", *["more"] * 100]))
    assert len(release.notes) == 40
    assert release.notes[0] == "a\ufffdb\ufffd[31m"
    assert max(map(len, release.notes)) <= 400
    assert release.notes[2] == "two lines"
