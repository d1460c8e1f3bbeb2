"""The script that keeps the signed metadata, as a person uses it."""

from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from tether_desktop import __version__
from tether_desktop.updates.check import TARGET


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two root keys, and the other one."""
    import update_repository

    monkeypatch.setenv("TETHER_KEY_PASSWORD", "correct horse")
    files = [str(tmp_path / name) for name in ("root-1.pem", "root-2.pem", "online.pem")]
    for file in files:
        update_repository.main(["key", file])
    return files


def test_a_key_is_encrypted_its_owners_alone_and_never_replaced(
    keys: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import update_repository

    assert b"ENCRYPTED" in Path(keys[0]).read_bytes()
    if sys.platform != "win32":
        assert stat.S_IMODE(Path(keys[0]).stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        update_repository.main(["key", keys[0]])
    monkeypatch.setenv("TETHER_KEY_PASSWORD", "wrong")
    with pytest.raises(ValueError, match="password"):
        update_repository.main(["init", str(tmp_path / "made"), "--root-key", keys[0], "--key", keys[2]])
    assert not (tmp_path / "made").exists()
    monkeypatch.delenv("TETHER_KEY_PASSWORD")
    with pytest.raises(SystemExit, match="TETHER_KEY_PASSWORD"):
        update_repository.main(["key", str(tmp_path / "another.pem")])


def test_a_release_is_told_with_the_dashed_lines_of_its_notes(keys: list[str], tmp_path: Path) -> None:
    import update_repository

    from tether_desktop.updates.release import read_release

    folder, notes = tmp_path / "metadata", tmp_path / "notes.md"
    notes.write_text("# New\n\n- Faster\n- Speaks French\n\nThanks.\n", encoding="utf-8")
    roots = ["--root-key", keys[0], "--root-key", keys[1]]
    update_repository.main(["init", str(folder), *roots, "--key", keys[2]])
    told = ["--version", __version__, "--page", "https://example.org/tether", "--notes", str(notes)]
    update_repository.main(["release", str(folder), "--key", keys[2], *told])
    update_repository.main(["renew", str(folder), "--key", keys[2]])
    update_repository.main(["rotate", str(folder), *roots, "--key", keys[2]])
    (described,) = folder.glob(f"*.{TARGET}")
    assert read_release(described.read_bytes()).notes == ("Faster", "Speaks French")
    assert (folder / "root.json").read_bytes() == (folder / "2.root.json").read_bytes()
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []
