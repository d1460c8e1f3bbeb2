"""What a decoder is made of, as far as its compiled library depends on it: dimensions, variants, tile formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from typing import Any, Literal, get_args

from tether_desktop.errors import ModelBroken

TILE_ROWS = 16
GROUP = 32
"""A weight tile has 16 rows and 32 columns; a group of 32 columns shares a scale per row."""

Activation = Literal["silu", "gelu_tanh"]
Params = dict[str, tuple[tuple[int, ...], str]]
"""Shape and dtype of tensors by name."""

_LARGEST = 1 << 24
"""No size of a decoder is larger; keeps absurd ones from being computed with."""

_KINDS = {int: "whole number", float: "number", bool: "true or false", str: "name"}
_LEVEL_BYTES = {4: 256, 5: 256 + 64, 8: 512}


@dataclass(frozen=True, slots=True)
class TileFormat:
    """How the weights of a tile are stored: levels, then float16 scale[16], then float16 minimum[16] if it has any.

    A weight is ``(level - zero_point) * scale``, or ``level * scale + minimum``. The order of the levels:

    - 4 bits, 256 bytes: byte ``j*64 + row*4 + b`` holds column ``4*j + b`` in its low nibble and column
      ``16 + 4*j + b`` in its high one, for j and b in 0..3.
    - 5 bits, 320 bytes: the low four bits as above; then byte ``256 + row*4 + b`` holds in bit j the fifth bit of
      column ``4*j + b``, for j in 0..7.
    - 8 bits, 512 bytes: byte ``j*64 + row*4 + b`` holds column ``4*j + b``, for j in 0..7.

    Attributes:
        name: unique.
        bits: of a level.
        has_minimum: whether each row of a tile has its own offset.
        zero_point: the level that stands for 0 where there is no minimum.
    """

    name: str
    bits: int
    has_minimum: bool
    zero_point: int = 0

    @property
    def level_bytes(self) -> int:
        """Bytes of a tile before its scales."""
        return _LEVEL_BYTES[self.bits]

    @property
    def tile_bytes(self) -> int:
        """Bytes of a tile; no two formats have the same."""
        return self.level_bytes + 2 * TILE_ROWS * (2 if self.has_minimum else 1)


TILE_FORMATS = {
    tile.name: tile
    for tile in (
        TileFormat("q4_0", 4, has_minimum=False, zero_point=8),
        TileFormat("q4_1", 4, has_minimum=True),
        TileFormat("q5_0", 5, has_minimum=False, zero_point=16),
        TileFormat("q5_1", 5, has_minimum=True),
        TileFormat("q8_0", 8, has_minimum=False, zero_point=128),
    )
}

MATRICES = ("embed", "qkv", "o", "gate_up", "down", "lm_head")
"""The weight matrices; a tied decoder has no ``lm_head``."""

LAYER_MATRICES = ("qkv", "o", "gate_up", "down")
"""Those of MATRICES that each layer has."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Layers of one kind of matrix that are stored together, in one tile format.

    Attributes:
        tensor: its name.
        form: name of the tile format.
        layers: how many there are.
    """

    tensor: str
    form: str
    layers: int


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """All that is compiled into a library, and by which a library is matched with a model.

    Attributes:
        layers: decoder layers.
        hidden: width of the residual stream.
        intermediate: width of the feed-forward layer.
        heads, kv_heads: query heads, and key/value heads they share.
        head_dim: width of a head.
        rotary_dim: leading columns of a head that RoPE rotates (by halves).
        vocab: rows of embedding and head, a multiple of 16.
        norm_eps: added to the mean square in RMSNorm.
        activation: of the gate.
        attention_scale: what scores are multiplied by.
        embedding_scale: what embeddings are multiplied by.
        qkv_bias: whether query, key and value have one.
        qk_norm: whether each query and key head is normalized before it is rotated.
        post_norms: whether what attention and feed-forward give is normalized before it is added.
        windowed: whether layers see only so many positions back, each as the model says.
        rope_tables: how many kinds of rotation there are; layers choose where there are several.
        tied: whether the head is the embedding.
        formats: name of the tile format of each of MATRICES.
        wide_formats: of matrices some of whose layers need a wider format, the name of that.
        wide_layers: how many layers these are, by the same matrices.
    """

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head_dim: int
    rotary_dim: int
    vocab: int
    norm_eps: float
    activation: Activation
    attention_scale: float
    embedding_scale: float
    qkv_bias: bool
    qk_norm: bool
    post_norms: bool
    windowed: bool
    rope_tables: int
    tied: bool
    formats: dict[str, str]
    wide_formats: dict[str, str] = field(default_factory=dict)
    wide_layers: dict[str, int] = field(default_factory=dict)

    @property
    def qkv(self) -> int:
        """Rows of the joined query, key and value projection."""
        return (self.heads + 2 * self.kv_heads) * self.head_dim

    @property
    def group_heads(self) -> int:
        """Query heads that share a key/value head."""
        return self.heads // self.kv_heads

    @property
    def head_matrix(self) -> str:
        """Which of MATRICES gives the logits."""
        return "embed" if self.tied else "lm_head"

    @property
    def cache_bytes_per_position(self) -> int:
        """Bytes of keys and values (float16) that one position takes in all layers."""
        return 4 * self.layers * self.kv_heads * self.head_dim

    def stacks(self, matrix: str) -> tuple[Stack, ...]:
        """How one of LAYER_MATRICES is stored: in one stack, or in a narrow one and a wide one.

        Where there are two, ``layers.<matrix>.place`` tells of each layer where it lies: n is place n of the narrow
        stack, -1 - n is place n of the wide one.
        """
        wide = self.wide_layers.get(matrix, 0)
        narrow = Stack(f"layers.{matrix}.tiles", self.formats[matrix], self.layers - wide)
        if not wide:
            return (narrow,)
        return narrow, Stack(f"layers.{matrix}.wide.tiles", self.wide_formats[matrix], wide)

    def parameters(self) -> Params:
        """The tensors that the kernels read, in the order they take them."""
        layers, hidden = self.layers, self.hidden
        tensors: list[tuple[bool, str, tuple[int, ...], str]] = [
            (True, "embed.tiles", _tiles(self.formats["embed"], self.vocab, hidden), "uint8"),
            (True, "layers.attn_norm", (layers, hidden), "float32"),
            *self._matrix("qkv", self.qkv, hidden),
            (self.qkv_bias, "layers.qkv.bias", (layers, self.qkv), "float32"),
            (self.qk_norm, "layers.q_norm", (layers, self.head_dim), "float32"),
            (self.qk_norm, "layers.k_norm", (layers, self.head_dim), "float32"),
            *self._matrix("o", hidden, self.heads * self.head_dim),
            (self.post_norms, "layers.post_attn_norm", (layers, hidden), "float32"),
            (True, "layers.ffn_norm", (layers, hidden), "float32"),
            *self._matrix("gate_up", 2 * self.intermediate, hidden),
            *self._matrix("down", hidden, self.intermediate),
            (self.post_norms, "layers.post_ffn_norm", (layers, hidden), "float32"),
            (self.windowed, "layers.window", (layers,), "int32"),
            (self.rope_tables > 1, "layers.rope", (layers,), "int32"),
            (True, "final_norm", (hidden,), "float32"),
            (not self.tied, "lm_head.tiles", _tiles(self.formats.get("lm_head", "q8_0"), self.vocab, hidden), "uint8"),
        ]
        return {name: (shape, dtype) for present, name, shape, dtype in tensors if present}

    def stored_tensors(self) -> Params:
        """The tensors that a model folder holds: those of the kernels, and what the runtime makes its tables of."""
        return {**self.parameters(), "rope.inv_freq": ((self.rope_tables, self.rotary_dim // 2), "float32")}

    def _matrix(self, matrix: str, rows: int, columns: int) -> list[tuple[bool, str, tuple[int, ...], str]]:
        stacks = self.stacks(matrix)
        tiles = [(True, each.tensor, (each.layers, *_tiles(each.form, rows, columns)), "uint8") for each in stacks]
        return [*tiles, (len(stacks) > 1, f"layers.{matrix}.place", (self.layers,), "int32")]


def _tiles(form: str, rows: int, columns: int) -> tuple[int, ...]:
    return rows // TILE_ROWS, columns // GROUP, TILE_FORMATS[form].tile_bytes


def shape_of(config: Mapping[str, Any]) -> DecoderShape:
    """The decoder that the contents of ``mlc-chat-config.json`` describe under ``decoder``.

    Raises:
        ModelBroken: a value is missing, or the kernels cannot be made for it.
    """
    try:
        return parse_shape(config["decoder"])
    except KeyError as error:
        raise _broken(f"it does not say {error.args[0]!r}") from error
    except ValueError as error:
        raise _broken(str(error)) from error
    except (TypeError, AttributeError) as error:
        raise _broken("a value is of the wrong kind") from error


def parse_shape(values: Mapping[str, Any]) -> DecoderShape:
    """A decoder from its JSON object.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: a value is missing, of the wrong kind, or the kernels cannot
            be made for it; the text of a ValueError says which.
    """
    kinds: dict[Any, type] = {"int": int, "float": float, "bool": bool, "Activation": str}
    read = {
        each.name: _exactly(kinds[str(each.type)], values[each.name])
        for each in fields(DecoderShape)
        if each.type in kinds
    }
    formats, wide_formats = ({str(m): str(f) for m, f in values[key].items()} for key in ("formats", "wide_formats"))
    wide_layers = {str(matrix): _exactly(int, count) for matrix, count in values["wide_layers"].items()}
    shape = DecoderShape(**read, formats=formats, wide_formats=wide_formats, wide_layers=wide_layers)
    _check(shape)
    return shape


def shape_json(shape: DecoderShape) -> dict[str, Any]:
    """The inverse of :func:`parse_shape`."""
    return asdict(shape)


def _exactly(kind: type, value: object) -> Any:
    if kind is float and type(value) is int and abs(value) < _LARGEST:
        return float(value)
    if type(value) is not kind:
        raise ValueError(f"{str(value)[:40]!r} is no {_KINDS[kind]}")
    return value


def _check(shape: DecoderShape) -> None:
    sizes = (shape.layers, shape.hidden, shape.intermediate, shape.heads, shape.kv_heads, shape.head_dim, shape.vocab)
    numbers = (shape.norm_eps, shape.attention_scale, shape.embedding_scale)
    matrices = {name for name in MATRICES if name != "lm_head" or not shape.tied}
    problems = {
        "a dimension is not positive": min(*sizes, shape.rope_tables) <= 0,
        "a dimension is absurdly large": max(*sizes, shape.rope_tables) > _LARGEST,
        "a number cannot be computed with": not all(isfinite(number) and number >= 0 for number in numbers),
        f"hidden is not a multiple of {GROUP}": shape.hidden % GROUP,
        f"intermediate is not a multiple of {GROUP}": shape.intermediate % GROUP,
        f"head_dim is not a multiple of {GROUP}": shape.head_dim % GROUP,
        f"vocab is not a multiple of {TILE_ROWS}": shape.vocab % TILE_ROWS,
        "rotary_dim does not fit in a head": not 0 < shape.rotary_dim <= shape.head_dim or shape.rotary_dim % GROUP,
        "heads is not a multiple of kv_heads": shape.kv_heads > 0 and shape.heads % shape.kv_heads,
        "the activation is unknown": shape.activation not in get_args(Activation),
        "a tile format is missing or unknown": shape.formats.keys() != matrices
        or not {*shape.formats.values(), *shape.wide_formats.values()} <= TILE_FORMATS.keys(),
        "the wide layers of a matrix make no sense": shape.wide_formats.keys() != shape.wide_layers.keys()
        or not shape.wide_layers.keys() <= set(LAYER_MATRICES)
        or any(not 0 < count < shape.layers for count in shape.wide_layers.values()),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ValueError(problem)


def _broken(reason: str) -> ModelBroken:
    return ModelBroken(
        "The model cannot be used",
        f"The description of its decoder in mlc-chat-config.json cannot be used: {reason}.",
        "Add the model again.",
    )
