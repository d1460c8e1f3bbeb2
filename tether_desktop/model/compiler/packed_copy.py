"""A packed model folder from elsewhere, checked and copied."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from tether_desktop.model.compiler.shards import write_failed
from tether_desktop.model.compiler.source_card import licence_texts
from tether_desktop.model.compiler.strict_json import damaged
from tether_desktop.model.compiler.weight_file import file_in
from tether_desktop.model.discovery.model_folder import (
    check_md5,
    check_present,
    check_sizes,
    check_tensors,
    read_config,
    read_shards,
)

_BLOCK = 1 << 20
_CHECK_SHARE = 0.3
_LARGEST_SMALL_FILE = 64 << 20
_SMALL_FILES = re.compile(
    r"(mlc-chat-config|tensor-cache|tokenizer|tokenizer_config|special_tokens_map|generation_config)\.json"
    r"|chat_template\.jinja|README\.md"
)

OnProgress = Callable[[float], None]


def check_packed(folder: Path) -> None:
    """Make sure that a packed folder is complete, without reading its weights.

    Raises:
        ModelBroken: a file is missing, of the wrong size or leads elsewhere, or a tensor is not what the decoder needs.
    """
    shards = read_shards(folder)
    check_sizes(shards)
    check_tensors(read_config(folder), shards)
    check_present(folder / "tokenizer.json")
    for path in (*_small_files(folder), *(shard.path for shard in shards)):
        file_in(folder, path.name)
    if large := [path for path in _small_files(folder) if path.stat().st_size > _LARGEST_SMALL_FILE]:
        raise damaged(folder, f"{large[0].name} is larger than {_LARGEST_SMALL_FILE >> 20} MB")


def copy_packed(folder: Path, target: Path, on_progress: OnProgress) -> None:
    """Copy a packed folder into an empty one, weights, configuration, tokenizer, card and licences.

    Raises:
        ModelBroken: its weights are not what their checksums say.
        InstallError: the target cannot be written.
    """
    check_packed(folder)
    shards = read_shards(folder)
    check_md5(shards, lambda part: on_progress(part * _CHECK_SHARE))
    files = [*_small_files(folder), *licence_texts(folder), *(shard.path for shard in shards)]
    total = sum(path.stat().st_size for path in files)
    done = 0
    for path in files:
        for size in _copy(path, target / path.name):
            done += size
            on_progress(_CHECK_SHARE + (1 - _CHECK_SHARE) * min(done / total, 1.0))


def _small_files(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if _SMALL_FILES.fullmatch(path.name) and path.is_file()]


def _copy(source: Path, target: Path) -> Iterator[int]:
    """Copy a file and flush it to the disk, giving the bytes of each block."""
    try:
        with source.open("rb") as file, target.open("xb") as copy:
            while block := file.read(_BLOCK):
                copy.write(block)
                yield len(block)
            copy.flush()
            os.fsync(copy.fileno())
    except OSError as error:
        raise write_failed(target, error) from error
