"""A folder of MLC-LLM with an official library, from the catalogue to its words; the engine is the double."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.mlc_double import SITE
from tests.helpers.mlc_double.folders import END
from tests.helpers.mlc_double.runtime import library_bytes
from tests.helpers.packed_models import write_mlc_model, write_official_library
from tests.helpers.random_chat_model import chat_tokenizer
from tether_desktop.errors import LibraryUntrusted, ModelUnprepared
from tether_desktop.model.discovery import trust
from tether_desktop.model.discovery.catalog import Catalog
from tether_desktop.model.engine import GenerationRequest, PromptPiece, SamplingParams
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.pool.pool import EnginePool

QUESTION = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """An official library for Vulkan in the model folder, beside weights that it fits; nobody trusts it yet."""
    template = {"name": "chatml", "stop_token_ids": [END], "stop_str": []}
    folder = write_mlc_model(tmp_path, "Model-q4f16_1-MLC", eos_token_id=END, conv_template=template)
    chat_tokenizer().save(str(folder / "tokenizer.json"))
    library = write_official_library(tmp_path)
    library.write_bytes(library.read_bytes() + library_bytes("vulkan"))
    return library


def test_without_mlc_llm_the_weights_have_to_be_prepared(tmp_path: Path, library: Path) -> None:
    with pytest.raises(ModelUnprepared, match="not installed"):
        Catalog([tmp_path]).get("Model-q4f16_1-MLC")


async def test_with_mlc_llm_it_answers_once_its_library_may_run(
    tmp_path: Path, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(SITE)
    monkeypatch.setenv("PYTHONPATH", str(SITE))
    catalog = Catalog([tmp_path])
    with pytest.raises(LibraryUntrusted):
        catalog.get("Model-q4f16_1-MLC")
    trust.add(library)
    pool = EnginePool(catalog)
    async with pool.lend("Model-q4f16_1-MLC", lambda *_: None) as engine:
        assert isinstance(engine, HostedEngine)
        request = GenerationRequest("s", (PromptPiece(QUESTION),), SamplingParams(temperature=0, max_tokens=5))
        said = [chunk async for chunk in engine.generate(request)]
    await pool.close()
    assert "".join(chunk.text for chunk in said) == "Name three colours."
    assert said[-1].usage is not None
    assert said[-1].usage.completion_tokens == 5
