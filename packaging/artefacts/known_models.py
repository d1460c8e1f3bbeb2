"""The decoders of the models in the catalogue, known without fetching a single one.

Their dimensions are what their authors publish. Which encoding each tensor has follows from the name of the file and
the rules of llama.cpp's quantizer (``llama_tensor_get_type``), which makes all these files.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from gguf import GGMLQuantizationType as Encoding

from tether_desktop.model.compiler import architectures
from tether_desktop.model.compiler.architectures.gguf_metadata import GgufMetadata
from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.formats import choose_formats, decoder_shape
from tether_desktop.model.compiler.source import DecoderConfig
from tether_desktop.model.decoder_shape import DecoderShape
from tether_desktop.model.install.offers import load_offers

_SUPERBLOCK = 256
_WITHOUT_SUPERBLOCKS = {Encoding.Q4_K: Encoding.Q5_0, Encoding.Q5_K: Encoding.Q5_1, Encoding.Q6_K: Encoding.Q8_0}
"""What the quantizer takes for rows that are no multiple of a superblock."""

_PLAIN = {"Q8_0": Encoding.Q8_0, "Q4_0": Encoding.Q4_0, "Q4_K_M": Encoding.Q4_K}
_EQUAL_ROWS = ("embed", "lm_head", "q", "k", "v", "gate", "up")
"""The matrices whose rows are as long as the residual stream is wide."""


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A model by what its GGUF file says.

    Attributes:
        offer: its name in the catalogue.
        architecture: as in ``general.architecture``.
        layers, hidden, intermediate, heads, kv_heads, head_dim, vocab, norm_eps, context_window: of its decoder.
        tied: whether it has no head of its own.
        more: further metadata.
    """

    offer: str
    architecture: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab: int
    norm_eps: float
    context_window: int
    tied: bool = True
    more: tuple[tuple[str, Any], ...] = ()

    def config(self) -> DecoderConfig:
        """Its decoder, read as it would be read from the file."""
        name = self.architecture
        fields = {
            "block_count": self.layers,
            "embedding_length": self.hidden,
            "feed_forward_length": self.intermediate,
            "attention.head_count": self.heads,
            "attention.head_count_kv": self.kv_heads,
            "attention.key_length": self.head_dim,
            "attention.value_length": self.head_dim,
            "attention.layer_norm_rms_epsilon": self.norm_eps,
            "context_length": self.context_window,
            **dict(self.more),
        }
        settings = Settings({f"{name}.{key}": value for key, value in fields.items()}, self.offer, f"{name}.")
        metadata = GgufMetadata(settings, self.vocab, self.tied, lambda _: None)
        return architectures.of_gguf(name, settings).read_gguf(metadata)


_GEMMA = (("attention.sliding_window", 512),)
KNOWN = (
    KnownModel("smollm2-135m-instruct", "llama", 30, 576, 1536, 9, 3, 64, 49152, 1e-5, 8192),
    KnownModel("gemma-3-270m-it", "gemma3", 18, 640, 2048, 4, 1, 256, 262144, 1e-6, 32768, more=_GEMMA),
    KnownModel("smollm2-360m-instruct", "llama", 32, 960, 2560, 15, 5, 64, 49152, 1e-5, 8192),
    KnownModel("qwen2.5-0.5b-instruct", "qwen2", 24, 896, 4864, 14, 2, 64, 151936, 1e-6, 32768),
    KnownModel("qwen3-0.6b", "qwen3", 28, 1024, 3072, 16, 8, 128, 151936, 1e-6, 40960),
    KnownModel("llama-3.2-1b-instruct", "llama", 16, 2048, 8192, 32, 8, 64, 128256, 1e-5, 131072),
    KnownModel("gemma-3-1b-it", "gemma3", 26, 1152, 6912, 4, 1, 256, 262144, 1e-6, 32768, more=_GEMMA),
    KnownModel("qwen2.5-1.5b-instruct", "qwen2", 28, 1536, 8960, 12, 2, 128, 151936, 1e-6, 32768),
    KnownModel("smollm2-1.7b-instruct", "llama", 24, 2048, 8192, 32, 32, 64, 49152, 1e-5, 8192),
    KnownModel("qwen3-1.7b", "qwen3", 28, 2048, 6144, 16, 8, 128, 151936, 1e-6, 40960),
    KnownModel("qwen2.5-3b-instruct", "qwen2", 36, 2048, 11008, 16, 2, 128, 151936, 1e-6, 32768),
    KnownModel("llama-3.2-3b-instruct", "llama", 28, 3072, 8192, 24, 8, 128, 128256, 1e-5, 131072),
    KnownModel(
        "phi-4-mini-instruct", "phi3", 32, 3072, 8192, 24, 8, 128, 200064, 1e-5, 131072,
        more=(("rope.dimension_count", 96), ("attention.sliding_window", 262144)),
    ),
    KnownModel(
        "phi-3.5-mini-instruct", "phi3", 32, 3072, 8192, 32, 32, 96, 32064, 1e-5, 131072, tied=False,
        more=(("attention.sliding_window", 262144),),
    ),
    KnownModel("qwen3-4b", "qwen3", 36, 2560, 9728, 32, 8, 128, 151936, 1e-6, 40960),
    KnownModel("mistral-7b-instruct-v0.3", "llama", 32, 4096, 14336, 32, 8, 128, 32768, 1e-5, 32768, tied=False),
    KnownModel("qwen2.5-7b-instruct", "qwen2", 28, 3584, 18944, 28, 4, 128, 152064, 1e-6, 32768, tied=False),
)  # fmt: skip


