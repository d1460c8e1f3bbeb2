"""MLC-LLM's engine behind our protocol, tested with its double: each of its habits is known and dealt with."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.helpers.mlc_double import SITE, installed
from tests.helpers.mlc_double.engine import CHILDREN, AsyncMLCEngine, Device, EngineConfig
from tests.helpers.mlc_double.folders import END, double_spec
from tests.helpers.mlc_double.protocol import BadRequestError, InternalError
from tests.helpers.random_chat_model import SPECIAL_TOKENS
from tether_desktop import paths
from tether_desktop.child_process import STUCK
from tether_desktop.errors import EngineDied, EngineError, LibraryMismatch, ModelBroken, PromptTooLong
from tether_desktop.model.engine import (
    Constraint,
    ConstraintKind,
    EngineSpec,
    GenerationChunk,
    GenerationRequest,
    PromptPiece,
    SamplingParams,
)
from tether_desktop.model.hosting.host import HostedEngine
from tether_desktop.model.mlc.engine import MlcEngine, TimeLimits, load_official
from tether_desktop.model.mlc.reply import completion_options

QUESTION = "<|im_start|>user\nName three colours.<|im_end|>\n<|im_start|>assistant\n"
GREEDY = SamplingParams(temperature=0, max_tokens=12)
HURRIED = TimeLimits(first=0.3, next=0.3)

MakeEngine = Callable[..., Any]


def load_double(spec: EngineSpec) -> tuple[AsyncMLCEngine, str]:
    """MLC-LLM's engine as it is found where the double is installed."""
    with installed():
        return load_official(spec)  # type: ignore[return-value]


@pytest.fixture
async def make_engine(tmp_path: Path) -> AsyncIterator[MakeEngine]:
    """Make loaded engines; all are closed at the end."""
    engines: list[MlcEngine] = []

    async def make(limits: TimeLimits = HURRIED, window: int = 256, **fields: Any) -> MlcEngine:
        spec = double_spec(tmp_path / str(len(engines)), window=window, **fields)
        engines.append(MlcEngine(spec, load_double, limits, give_up=lambda _: None))
        await engines[-1].load(lambda _: None)
        return engines[-1]

    yield make
    for engine in engines:
        await engine.close()


def request(text: str = QUESTION, params: SamplingParams = GREEDY, **changes: Any) -> GenerationRequest:
    return GenerationRequest("session", (PromptPiece(text),), replace(params, **changes))


async def chunks(engine: MlcEngine, what: GenerationRequest | None = None) -> list[GenerationChunk]:
    return [chunk async for chunk in engine.generate(what or request())]


async def reply(engine: MlcEngine, what: GenerationRequest | None = None) -> str:
    return "".join(chunk.text for chunk in await chunks(engine, what))


def official(engine: MlcEngine) -> AsyncMLCEngine:
    assert engine._loaded is not None
    return engine._loaded[0]  # type: ignore[return-value]


async def test_loading_starts_nothing_and_names_library_and_device(tmp_path: Path) -> None:
    CHILDREN.clear()
    engine = MlcEngine(double_spec(tmp_path), load_double)
    seen: list[float] = []
    info = await engine.load(seen.append)
    assert seen == [0.0, 1.0]
    assert (info.device, info.context_window, info.memory_bytes) == ("MLC-LLM, vulkan", 1024, 1000)
    assert official(engine).device == Device("vulkan")
    assert official(engine).mode == "interactive"
    assert CHILDREN == []
    await engine.close()


async def test_a_library_without_code_for_a_device_computes_on_the_processor(make_engine: MakeEngine) -> None:
    assert official(await make_engine(device="cpu")).device == Device("cpu")


async def test_a_device_that_is_not_there_is_told(tmp_path: Path) -> None:
    engine = MlcEngine(double_spec(tmp_path, device="cuda"), load_double)
    with pytest.raises(LibraryMismatch, match="compiled for cuda, and MLC-LLM finds no such device"):
        await engine.load(lambda _: None)
    await engine.close()


