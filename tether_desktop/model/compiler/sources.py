"""Source weights by the kind of their file or folder."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.model.compiler.checkpoint import HfCheckpoint, MlcCheckpoint
from tether_desktop.model.compiler.gguf_folder import gguf_in
from tether_desktop.model.compiler.gguf_model import GgufModel
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.hf_model import HfModel
from tether_desktop.model.compiler.source import ModelSource
from tether_desktop.model.discovery.model_folder import CONFIG_NAME


def open_source(path: Path) -> ModelSource:
    """The source weights at a path.

    Args:
        path: a GGUF file; or a folder with one, of Hugging Face's kind (config.json and safetensors) or of MLC's
            (mlc-chat-config.json).

    Raises:
        ModelBroken: there are none, they are damaged, or of a kind we do not run.
    """
    if not path.is_dir():
        return GgufModel(GgufFile(path))
    if (path / CONFIG_NAME).is_file():
        return HfModel(MlcCheckpoint(path), path)
    # Publishers of GGUF files often put config.json beside them.
    if (path / "config.json").is_file() and (any(path.glob("*.safetensors")) or not any(path.glob("*.gguf"))):
        return HfModel(HfCheckpoint(path), path)
    return GgufModel(GgufFile(gguf_in(path)))
