"""The engines that are tested, each as a program meets it: in this process or in one of its own."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
    nullcontext,
)
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.conformance.abilities import can
from tests.conformance.chat_server import MODEL
from tests.helpers.mlc_double import SITE, installed
from tests.helpers.mlc_double.folders import double_spec, write_double_model
from tests.helpers.openai_server import OpenAIServer
from tests.helpers.random_chat_model import make_chat_model
from tests.helpers.scripted_models import scripted_spec, write_scripted_model
from tests.helpers.starter import StarterModel
from tether_desktop.model.cpu import supported_isas
from tether_desktop.model.engine import Engine, EngineInfo, EngineSpec, OnProgress, PromptPiece
from tether_desktop.model.engines import make_engine
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.mlc.engine import MlcEngine
from tether_desktop.model.remote.servers import Server, save_server
from tether_desktop.model.scripted.engine import ScriptedEngine
from tether_desktop.model.tvm.engine import TvmEngine
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

WINDOW = 320
ENDLESS_WINDOW = 1 << 16
"""Of engines whose replies shall not end by themselves."""

SECONDS_TO_ADD_A_MODEL = 900
PLENTY = 1 << 30
QUESTION = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"
ENDLESS_QUESTION = "<|im_start|>user\nTell me for ever.<|im_end|>\n<|im_start|>assistant\n"
OTHER_QUESTION = "<|im_start|>user\nThe quick brown fox jumps over the dog.<|im_end|>\n<|im_start|>assistant\n"

REAL_MODEL, REAL_LIBRARY = (os.environ.get(f"CONFORMANCE_MLC_{what}", "") for what in ("MODEL", "LIBRARY"))
"""What the real MLC-LLM is tested with, where it is installed."""


def why_not_the_real_package() -> str:
    """Why MLC-LLM itself is not among the subjects; empty when it is."""
    if importlib.util.find_spec("mlc_llm") is None:
        return "mlc_llm is not installed"
    if not (REAL_MODEL and REAL_LIBRARY):
        return "CONFORMANCE_MLC_MODEL and CONFORMANCE_MLC_LIBRARY do not name a model folder and its library"
    return ""


Place = Callable[[pytest.FixtureRequest, Path], EngineSpec]


@dataclass(frozen=True)
class Setting:
    """How an engine is run.

    Attributes:
        engine: its column in the list of abilities.
        place: writes its model below a folder, or finds it.
        new: makes an engine that is not loaded; in a running loop.
        hosted: whether it is in a process of its own.
        surroundings: what has to be so while it is loaded.
        marks: of the tests that run it.
        about: abilities whose tests are worth running with it; all where there are none.
    """

    engine: str
    place: Place
    new: Callable[[EngineSpec], Engine]
    hosted: bool = False
    surroundings: Callable[[EngineSpec], AbstractContextManager[object]] = nullcontext
    marks: tuple[pytest.MarkDecorator, ...] = ()
    about: frozenset[str] = frozenset()

    def fits(self, needed: tuple[str, ...]) -> bool:
        """Whether a test that needs these abilities is to be run with it."""
        worth_it = not self.about or not self.about.isdisjoint(needed)
        return worth_it and can(self.engine, needed) and (self.hosted or "crash" not in needed)


@dataclass(frozen=True)
class Subject:
    """An engine to be tested, with its model."""

    setting: Setting
    spec: EngineSpec

    @property
    def tokenizer(self) -> ModelTokenizer:
        """The model's tokenizer; only of engines whose tokens have numbers."""
        return ModelTokenizer(self.spec.model_dir)

    def token(self, text: str) -> int:
        """The number of the token that is exactly this text."""
        (token,) = self.tokenizer.encode((PromptPiece(text, literal=True),))
        return token

    def tokens_like(self, text: str) -> list[int]:
        """Numbers of all tokens that read like this text by themselves."""
        tokenizer = self.tokenizer
        return [token for token in range(tokenizer.vocab_size) if tokenizer.token_text(token) == text]

    async def load(self, engine: Engine, on_progress: OnProgress = lambda _: None) -> EngineInfo:
        """Load an engine of this model."""
        with self.setting.surroundings(self.spec):
            return await engine.load(on_progress)

    @asynccontextmanager
    async def loaded(self) -> AsyncIterator[Engine]:
        """An engine of its own for one test."""
        engine = self.setting.new(self.spec)
        try:
            await self.load(engine)
            yield engine
        finally:
            await engine.close()

    def loaded_endless(self) -> AbstractAsyncContextManager[Engine]:
        """The same, whose reply to the endless question goes on for as long as a test may take."""
        return replace(self, spec=replace(self.spec, context_window=ENDLESS_WINDOW)).loaded()


