"""Opens the tokenizer of any source: a GGUF file, a Hugging Face folder, an MLC folder."""

from __future__ import annotations

from pathlib import Path

from tether_desktop.model.compiler.gguf_folder import gguf_in
from tether_desktop.model.compiler.gguf_source import GgufFile
from tether_desktop.model.compiler.tokenizers.files import TokenizerFiles
from tether_desktop.model.compiler.tokenizers.folder_tokenizer import read_folder_tokenizer
from tether_desktop.model.compiler.tokenizers.gguf_tokenizer import read_gguf_tokenizer

_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "tokenizer_config.json", "tekken.json")


def open_tokenizer(path: Path) -> TokenizerFiles:
    """The tokenizer and chat format of a source.

    Args:
        path: a GGUF file, or a part of one; or a folder with one, or with the files of a tokenizer.

    Raises:
        ModelBroken: it is missing, damaged, or of a kind that is not known; the message says what to do.
    """
    if not path.is_dir():
        return read_gguf_tokenizer(GgufFile(path))
    if any((path / name).is_file() for name in _TOKENIZER_FILES):
        return read_folder_tokenizer(path)
    return read_gguf_tokenizer(GgufFile(gguf_in(path)))
