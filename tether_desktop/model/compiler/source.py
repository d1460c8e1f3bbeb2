"""What every kind of source weights becomes before it is packed: a decoder's description, and tensors by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from gguf import GGMLQuantizationType
from numpy.typing import NDArray

from tether_desktop.model.decoder_shape import Activation


@dataclass(frozen=True, slots=True)
class RopeTable:
    """One kind of rotation.

    Attributes:
        inv_freq: radians per position, for each of the rotary_dim / 2 pairs; any scaling is in it.
        long_inv_freq: the same for context windows beyond ``Rope.original_context``; empty when equal.
    """

    inv_freq: tuple[float, ...]
    long_inv_freq: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Rope:
    """Rotary positions of a decoder.

    Attributes:
        tables: the kinds of rotation.
        of_layer: index of the table of each layer; empty when there is one table.
        scale: what cosines and sines are multiplied by ("attention factor" of YaRN and LongRoPE).
        original_context: positions up to which ``inv_freq`` is meant where a table has a long form; else 0.
    """

    tables: tuple[RopeTable, ...]
    of_layer: tuple[int, ...] = ()
    scale: float = 1.0
    original_context: int = 0


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    """A decoder as its author describes it; the fields mean what those of :class:`DecoderShape` do.

    Attributes:
        vocab: tokens, not padded.
        context_window: tokens the model was made for.
        windows: positions each layer sees back, 0 for all; empty when all layers see all.
        norm_offset: added to the weights of every norm (1 where they are stored as w - 1).
    """

    model_type: str
    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    rotary_dim: int
    vocab: int
    context_window: int
    norm_eps: float
    attention_scale: float
    rope: Rope
    tied: bool
    activation: Activation = "silu"
    embedding_scale: float = 1.0
    qkv_bias: bool = False
    qk_norm: bool = False
    post_norms: bool = False
    windows: tuple[int, ...] = ()
    norm_offset: float = 0.0


class SourceTensor(Protocol):
    """A tensor of the source, read piece by piece; every kind of source gives GGML's encodings."""

    @property
    def name(self) -> str:
        """As the source calls it, for messages."""
        ...

    @property
    def encoding(self) -> GGMLQuantizationType:
        """Of the rows that :meth:`read` gives."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """(rows, columns), or (columns,) for a vector."""
        ...

    def read(self, rows: slice = slice(None)) -> NDArray[np.uint8]:
        """Some rows as ``uint8[rows, bytes per row]``; a vector is one row."""
        ...


class ModelSource(Protocol):
    """Source weights of one model.

    Opening one has checked that every tensor the decoder needs is there with its shape, and that none is left over.
    """

    @property
    def path(self) -> Path:
        """File or folder, for messages."""
        ...

    @property
    def config(self) -> DecoderConfig:
        """The decoder."""
        ...

    def tensor(self, name: str, layer: int | None = None) -> SourceTensor:
        """The tensor of that name.

        Without a layer: embed, final_norm, and lm_head where that is not the embedding. With one: the matrices q, k,
        v, o, gate, up and down as [rows, columns] of y = W x, q and k in the row order of rotated halves; and of
        the vectors attn_norm, q_bias, k_bias, v_bias, q_norm, k_norm, post_attn_norm, ffn_norm and post_ffn_norm
        those that the decoder has.
        """
        ...


class TokenizerSource(Protocol):
    """The tokenizer and chat template of a source."""

    @property
    def bos_token_id(self) -> int | None:
        """The token that begins a text, if there is one."""
        ...

    @property
    def eos_token_ids(self) -> list[int]:
        """Tokens that end a reply."""
        ...

    @property
    def conv_template(self) -> dict[str, Any]:
        """MLC's description of the chat format; empty when it has none."""
        ...

    def files(self) -> dict[str, bytes]:
        """Contents of ``tokenizer.json``, ``tokenizer_config.json`` and whatever else belongs to them, by name."""
        ...
