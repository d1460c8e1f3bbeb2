"""Which tile format the weights of a model go into: the smallest that loses nothing, layer by layer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gguf import GGMLQuantizationType

from tether_desktop.errors import ModelBroken
from tether_desktop.model.compiler.ggml_blocks import FLOAT_ENCODINGS, LEVEL_FORMS
from tether_desktop.model.compiler.source import DecoderConfig, ModelSource
from tether_desktop.model.decoder_shape import MATRICES, TILE_FORMATS, TILE_ROWS, DecoderShape, TileFormat

Encodings = frozenset[GGMLQuantizationType]

PARTS = {
    "embed": ("embed",),
    "qkv": ("q", "k", "v"),
    "o": ("o",),
    "gate_up": ("gate", "up"),
    "down": ("down",),
    "lm_head": ("lm_head",),
}
"""Which matrices of the source make up each of MATRICES."""

LAYERLESS = ("embed", "lm_head")
"""The matrices that are not of a layer; they keep 8 bits even where fewer are asked for."""

_FORMS = {(form.bits, form.has_minimum): form for form in TILE_FORMATS.values()}
_BITS = (4, 5, 8)


@dataclass(frozen=True, slots=True)
class WideLayers:
    """Layers of a matrix that need a wider format than the others, and the name of that format."""

    form: str
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Formats:
    """The tile formats of a model.

    Attributes:
        names: of the format of each of MATRICES that the model has.
        wide: of the matrices some of whose layers need another one, which.
    """

    names: dict[str, str]
    wide: dict[str, WideLayers] = field(default_factory=dict)

    @property
    def quantization(self) -> str:
        """How the mix is called in names of folders."""
        layers = {name for matrix, name in self.names.items() if matrix not in LAYERLESS}
        return f"{layers.pop()}t16" if len(layers) == 1 and not self.wide else "mixed_t16"


def choose_formats(source: ModelSource, bits: int | None = None) -> Formats:
    """The formats for a model; files that mix types keep the smaller one where they have it.

    Args:
        source: the model.
        bits: see :func:`choose_format`; it is for the matrices of the layers.

    Raises:
        ModelBroken: weights are of a type that cannot be packed.
    """
    formats = Formats({})
    for matrix in MATRICES:
        if matrix in LAYERLESS:
            if matrix == "embed" or not source.config.tied:
                formats.names[matrix] = choose_format(encodings_of(source, matrix, None)).name
        else:
            _choose_for_layers(source, matrix, bits, formats)
    return formats


def _choose_for_layers(source: ModelSource, matrix: str, bits: int | None, formats: Formats) -> None:
    encodings = [encodings_of(source, matrix, layer) for layer in range(source.config.layers)]
    forms = [choose_format(each, bits) for each in encodings]
    widest = max(forms, key=lambda form: form.tile_bytes)
    wide = tuple(layer for layer, form in enumerate(forms) if form is widest)
    others = frozenset[GGMLQuantizationType]().union(*(encodings[i] for i in range(len(forms)) if i not in wide))
    narrow = choose_format(others, bits) if others else widest
    formats.names[matrix] = narrow.name
    if narrow is not widest:
        formats.wide[matrix] = WideLayers(widest.name, wide)


def decoder_shape(config: DecoderConfig, formats: Formats) -> DecoderShape:
    """What is compiled of a decoder whose matrices have these formats."""
    return DecoderShape(
        layers=config.layers,
        hidden=config.hidden,
        intermediate=config.intermediate,
        heads=config.heads,
        kv_heads=config.kv_heads,
        head_dim=config.head_dim,
        rotary_dim=config.rotary_dim,
        vocab=-(-config.vocab // TILE_ROWS) * TILE_ROWS,
        norm_eps=config.norm_eps,
        activation=config.activation,
        attention_scale=config.attention_scale,
        embedding_scale=config.embedding_scale,
        qkv_bias=config.qkv_bias,
        qk_norm=config.qk_norm,
        post_norms=config.post_norms,
        windowed=bool(config.windows),
        rope_tables=len(config.rope.tables),
        tied=config.tied,
        formats=formats.names,
        wide_formats={matrix: wide.form for matrix, wide in formats.wide.items()},
        wide_layers={matrix: len(wide.layers) for matrix, wide in formats.wide.items()},
    )


def encodings_of(source: ModelSource, matrix: str, layer: int | None) -> Encodings:
    """The encodings that the parts of a matrix have, in one layer or outside the layers."""
    return frozenset(source.tensor(part, layer).encoding for part in PARTS[matrix])


def choose_format(encodings: Iterable[GGMLQuantizationType], bits: int | None = None) -> TileFormat:
    """The smallest format that loses nothing, or as little as any can, of rows in all of these encodings.

    Args:
        encodings: at least one.
        bits: quantize rows of more bits to so many (4, 5 or 8); None keeps what can be kept.

    Raises:
        ModelBroken: rows of such an encoding, or with so many bits, cannot be packed.
    """
    if bits is not None and bits not in _BITS:
        raise _refused(f"Weights can have 4, 5 or 8 bits, not {bits}.", "Ask for another number of bits.")
    forms = [_natural_form(encoding, bits) for encoding in encodings]
    most = max(form.bits for form in forms)
    return _FORMS[most, most < 8 and any(form.has_minimum for form in forms)]


def check_encoding(encoding: GGMLQuantizationType) -> None:
    """Make sure that rows of an encoding can be read.

    Raises:
        ModelBroken: they cannot.
    """
    if encoding not in LEVEL_FORMS and encoding not in FLOAT_ENCODINGS:
        known = ", ".join(kind.name for kind in (*LEVEL_FORMS, *FLOAT_ENCODINGS))
        raise _refused(
            f"It has weights of the type {encoding.name}; only {known} can be packed.",
            "Choose the model in another quantization, such as Q4_K_M or Q8_0.",
        )


def _natural_form(encoding: GGMLQuantizationType, bits: int | None) -> TileFormat:
    """The format in which an encoding loses least, or the best of ``bits`` when that has fewer."""
    check_encoding(encoding)
    source = LEVEL_FORMS.get(encoding)
    form = TILE_FORMATS["q8_0"] if source is None else _FORMS[source.bits, source.has_minimum]
    return form if bits is None or form.bits <= bits else _FORMS[bits, True]


def _refused(reason: str, hint: str) -> ModelBroken:
    return ModelBroken("The model cannot be packed", reason, hint)
