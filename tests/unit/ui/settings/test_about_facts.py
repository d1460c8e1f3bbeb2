"""What the About page says the program is made of."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tether_desktop import paths
from tether_desktop.ui.settings.about_facts import read_about


def test_a_checkout_tells_of_what_is_installed() -> None:
    licences = {each.name: each for each in read_about("6").licences}
    assert "Apache License" in licences["apache-tvm"].read()
    assert "SIL OPEN FONT LICENSE" in licences["Inter"].read()


def test_a_build_tells_of_all_that_its_notices_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "project_root", lambda: tmp_path)
    text = "Notices\nÄlteste Lizenz\nSecond text\n".encode()
    (tmp_path / "THIRD_PARTY_NOTICES.txt").write_bytes(text)
    places = [[text.index("Ä".encode()), len("Älteste Lizenz".encode())], [text.index(b"Second"), len(b"Second text")]]
    listed = [{"name": "zlib", "version": "1.3", "licence": "Zlib", "texts": places}]
    (tmp_path / "third_party_notices.json").write_text(json.dumps(listed), encoding="utf-8")
    (licence,) = read_about("6").licences
    assert (licence.name, licence.version, licence.kind) == ("zlib", "1.3", "Zlib")
    assert licence.read() == "Älteste Lizenz\n\nSecond text"
