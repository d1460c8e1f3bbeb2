"""Reading safetensors files strictly: every tensor as a region of its file.

Format: https://github.com/huggingface/safetensors#format. A file is an unsigned 64-bit length, a JSON header of that
length, and the bytes of the tensors, which follow each other without a gap.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import Any

from gguf import GGMLQuantizationType

from tether_desktop.model.compiler.source import SourceTensor
from tether_desktop.model.compiler.strict_json import MAX_BYTES, damaged, parse_object, read_object
from tether_desktop.model.compiler.weight_file import (
    LONGEST_NAME,
    MAX_DIMENSIONS,
    FileRegion,
    StoredTensor,
    UnreadableTensor,
    file_in,
)

INDEX_NAME = "model.safetensors.index.json"

_ENCODINGS = {name: GGMLQuantizationType[name] for name in ("F32", "F16", "BF16")}
_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E5M2", "F8_E4M3", "F8_E8M0"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
_SHARD = re.compile(r".+-\d{5}-of-(\d{5})\.safetensors")


def read_safetensors(path: Path) -> dict[str, SourceTensor]:
    """The tensors of one file by name.

    Raises:
        ModelBroken: the file is missing, truncated or malformed.
    """
    start, size, header = _read_header(path)
    header.pop("__metadata__", None)
    tensors = {}
    regions = []
    for name, entry in header.items():
        dtype, shape, region = _read_entry(path, start, name, entry)
        regions.append(region)
        tensors[name] = _tensor(name, dtype, shape, region)
    _check_regions(path, start, size, regions)
    return tensors


def read_safetensors_folder(folder: Path) -> dict[str, SourceTensor]:
    """The tensors of all weight files of a folder by name.

    Raises:
        ModelBroken: a file is missing or malformed, or the index does not fit the files.
    """
    if (folder / INDEX_NAME).exists():
        return _read_indexed(folder)
    tensors: dict[str, SourceTensor] = {}
    for name in _names_without_index(folder):
        found = read_safetensors(file_in(folder, name))
        if twins := tensors.keys() & found.keys():
            raise damaged(folder, f"several of its files hold {min(twins)!r}")
        tensors |= found
    return tensors


def _read_header(path: Path) -> tuple[int, int, dict[str, Any]]:
    """Where the tensors start, the size of the file, and the header."""
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            length = int.from_bytes(file.read(8), "little")
            content = file.read(min(length, MAX_BYTES + 1))
    except OSError as error:
        raise damaged(path, f"it cannot be read ({error})") from error
    if size < 8 or length > size - 8:
        raise damaged(path, f"it is truncated: its header should have {length:,} bytes, the file has {size:,}")
    if not content.startswith(b"{"):
        raise damaged(path, "it is not a safetensors file")
    return 8 + length, size, parse_object(content, path)


def _read_entry(path: Path, start: int, name: str, entry: Any) -> tuple[str, tuple[int, ...], FileRegion]:
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    except (TypeError, KeyError, ValueError):
        raise _bad_tensor(path, name, "is not described as it should be") from None
    if (
        not isinstance(dtype, str)
        or not isinstance(shape, list)
        or len(shape) > MAX_DIMENSIONS
        or len(name) > LONGEST_NAME
    ):
        raise _bad_tensor(path, name, "has no usable name, shape or type")
    if not all(type(number) is int and 0 <= number < 1 << 63 for number in (*shape, begin, end)) or begin > end:
        raise _bad_tensor(path, name, "has a size or place that cannot be")
    bits = _BITS.get(dtype)
    if bits is not None and prod(shape) * bits != (end - begin) * 8:
        raise _bad_tensor(path, name, f"has {end - begin:,} bytes, which does not fit {dtype} of the shape {shape}")
    return dtype, tuple(shape), FileRegion(path, start + begin, end - begin)


def _tensor(name: str, dtype: str, shape: tuple[int, ...], region: FileRegion) -> SourceTensor:
    if dtype not in _ENCODINGS:
        return UnreadableTensor(name, shape, region.path, f"has the type {dtype[:20]}; F32, F16 and BF16 can be used")
    if region.size == 0:
        return UnreadableTensor(name, shape, region.path, "has no elements")
    return StoredTensor(name, _ENCODINGS[dtype], shape or (1,), region)


def _check_regions(path: Path, start: int, size: int, regions: list[FileRegion]) -> None:
    """Make sure that the tensors cover the rest of the file without gap or overlap, as the format demands."""
    end = start
    for region in sorted(regions, key=lambda region: (region.offset, region.size)):
        if region.offset != end:
            raise damaged(path, "its tensors overlap or leave gaps")
        end += region.size
    if end > size:
        raise damaged(path, f"it is truncated: its tensors end at byte {end:,}, the file has {size:,}")
    if end < size:
        raise damaged(path, f"it has {size - end:,} bytes that belong to no tensor")


def _read_indexed(folder: Path) -> dict[str, SourceTensor]:
    places = read_object(file_in(folder, INDEX_NAME)).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(name, str) for name in places.values()):
        raise damaged(folder, f"{INDEX_NAME} does not say where the tensors are")
    files = {name: read_safetensors(file_in(folder, name)) for name in sorted(set(places.values()))}
    if lost := [name for name, file in places.items() if name not in files[file]]:
        raise damaged(folder, f"{lost[0]!r} is not in {places[lost[0]]}, where the index says it is")
    return {name: files[file][name] for name, file in places.items()}


def _names_without_index(folder: Path) -> Iterable[str]:
    try:
        names = sorted(path.name for path in folder.iterdir() if path.suffix == ".safetensors")
    except OSError as error:
        raise damaged(folder, f"it cannot be read ({error})") from error
    if "model.safetensors" in names or len(names) == 1:
        return ["model.safetensors"] if "model.safetensors" in names else names
    if not names:
        raise damaged(folder, "it holds no safetensors files", _remedy_without_weights(folder))
    shards = [name for name in names if _SHARD.fullmatch(name)]
    if shards and all(_SHARD.fullmatch(name)[1] == f"{len(shards):05}" for name in shards):  # type: ignore[index]
        return shards
    raise damaged(folder, f"{INDEX_NAME} is missing, and it is unclear which files belong together")


def _remedy_without_weights(folder: Path) -> str:
    if any(path.suffix in {".bin", ".pt", ".pth"} for path in folder.iterdir()):
        return "Pickled weights (*.bin) could run code and are not opened; fetch the model as safetensors or GGUF."
    return "Fetch the model again."


def _bad_tensor(path: Path, name: str, reason: str) -> Exception:
    return damaged(path, f"its tensor {name[:100]!r} {reason}")