async def test_a_model_without_a_library_is_refused_before_anything_is_imported(tmp_path: Path) -> None:
    engine = MlcEngine(replace(double_spec(tmp_path), library=None), load_double)
    with pytest.raises(LibraryMismatch, match="no compiled library"):
        await engine.load(lambda _: None)


async def test_without_mlc_llm_loading_says_that_it_is_not_installed(tmp_path: Path) -> None:
    def load(_: EngineSpec) -> Any:
        raise ModuleNotFoundError("No module named 'mlc_llm'")

    with pytest.raises(EngineError, match="No module named 'mlc_llm'") as error:
        await MlcEngine(double_spec(tmp_path), load).load(lambda _: None)
    assert error.value.title == "MLC-LLM is not installed"


async def test_a_library_that_is_gone_is_told(tmp_path: Path) -> None:
    spec = double_spec(tmp_path)

    def load(spec: EngineSpec) -> Any:
        return AsyncMLCEngine(str(spec.model_dir), Device("cpu"), model_lib=str(tmp_path / "gone.so")), "cpu"

    with pytest.raises(ModelBroken, match=r"not a file: .*gone\.so"):
        await MlcEngine(spec, load).load(lambda _: None)


async def test_a_file_that_is_no_library_is_told_in_a_sentence(tmp_path: Path) -> None:
    spec = double_spec(tmp_path)
    assert spec.library is not None
    spec.library.write_bytes(b"nonsense")
    with pytest.raises(EngineError, match="invalid ELF header") as error:
        await MlcEngine(spec, load_double).load(lambda _: None)
    assert "stack trace" not in error.value.message


async def test_a_broken_tokenizer_is_told_before_anything_is_loaded(tmp_path: Path) -> None:
    spec = double_spec(tmp_path)
    (spec.model_dir / "tokenizer.json").write_text("{")
    with pytest.raises(ModelBroken, match=r"tokenizer\.json"):
        await MlcEngine(spec, load_double).load(lambda _: None)


async def test_the_window_is_that_of_the_library_where_it_is_smaller(tmp_path: Path) -> None:
    spec = replace(double_spec(tmp_path, window=128), context_window=4096)
    engine = MlcEngine(spec, load_double)
    assert (await engine.load(lambda _: None)).context_window == 128
    with pytest.raises(PromptTooLong, match="has room for 128"):
        await reply(engine, request("word " * 200))
    await engine.close()


async def test_an_engine_whose_load_was_cancelled_is_terminated(tmp_path: Path) -> None:
    loop, loading, may_load, ended = asyncio.get_running_loop(), asyncio.Event(), threading.Event(), asyncio.Event()

    class Terminated:
        max_input_sequence_length = 1024

        def terminate(self) -> None:
            loop.call_soon_threadsafe(ended.set)

    def load(_: EngineSpec) -> Any:
        loop.call_soon_threadsafe(loading.set)
        may_load.wait()
        return Terminated(), "vulkan"

    task = asyncio.create_task(MlcEngine(double_spec(tmp_path), load).load(lambda _: None))
    await loading.wait()
    task.cancel()
    await asyncio.wait([task])
    may_load.set()
    assert task.cancelled()
    await ended.wait()


