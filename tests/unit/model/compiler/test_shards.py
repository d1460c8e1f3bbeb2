"""Shards are what MLC's and TVM's readers expect, aligned for memory-mapping, and safely on the disk."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tether_desktop.errors import InstallError
from tether_desktop.model.compiler.shards import ShardWriter
from tether_desktop.model.tvm.weights import open_weights

TENSORS = {
    "a": np.arange(15, dtype=np.uint8).reshape(3, 5),
    "b": np.linspace(0, 1, 40, dtype=np.float32).reshape(4, 10),
    "c": np.linspace(0, 1, 300, dtype=np.float16).reshape(300),
    "d": np.arange(7, dtype=np.uint8),
}


def write(folder: Path, shard_bytes: int = 1 << 20) -> dict[str, object]:
    with ShardWriter(folder, shard_bytes) as writer:
        for name, array in TENSORS.items():
            writer.add(name, array.shape, array.dtype, iter(array), parameters=array.size)
    index: dict[str, object] = json.loads((folder / "tensor-cache.json").read_text())
    return index


def test_tensors_come_back_as_they_were_from_one_shard_or_many(tmp_path: Path) -> None:
    for shard_bytes, count in ((1 << 20, 1), (256, 3)):
        folder = tmp_path / str(shard_bytes)
        folder.mkdir()
        write(folder, shard_bytes)
        assert len(list(folder.glob("params_shard_*.bin"))) == count
        weights = open_weights(folder)
        assert weights.keys() == TENSORS.keys()
        for name, array in TENSORS.items():
            np.testing.assert_array_equal(weights[name], array)


def test_the_index_tells_sizes_and_checksums(tmp_path: Path) -> None:
    index = write(tmp_path, 256)
    size = sum(path.stat().st_size for path in tmp_path.glob("*.bin"))
    assert index["metadata"] == {"ParamSize": 4, "ParamBytes": size, "BitsPerParam": round(size * 8 / 362, 3)}
    for shard in index["records"]:  # type: ignore[attr-defined]
        content = (tmp_path / shard["dataPath"]).read_bytes()
        assert shard["nbytes"] == len(content)
        assert shard["md5sum"] == hashlib.md5(content).hexdigest()  # noqa: S324 - the format's checksum
        assert all(record["byteOffset"] % 64 == 0 for record in shard["records"])


def test_tvm_reads_the_shards(tmp_path: Path) -> None:
    write(tmp_path, 256)
    script = """
import ctypes, importlib.util, pathlib, sys
import numpy as np, tvm_ffi
package = pathlib.Path(importlib.util.find_spec("tvm").origin).parent
runtime = next(path for path in package.rglob("*tvm_runtime.*") if path.suffix in {".so", ".dylib", ".dll"})
library = ctypes.CDLL(str(runtime), ctypes.RTLD_GLOBAL)
tvm_ffi.get_global_func("vm.builtin.tensor_cache.load")(sys.argv[1], 1, 0)
names = sys.argv[2].split(",")
for array in tvm_ffi.get_global_func("vm.builtin.param_array_from_cache_by_name")(tvm_ffi.convert(names)):
    print(float(np.from_dlpack(array).astype("float64").sum()))
"""
    names = ",".join(TENSORS)
    command = [sys.executable, "-c", script, str(tmp_path), names]
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert [float(line) for line in lines] == [float(array.astype("float64").sum()) for array in TENSORS.values()]


def test_a_tensor_of_another_size_than_announced_is_a_fault_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 bytes were given, 4 are needed"), ShardWriter(tmp_path) as writer:
        writer.add("a", (4,), np.uint8, [np.zeros(3, np.uint8)])
    assert not (tmp_path / "tensor-cache.json").exists()


def test_a_full_disk_is_told_and_leaves_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InstallError, match="No space left on device"):
        write(tmp_path)
    assert not (tmp_path / "tensor-cache.json").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "params_shard_0.bin").write_bytes(b"")
    with pytest.raises(InstallError, match="File exists"):
        write(tmp_path)


def test_a_tensor_larger_than_a_shard_has_one_of_its_own(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, 256) as writer:
        writer.add("small", (8,), np.uint8, [np.zeros(8, np.uint8)])
        writer.add("huge", (10, 100), np.uint8, (np.full((1, 100), row, np.uint8) for row in range(10)))
        writer.add("next", (8,), np.uint8, [np.ones(8, np.uint8)])
    index = json.loads((tmp_path / "tensor-cache.json").read_text())
    assert [[record["name"] for record in shard["records"]] for shard in index["records"]] == [
        *(["small"], ["huge"], ["next"])
    ]
    assert open_weights(tmp_path)["huge"][:, 0].tolist() == list(range(10))
