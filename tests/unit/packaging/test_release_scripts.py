"""The small scripts that the release workflow calls, and the workflow itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tether_desktop.updates import channel

ROOT = Path(__file__).parents[3]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CHANGELOG = """# Changelog

## [Unreleased]

- Not yet

## [1.1.0] - 2027-01-02

### Added

- Faster

## 1.0.0

- First

[Unreleased]: https://example.org
"""


def test_a_release_tells_what_the_changelog_says_of_it() -> None:
    from release_notes import notes_of

    assert notes_of("1.1.0", CHANGELOG) == "### Added\n\n- Faster"
    assert notes_of("1.0.0", CHANGELOG) == "- First"
    assert notes_of("1.0", CHANGELOG) == ""


def test_a_version_that_the_changelog_does_not_know_stops_the_release(capsys: pytest.CaptureFixture[str]) -> None:
    import release_notes

    assert release_notes.main(["987.0"]) == 1
    assert "no part on 987.0" in capsys.readouterr().err


def test_checksums_are_what_the_usual_tool_reads(tmp_path: Path) -> None:
    import checksums

    (tmp_path / "b.deb").write_bytes(b"second")
    (tmp_path / "a.run").write_bytes(b"first")
    checksums.main([str(tmp_path)])
    checksums.main([str(tmp_path)])
    lines = (tmp_path / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert [line.partition("  ")[2] for line in lines] == ["a.run", "b.deb"]
    if tool := shutil.which("sha256sum"):
        subprocess.run([tool, "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=True, capture_output=True)


def test_the_channel_of_a_build_is_what_the_program_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import update_channel

    trusted = tmp_path / "root.json"
    monkeypatch.setattr(update_channel, "TRUSTED", trusted)
    monkeypatch.setattr(update_channel, "TARGET", tmp_path / "updates")
    monkeypatch.setattr(channel, "channel_folder", lambda: tmp_path / "updates")
    words = ["--url", "https://example.org/updates/", "--page", "https://example.org"]
    assert update_channel.main(words) == 0
    assert not (tmp_path / "updates").exists(), "nobody's signature counts yet"
    trusted.write_bytes(b'{"signed": {}}')
    assert update_channel.main(words) == 0
    assert channel.read_channel() == channel.Channel(words[1], b'{"signed": {}}', words[3])


def steps(workflow: Any) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_only_scripts_that_are_there_and_may_do_no_more_than_it_needs(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    called = {name for step in steps(workflow) for name in re.findall(r"packaging[/\\]\w+\.py", step.get("run", ""))}
    assert [name for name in called if not (ROOT / name.replace("\\", "/")).is_file()] == []
    for step in steps(workflow):
        assert "${{ secrets" not in step.get("run", ""), "secrets come by the environment, where no shell reads them"


def test_everything_is_built_and_tried_before_anything_is_handed_out() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))
    jobs = workflow["jobs"]
    assert set(jobs["release"]["needs"]) == set(jobs) - {"release"}
    assert jobs["release"]["if"] == "github.ref_type == 'tag'"
    runs = "\n".join(step.get("run", "") for step in steps(workflow))
    assert "make package-test" in runs
    assert runs.count("chat --once") == 2
    assert runs.count("sbom.py") == 2, "for Linux `make package` writes it"
    assert "--draft" in runs, "a person looks at it first"
