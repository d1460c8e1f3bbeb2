"""The tensors that a decoder needs, found among those of its source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from math import isfinite

from gguf import GGMLQuantizationType

from tether_desktop.model.compiler.architectures.settings import Settings
from tether_desktop.model.compiler.ggml_blocks import FLOAT_ENCODINGS, LEVEL_FORMS
from tether_desktop.model.compiler.source import DecoderConfig, SourceTensor
from tether_desktop.model.decoder_shape import GROUP

TensorKey = tuple[str, int | None]
"""Our name of a tensor, and its layer."""

FLOATS = frozenset(GGMLQuantizationType[name] for name in ("F32", "F16", "BF16"))
"""How vectors may be stored."""
_MATRIX_ENCODINGS = frozenset((*LEVEL_FORMS, *FLOAT_ENCODINGS))
_MOST_HEAD_DIM = 256


def check_dimensions(config: DecoderConfig, settings: Settings) -> None:
    """Refuse what the kernels cannot be made for.

    Raises:
        ModelBroken: with what is in the way.
    """
    problems = {
        f"its hidden size {config.hidden} is no multiple of {GROUP}": config.hidden % GROUP,
        f"its intermediate size {config.intermediate} is no multiple of {GROUP}": config.intermediate % GROUP,
        f"its attention heads of {config.head_dim} columns do not fill groups of {GROUP}": config.head_dim % GROUP,
        f"its attention heads of {config.head_dim} columns are too wide": config.head_dim > _MOST_HEAD_DIM,
        f"it rotates {config.rotary_dim} of {config.head_dim} columns of a head": config.rotary_dim % GROUP
        or not 0 < config.rotary_dim <= config.head_dim,
        f"its {config.heads} heads do not share {config.kv_heads} key-value heads evenly": config.heads
        % config.kv_heads,
        "its context window is empty": config.context_window < 1,
        "its attention scale is not a number": not isfinite(config.attention_scale),
    }
    for problem, is_there in problems.items():
        if is_there:
            raise settings.refusal(f"{problem}, which cannot be run here.")


def expected_shapes(config: DecoderConfig) -> dict[TensorKey, tuple[int, ...]]:
    """Shapes of all tensors of a decoder."""
    vocab = (config.vocab, config.hidden)
    shapes: dict[TensorKey, tuple[int, ...]] = {("embed", None): vocab, ("final_norm", None): (config.hidden,)}
    if not config.tied:
        shapes["lm_head", None] = vocab
    of_layer = _layer_shapes(config)
    return shapes | {(name, layer): shape for layer in range(config.layers) for name, shape in of_layer.items()}


def take_tensors(
    config: DecoderConfig,
    tensors: Mapping[str, SourceTensor],
    name_of: Callable[[str, int | None], str],
    not_needed: Iterable[str],
    settings: Settings,
) -> dict[TensorKey, SourceTensor]:
    """The tensors of a decoder by our names.

    Args:
        config: the decoder.
        tensors: those of the source, by its names.
        name_of: the source's name of a tensor, from ours and the layer.
        not_needed: the source's names of tensors that may be there, and are left out.
        settings: those of the source, for messages.

    Raises:
        ModelBroken: one is missing, left over, or of a shape or encoding that does not fit.
    """
    shapes = expected_shapes(config)
    names = {key: name_of(*key) for key in shapes}
    if missing := [name for name in names.values() if name not in tensors]:
        raise settings.refusal(f"it lacks the tensor {missing[0]!r}.", "Fetch it again, or choose another model.")
    if unknown := sorted(tensors.keys() - set(names.values()) - set(not_needed)):
        raise settings.refusal(f"it has the tensor {unknown[0]!r}, which is unknown in its architecture.")
    for key, name in names.items():
        _check_tensor(tensors[name], shapes[key], settings)
    return {key: tensors[name] for key, name in names.items()}


def _check_tensor(tensor: SourceTensor, shape: tuple[int, ...], settings: Settings) -> None:
    if tensor.shape != shape:
        raise settings.refusal(f"its tensor {tensor.name!r} has the shape {tensor.shape}, not {shape}.")
    known = _MATRIX_ENCODINGS if len(shape) > 1 else FLOATS
    if tensor.encoding not in known:
        names = ", ".join(sorted(kind.name for kind in known))
        raise settings.refusal(
            f"its tensor {tensor.name!r} is stored as {tensor.encoding.name}, which is not read here.",
            f"Choose a file of the same model whose weights are {names}, such as Q4_K_M or Q8_0.",
        )


def _layer_shapes(config: DecoderConfig) -> dict[str, tuple[int, ...]]:
    hidden, inner, head = config.hidden, config.intermediate, config.head_dim
    queries, keys = config.heads * head, config.kv_heads * head
    tensors: list[tuple[bool, str, tuple[int, ...]]] = [
        (True, "attn_norm", (hidden,)),
        (True, "q", (queries, hidden)),
        (True, "k", (keys, hidden)),
        (True, "v", (keys, hidden)),
        (config.qkv_bias, "q_bias", (queries,)),
        (config.qkv_bias, "k_bias", (keys,)),
        (config.qkv_bias, "v_bias", (keys,)),
        (config.qk_norm, "q_norm", (head,)),
        (config.qk_norm, "k_norm", (head,)),
        (True, "o", (hidden, queries)),
        (config.post_norms, "post_attn_norm", (hidden,)),
        (True, "ffn_norm", (hidden,)),
        (True, "gate", (inner, hidden)),
        (True, "up", (inner, hidden)),
        (True, "down", (hidden, inner)),
        (config.post_norms, "post_ffn_norm", (hidden,)),
    ]
    return {name: shape for present, name, shape in tensors if present}