async def test_only_what_the_engine_has_is_asked_of_it() -> None:
    params = SamplingParams(top_k=5, min_p=0.1, repetition_penalty=1.5, stop=("", "x"))
    options = completion_options(request(params=params), 100, 512)
    assert options.keys() == {
        *("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "max_tokens"),
        *("logit_bias", "logprobs", "response_format", "stream_options"),
    }
    assert (options["max_tokens"], options["response_format"]) == (100, None)


async def test_what_lies_outside_of_its_ranges_is_taken_as_their_ends(make_engine: MakeEngine) -> None:
    bias = ((5, 1e6), (6, -1e6), (512, 1.0), (-1, 1.0))
    params = replace(GREEDY, presence_penalty=7.0, frequency_penalty=-7.0, seed=2**64 - 1, logprobs=20, logit_bias=bias)
    options = completion_options(request(params=params), 5, 512)
    assert (options["presence_penalty"], options["frequency_penalty"]) == (2.0, -2.0)
    assert options["logit_bias"] == {5: 100.0, 6: -100.0}
    assert (options["logprobs"], options["seed"], options["max_tokens"]) == (5, 2**31 - 1, 5)
    assert len(await chunks(await make_engine(), request(params=params))) > 1


def held(schema: Any) -> GenerationRequest:
    text = schema if isinstance(schema, str) else json.dumps(schema)
    return replace(request(max_tokens=60), constraint=Constraint("json_schema", text))


async def test_a_schema_holds_the_reply(make_engine: MakeEngine) -> None:
    schema = {"$defs": {"it": {"enum": ["red", "blue"]}}, "type": "array", "items": {"$ref": "#/$defs/it"}}
    engine = await make_engine()
    *_, last = said = await chunks(engine, held({**schema, "minItems": 2, "maxItems": 2}))
    told = json.loads("".join(chunk.text for chunk in said))
    assert len(told) == 2
    assert {"red", "blue"}.issuperset(told)
    assert last.finish_reason == "stop"
    assert "red" not in await reply(engine)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("{", "Expecting"),
        ("[" * 100_000, "characters"),
        ("[" * 60_000, "recursion"),
        ("true", "no object"),
        ({"type": "nonsense"}, r"\$.type: 'nonsense'"),
        ({"minItems": "two"}, "is not of type"),
        ({"$ref": "#/$defs/gone"}, "refers to '#/\\$defs/gone'"),
        ({"$ref": "https://example.org/schema"}, "refers to"),
        ({"properties": {"a": {"items": [{"pattern": "("}]}}}, "no regular expression"),
        ({"description": "x" * 70_000}, "characters"),
        ('{"items":' * 50 + "{}" + "}" * 50, "nested too deeply"),
    ],
)
async def test_a_schema_that_would_cost_the_engine_its_life_is_refused(
    make_engine: MakeEngine, schema: Any, reason: str
) -> None:
    engine = await make_engine()
    with pytest.raises(EngineError, match=reason) as told:
        await reply(engine, held(schema))
    assert told.value.hint
    assert await reply(engine)


async def test_the_double_itself_dies_of_a_schema_that_cannot_be_compiled(make_engine: MakeEngine) -> None:
    engine = official(await make_engine())
    form = {"type": "json_object", "schema": '{"type": "nonsense"}'}
    stream = await engine.completions.create(prompt=[5], stream=True, response_format=form)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.1)


@pytest.mark.parametrize("kind", ["regex", "lark"])
async def test_what_its_completions_do_not_take_is_refused(make_engine: MakeEngine, kind: ConstraintKind) -> None:
    engine = await make_engine()
    with pytest.raises(EngineError, match="but to a JSON schema"):
        await reply(engine, replace(request(), constraint=Constraint(kind, "a")))
    assert await reply(engine)


async def test_special_tokens_are_text_only_where_they_were_asked_for(make_engine: MakeEngine) -> None:
    engine = await make_engine()
    forced = request(logit_bias=((SPECIAL_TOKENS.index("<|im_start|>"), 100.0),), max_tokens=2)
    assert await reply(engine, forced) == ""
    assert await reply(engine, replace(forced, markers=("<|im_start|>",))) == "<|im_start|>" * 2
    stopped = await chunks(engine, replace(forced, params=replace(forced.params, stop=("<|im_start|>",))))
    assert [chunk.text for chunk in stopped if chunk.text] == []
    assert stopped[-1].finish_reason == "stop"


async def test_a_temperature_that_is_refused_is_told_and_the_next_request_is_answered(make_engine: MakeEngine) -> None:
    engine = await make_engine()
    with pytest.raises(EngineError, match="non-negative"):
        await reply(engine, request(temperature=-1.0))
    assert await reply(engine)


async def test_what_pydantic_finds_wrong_is_told_without_its_manual(make_engine: MakeEngine) -> None:
    engine = await make_engine()

    create = official(engine).completions.create

    async def create_wrongly(**options: Any) -> Any:
        return await create(**options | {"frequency_penalty": 9.0})

    official(engine).completions.create = create_wrongly  # type: ignore[method-assign]
    with pytest.raises(EngineError, match=r"refused.*: Penalty value should be in range \[-2, 2\]\. Change"):
        await reply(engine)