def known_decoders() -> Iterator[tuple[str, DecoderShape]]:
    """The model type and the decoder of every offer of the catalogue, and of the ways its file may have been made."""
    sources = {offer.id: offer.source.rpartition(":")[2] for offer in load_offers()}
    for model in KNOWN:
        config = model.config()
        for with_matrix in (True, False) if sources[model.offer] == "Q4_0" else (True,):
            joins = model.architecture == "phi3"
            source = QuantizedFile(config, sources[model.offer], joins=joins, with_matrix=with_matrix)
            yield config.model_type, decoder_shape(config, choose_formats(source))


class QuantizedFile:
    """Which encoding each tensor of a file has.

    Attributes:
        path: its name.
        config: its decoder.
    """

    def __init__(self, config: DecoderConfig, name: str, *, joins: bool, with_matrix: bool) -> None:
        """Describe a file that is called ``name`` ("Q4_K_M").

        Args:
            config: of its decoder.
            name: of its quantization.
            joins: whether query, key and value are one tensor.
            with_matrix: whether it was made with a table of which weights matter ("imatrix").
        """
        self.path = Path(f"{name}.gguf")
        self.config = config
        self._name = name
        self._joins = joins
        self._with_matrix = with_matrix

    def tensor(self, name: str, layer: int | None = None) -> Any:
        """Something that has the encoding of that tensor."""
        wanted = self._wanted(name, layer)
        return SimpleNamespace(encoding=_WITHOUT_SUPERBLOCKS.get(wanted, wanted) if self._is_odd(name) else wanted)

    def _wanted(self, name: str, layer: int | None) -> Encoding:
        plain = _PLAIN[self._name]
        is_head = name == "lm_head" or (name == "embed" and self.config.tied)
        if is_head and plain is not Encoding.Q8_0:
            return Encoding.Q6_K
        if layer is None:
            return plain
        eighth = self.config.layers // 8
        if self._name == "Q4_K_M" and name in {"q", "k", "v"} and self._joins:
            return Encoding.Q5_K
        if self._name == "Q4_K_M" and name in {"v", "down"} and _gets_more_bits(layer, self.config.layers):
            return Encoding.Q6_K
        if self._name == "Q4_0" and name == "down" and self._with_matrix and layer < eighth:
            return Encoding.Q4_1
        return plain

    def _is_odd(self, name: str) -> bool:
        sizes = {"o": self.config.heads * self.config.head_dim, "down": self.config.intermediate}
        columns = self.config.hidden if name in _EQUAL_ROWS else sizes[name]
        return columns % _SUPERBLOCK != 0


def _gets_more_bits(layer: int, layers: int) -> bool:
    eighth = layers // 8
    return layer < eighth or layer >= 7 * layers // 8 or (layer - eighth) % 3 == 2
