"""Libraries of MLC-LLM's own compiler: what they say of themselves, and whether they fit an MLC folder.

MLC-LLM attaches its metadata as one JSON text whose first key is ``model_type`` (``mlc_llm/interface/compile.py``).
A dimension that is left open until the weights are loaded stands there by its name in ``model_config``.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tether_desktop.model.decoder_shape import Params
from tether_desktop.model.discovery.embedded_json import first_object
from tether_desktop.model.discovery.model_folder import ChatConfig

_MARKER = b'{"model_type"'
_LARGEST_METADATA = 2 << 20


@dataclass(frozen=True, slots=True)
class OfficialLibrary:
    """What a library of MLC-LLM says of itself.

    Attributes:
        context_window: tokens it was compiled for; 0 when it does not say.
        params: name, shape and dtype of its weights; an open dimension is a name.
    """

    model_type: str
    quantization: str
    context_window: int
    prefill_chunk_size: int
    tensor_parallel_shards: int
    params: tuple[tuple[str, tuple[int | str, ...], str], ...]

    def fits(self, config: ChatConfig, tensors: Params) -> bool:
        """Whether it runs these weights, all of them and on one device."""
        if (self.model_type, self.quantization) != (config.model_type, config.quantization):
            return False
        sizes = config.sizes
        needed = {
            name: (tuple(sizes.get(size, -1) if isinstance(size, str) else size for size in shape), dtype)
            for name, shape, dtype in self.params
        }
        return self.tensor_parallel_shards == 1 and needed == tensors


def official_engine_there() -> bool:
    """Whether MLC-LLM's engine is installed; it is located, not imported."""
    try:
        return importlib.util.find_spec("mlc_llm") is not None
    except ValueError:  # it is imported already, by hand
        return True


def read_official(path: Path) -> OfficialLibrary | None:
    """The metadata in a library of MLC-LLM, or None when the file is none.

    Raises:
        OSError: the file cannot be read.
    """
    return first_object(path, _MARKER, _parse, _LARGEST_METADATA)


def fitting_official(
    config: ChatConfig, tensors: Params, libraries: Iterable[Path]
) -> list[tuple[Path, OfficialLibrary]]:
    """The libraries of MLC-LLM that run the weights of an MLC folder."""
    found = []
    for path in libraries:
        with suppress(OSError):
            status = path.stat()
            library = _known_official(path, status.st_size, status.st_mtime_ns)
            if library is not None and library.fits(config, tensors):
                found.append((path, library))
    return found


@lru_cache(maxsize=512)
def _known_official(path: Path, _size: int, _modified_ns: int) -> OfficialLibrary | None:
    return read_official(path)


def _parse(fields: dict[str, Any]) -> OfficialLibrary:
    context_window = fields["context_window_size"]
    params = tuple(
        (str(param["name"]), tuple(map(_dimension, param["shape"])), str(param["dtype"])) for param in fields["params"]
    )
    return OfficialLibrary(
        model_type=str(fields["model_type"]),
        quantization=str(fields["quantization"]),
        context_window=context_window if type(context_window) is int and context_window > 0 else 0,
        prefill_chunk_size=_exact_int(fields["prefill_chunk_size"]),
        tensor_parallel_shards=_exact_int(fields["tensor_parallel_shards"]),
        params=params,
    )


def _dimension(value: object) -> int | str:
    return value if isinstance(value, str) else _exact_int(value)


def _exact_int(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value