async def test_a_prompt_that_the_engine_calls_too_long_is_too_long(make_engine: MakeEngine) -> None:
    engine = await make_engine()
    official(engine).max_input_sequence_length = 10
    with pytest.raises(PromptTooLong, match="larger than the model input length limit 10"):
        await reply(engine)


async def test_a_prompt_that_nearly_fills_the_window_is_answered(make_engine: MakeEngine) -> None:
    engine = await make_engine(window=64)
    (one,) = await engine.count_tokens([(PromptPiece("#"),)])
    assert one == 1
    for length in (48, 56, 60, 63):
        text = "#~" * (length // 2) + "#" * (length % 2)
        assert await engine.count_tokens([(PromptPiece(text),)]) == [length]
        *_, last = await chunks(engine, request(text, max_tokens=None))
        assert last.usage is not None
        assert last.usage.completion_tokens == 64 - length


async def test_the_double_itself_never_begins_a_prompt_that_nearly_fills_its_cache(make_engine: MakeEngine) -> None:
    spec = (await make_engine(window=64))._spec
    engine = AsyncMLCEngine(
        str(spec.model_dir),
        Device("cpu"),
        model_lib=str(spec.library),
        engine_config=EngineConfig(max_single_sequence_length=64),
    )
    stream = await engine.completions.create(prompt=[5] * 60, stream=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(anext(stream), 0.1)
    engine.terminate()


async def test_tokens_that_end_a_reply_and_that_the_engine_does_not_know_end_it(make_engine: MakeEngine) -> None:
    template = {"name": "chatml", "stop_token_ids": [], "stop_str": []}
    engine = await make_engine(conv_template=template)
    *_, last = said = await chunks(engine, request(logit_bias=((END, 100.0),)))
    assert "".join(chunk.text for chunk in said) == ""
    assert last.finish_reason == "stop"


async def test_a_stop_text_of_the_template_that_does_not_come_changes_nothing(make_engine: MakeEngine) -> None:
    plain = await reply(await make_engine())
    held = await make_engine(stop_str=("three nothing",))
    assert await reply(held) == plain


async def test_a_reply_that_the_engine_gives_up_is_an_error(make_engine: MakeEngine) -> None:
    engine = await make_engine()
    stream = official(engine).stream

    async def preempted(*arguments: Any) -> AsyncIterator[Any]:
        async for response in stream(*arguments):
            yield replace(response, choices=[replace(choice, finish_reason="preempt") for choice in response.choices])

    official(engine).stream = preempted  # type: ignore[method-assign, assignment]
    with pytest.raises(EngineError, match="ended with 'preempt'"):
        await reply(engine)


async def test_probabilities_have_the_texts_that_the_engine_leaves_spaces_out_of(make_engine: MakeEngine) -> None:
    engine = await make_engine()
    (word,) = await _ids(engine, " there")
    said = await chunks(engine, request(logit_bias=((word, 100.0),), max_tokens=2, logprobs=2))
    told = [token for chunk in said for token in chunk.logprobs]
    assert [token.text for token in told] == [" there", " there"]
    assert [token.alternatives[0][0] for token in told] == [" there", " there"]


async def test_a_closed_reply_is_ended_in_the_engine(make_engine: MakeEngine) -> None:
    engine = await make_engine(window=1 << 16)
    async with aclosing(engine.generate(request(max_tokens=None))) as stream:
        for _ in range(3):
            await anext(stream)
    assert official(engine)._streams == {}
    assert await reply(engine)


async def test_abort_would_leave_the_reader_waiting(make_engine: MakeEngine) -> None:
    engine = await make_engine(window=1 << 16)
    stream = await official(engine).completions.create(prompt=[5], stream=True, request_id="it")
    await anext(stream)
    deltas = official(engine)._streams["it"]
    await official(engine).abort("it")
    while not deltas.empty():
        deltas.get_nowait()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(deltas.get(), 0.1)


async def test_a_thread_that_dies_before_the_first_token_ends_the_process(
    make_engine: MakeEngine, caplog: pytest.LogCaptureFixture
) -> None:
    engine, given_up = await make_engine(double={"dies_after": 0}), []
    engine._give_up = given_up.append
    with pytest.raises(EngineError, match="does not answer any more"):
        await reply(engine)
    assert given_up == [STUCK]
    assert [record.message for record in caplog.records if record.levelno == logging.CRITICAL] == [
        "MLC-LLM has not answered for 0.3 seconds"
    ]


async def test_what_was_said_before_the_thread_died_is_delivered(make_engine: MakeEngine) -> None:
    engine, said = await make_engine(double={"dies_after": 4}), []

    async def listen() -> None:
        nonlocal said
        async for chunk in engine.generate(request()):
            said += [chunk.text]

    with pytest.raises(EngineError, match="does not answer any more"):
        await listen()
    assert len("".join(said)) > 3


async def test_a_dead_thread_costs_the_process_one_answer_and_says_why(tmp_path: Path) -> None:
    code = (
        "from tether_desktop.model.hosting import child\n"
        "from tether_desktop.model.mlc import engine as mlc\n"
        "child.make_engine = lambda spec: mlc.MlcEngine(spec, limits=mlc.TimeLimits(0.3, 0.3))\n"
        "child.main()"
    )
    host = HostedEngine(double_spec(tmp_path, double={"dies_after": 4}), command=[sys.executable, "-c", code])
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(SITE))
        await host.load(lambda _: None)
    said: list[str] = []

    async def listen() -> None:
        nonlocal said
        async for chunk in host.generate(request()):
            said += [chunk.text]

    with pytest.raises(EngineDied, match="no longer answered"):
        await listen()
    assert "".join(said)
    assert not psutil.pid_exists(host.pid or 0)


async def test_closing_ends_the_engines_thread_and_can_be_repeated(make_engine: MakeEngine) -> None:
    engine = await make_engine()
    thread = official(engine)._background._thread
    assert thread is not None
    await engine.close()
    await engine.close()
    assert not thread.is_alive()


def test_the_double_keeps_a_process_alive_until_it_is_terminated(tmp_path: Path) -> None:
    spec = double_spec(tmp_path)
    code = (
        "import sys; from tests.helpers.mlc_double.engine import AsyncMLCEngine, Device\n"
        "engine = AsyncMLCEngine(sys.argv[1], Device('cpu'), model_lib=sys.argv[2])\n"
        "print('loaded', flush=True)\n"
        "sys.stdin.readline(); engine.terminate()"
    )
    command = [sys.executable, "-c", code, str(spec.model_dir), str(spec.library)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=paths.project_root()
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "loaded\n"
        threads = psutil.Process(process.pid).num_threads()
        process.communicate("end\n", timeout=20)
    assert threads > 1
    assert process.returncode == 0


async def test_the_double_refuses_what_the_real_engine_refuses(tmp_path: Path) -> None:
    spec = double_spec(tmp_path)
    folder, library = str(spec.model_dir), str(spec.library)
    with pytest.raises(FileNotFoundError, match="directory does not exist"):
        AsyncMLCEngine(str(tmp_path / "gone"), Device("cpu"), model_lib=library)
    with pytest.raises(ValueError, match="Unknown device"):
        AsyncMLCEngine(folder, "abacus", model_lib=library)
    with pytest.raises(ValueError, match="page size 16"):
        AsyncMLCEngine(folder, Device("cpu"), model_lib=library, engine_config=EngineConfig(kv_cache_page_size=8))
    engine = AsyncMLCEngine(folder, Device("cpu"), model_lib=library)
    for fault, options in [(BadRequestError, {"prompt": []}), (InternalError, {"prompt": [5], "temperature": -1.0})]:
        with pytest.raises(fault):
            await anext(await engine.completions.create(**options, stream=True))
    engine.terminate()
    engine.terminate()


async def _ids(engine: MlcEngine, text: str) -> list[int]:
    assert engine._loaded is not None
    return engine._loaded[1].encode((PromptPiece(text, literal=True),))