def _scripted(_request: pytest.FixtureRequest, parent: Path) -> EngineSpec:
    replies = [
        {"match": "for ever", "steps": [*10 * [" so"], {"wait": True}]},
        {"match": "fox", "steps": ["It", " jumps", " over", " the", " lazy", " dog", " and", " over", " the", " fox"]},
        {"match": "", "steps": [{"text": "Red, green and blue, as in ünïcode 日本 " * 80}]},
    ]
    return scripted_spec(write_scripted_model(parent, replies=replies, prefill=[{"progress": 0.5}]), WINDOW)


def _tvm(_request: pytest.FixtureRequest, parent: Path) -> EngineSpec:
    tiny = make_chat_model(parent / "tiny")
    return EngineSpec("tiny", "tvm", tiny.folder, tiny.library, WINDOW, threads=2, cache_bytes=PLENTY)


def _starter(request: pytest.FixtureRequest, _parent: Path) -> EngineSpec:
    model: StarterModel = request.getfixturevalue("starter_model")
    libraries = [library for isa in supported_isas() for library in (model.root / "libs").glob(f"*-{isa}.*")]
    return EngineSpec(model.name, "tvm", model.path, libraries[0], WINDOW, threads=2, cache_bytes=PLENTY)


def _double(_request: pytest.FixtureRequest, parent: Path) -> EngineSpec:
    return replace(double_spec(parent, window=ENDLESS_WINDOW), context_window=WINDOW)


def _real_mlc(_request: pytest.FixtureRequest, _parent: Path) -> EngineSpec:
    return EngineSpec("real", "mlc", Path(REAL_MODEL), Path(REAL_LIBRARY), WINDOW)


def _remote(request: pytest.FixtureRequest, parent: Path) -> EngineSpec:
    """A model on a server; its folder has the tokenizer that the server's numbers are of."""
    server: OpenAIServer = request.getfixturevalue("chat_server")
    spec = EngineSpec(f"local/{MODEL}", "remote", write_double_model(parent), context_window=WINDOW)
    with _list_of_servers(spec):
        save_server(Server("local", server.url))
    return spec


def _list_of_servers(spec: EngineSpec) -> AbstractContextManager[object]:
    """The data folder that has the list of servers, whichever test is running."""
    return _environment(TETHER_DATA_DIR=str(spec.model_dir.parent / "data"))


def _on_the_path(_spec: EngineSpec) -> AbstractContextManager[object]:
    """The double as a package of the child process that is started meanwhile."""
    return _environment(PYTHONPATH=str(SITE))


@contextmanager
def _environment(**variables: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in variables.items():
            environment.setenv(name, value)
        yield


_MODEL = (pytest.mark.model, pytest.mark.timeout(SECONDS_TO_ADD_A_MODEL))
_ABOUT_THE_MODEL = frozenset(
    (
        *("stop", "penalty", "repetition", "logprobs", "raw_logprobs", "special", "ends", "pieces", "reuse"),
        *("sessions", "json_schema", "regex", "lark", "markers"),
    )
)
"""What a trained model does otherwise than a random one."""

SETTINGS = {
    "scripted": Setting("scripted", _scripted, ScriptedEngine),
    "scripted-hosted": Setting("scripted", _scripted, HostedEngine, hosted=True),
    "tvm": Setting("tvm", _tvm, TvmEngine),
    "tvm-hosted": Setting("tvm", _tvm, HostedEngine, hosted=True),
    "tvm-starter": Setting("tvm", _starter, TvmEngine, marks=_MODEL, about=_ABOUT_THE_MODEL),
    "mlc-double": Setting("mlc", _double, MlcEngine, surroundings=lambda _: installed()),
    "remote": Setting("remote", _remote, make_engine, surroundings=_list_of_servers),
    "mlc-double-hosted": Setting("mlc", _double, HostedEngine, hosted=True, surroundings=_on_the_path),
}
if not why_not_the_real_package():
    SETTINGS["mlc-real"] = Setting("mlc", _real_mlc, HostedEngine, hosted=True)
