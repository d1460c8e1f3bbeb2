"""The architectures that can be run, each in a module of its own; ``docs/adding-an-architecture.md`` shows how."""

from __future__ import annotations

from tether_desktop.model.compiler.architectures import gemma3, llama, phi3, qwen2, qwen3
from tether_desktop.model.compiler.architectures.architecture import Architecture
from tether_desktop.model.compiler.architectures.settings import Settings

ARCHITECTURES = tuple(module.ARCHITECTURE for module in (llama, qwen2, qwen3, gemma3, phi3))


def of_gguf(name: str, settings: Settings) -> Architecture:
    """The architecture of that name in GGUF.

    Raises:
        ModelBroken: it is not one that can be run.
    """
    known = {architecture.gguf_name: architecture for architecture in ARCHITECTURES}
    return _found(known, name, settings)


def of_model_type(name: str, settings: Settings) -> Architecture:
    """The architecture of that ``model_type`` in config.json.

    Raises:
        ModelBroken: it is not one that can be run.
    """
    known = {name: architecture for architecture in ARCHITECTURES for name in architecture.model_types}
    return _found(known, name, settings)


def _found(known: dict[str, Architecture], name: str, settings: Settings) -> Architecture:
    if name not in known:
        names = ", ".join(sorted(known))
        raise settings.refusal(f"its architecture {name!r} is not supported.", f"Choose a model of one of: {names}.")
    return known[name]
