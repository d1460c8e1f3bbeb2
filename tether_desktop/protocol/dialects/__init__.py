"""The dialects in which models write calls: one small module each."""

from __future__ import annotations

from tether_desktop.protocol.dialects.command import COMMAND
from tether_desktop.protocol.dialects.deepseek import DEEPSEEK, DEEPSEEK_R1
from tether_desktop.protocol.dialects.dialect import Dialect
from tether_desktop.protocol.dialects.function_call import OURS
from tether_desktop.protocol.dialects.harmony import HARMONY_CALLS
from tether_desktop.protocol.dialects.hermes import HERMES
from tether_desktop.protocol.dialects.llama import LLAMA
from tether_desktop.protocol.dialects.mistral import MISTRAL, MISTRAL_NAMED
from tether_desktop.protocol.dialects.phi import PHI
from tether_desktop.protocol.dialects.qwen_coder import QWEN_CODER

__all__ = ["DIALECTS", "OURS", "Dialect", "detect"]

DIALECTS = (
    OURS,
    QWEN_CODER,
    HERMES,
    MISTRAL_NAMED,
    MISTRAL,
    PHI,
    DEEPSEEK_R1,
    DEEPSEEK,
    COMMAND,
    HARMONY_CALLS,
    LLAMA,
)
"""All that are known; those whose calls are plain JSON last, for others have that within their tags."""


def detect(rendered: str) -> Dialect | None:
    """The dialect of the calls in a prompt that a chat template rendered, or None where it is none we know."""
    return next((dialect for dialect in DIALECTS if dialect.signature.search(rendered)), None)
