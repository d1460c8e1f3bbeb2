"""Bodies of models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tether_desktop.protocol.api.generation_schemas import DEVICE, Device
from tether_desktop.protocol.api.schemas import Asked, Told

MODEL = {
    "model_name": "SmolLM2-135M-Instruct-q4-MLC",
    "model_dir": "/home/ada/tether/dist/SmolLM2-135M-Instruct-q4-MLC",
    "config_path": "/home/ada/tether/dist/SmolLM2-135M-Instruct-q4-MLC/mlc-chat-config.json",
    "kind": "tvm",
    "usable": True,
    "reason": "",
    "remedy": "",
    "code": "",
    "model_type": "llama",
    "quantization": "q4f32_1",
    "context_window": 2048,
    "size_bytes": 86_000_000,
    "state": "ready",
    "progress": None,
    "device": "CPU, AVX512-VNNI, 2 threads",
    "memory_bytes": 130_000_000,
    "error": "",
}


class ListedModel(Told):
    """A model of this computer, or of a server that was added."""

    model_name: str
    model_dir: str = Field(description="What is loaded.")
    config_path: str = Field(description="Its configuration; empty where another place has it.")
    kind: Literal["tvm", "mlc", "remote", "scripted"] = Field(description="Which engine runs it.")
    usable: bool
    reason: str = Field(description="Why it cannot be used; empty when it can.")
    remedy: str = Field(description="What to do about that.")
    code: str = Field(description="Of the error that says so.")
    model_type: str
    quantization: str
    context_window: int = Field(description="Tokens of prompt and reply together; 0 when unknown.")
    size_bytes: int = Field(description="Of the weights on disk.")
    state: Literal["unloaded", "loading", "ready", "busy", "failed"]
    progress: float | None = Field(description="0 to 1 while it is loaded.")
    device: str = Field(description="What it computes on, for people; empty unless it is loaded.")
    memory_bytes: int = Field(description="Weights and KV cache, while it is loaded.")
    error: str = Field(description="Why the last load failed, or how its process ended.")


class Models(Told):
    """All models."""

    models: list[ListedModel]


class ModelRequest(Asked):
    """Which model."""

    model_name: str = Field(min_length=1, max_length=500, description="As `GET /models` lists it, to the letter.")
    device: Device = DEVICE


class LoadedLine(Told):
    """The model is loaded; the last line."""

    type: Literal["model"]
    model: ListedModel
