"""The engine process: what goes through the pipe, and that nothing that happens there is lost or left over."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.helpers.scripted_models import scripted_spec, write_scripted_model
from tether_desktop import paths
from tether_desktop.errors import EngineDied, EngineError, LibraryMismatch, ModelBroken, PromptTooLong
from tether_desktop.messages import Usage
from tether_desktop.model.engine import GenerationRequest, PromptPiece, SamplingParams
from tether_desktop.model.hosting.host import HostedEngine

MakeHost = Callable[..., HostedEngine]

HANGING = [{"progress": 0.1}, {"hang": True}]
"""Steps that stop hearing anything right after they have been heard of, with no chance to be cancelled between."""


@pytest.fixture
async def make_host(tmp_path: Path) -> AsyncIterator[MakeHost]:
    """Make hosts of scripted models; all of them are closed at the end."""
    async with AsyncExitStack() as stack:

        def make(*replies: Any, command: Sequence[str] | None = None, **options: Any) -> HostedEngine:
            limits = {name: options.pop(name) for name in ("cancel_limit", "close_limit") if name in options}
            folder = write_scripted_model(tmp_path, replies=replies or ["Hello."], **options)
            host = HostedEngine(scripted_spec(folder), command=command, **limits)
            stack.push_async_callback(host.close)
            return host

        yield make


async def loaded(host: HostedEngine) -> HostedEngine:
    await host.load(lambda _: None)
    return host


def request(question: str = "Hi", **params: Any) -> GenerationRequest:
    return GenerationRequest("session", (PromptPiece(question),), SamplingParams(**params))


async def listen(host: HostedEngine, said: list[str], question: str = "Hi", heard: asyncio.Event | None = None) -> None:
    heard = heard or asyncio.Event()
    async for chunk in host.generate(request(question)):
        said += [chunk.text]
        heard.set()


async def start_listening(host: HostedEngine, said: list[str]) -> asyncio.Task[None]:
    """Listen in a task; returns after the first chunk."""
    heard = asyncio.Event()
    task = asyncio.create_task(listen(host, said, heard=heard))
    await heard.wait()
    return task


async def reply(host: HostedEngine, question: str = "Hi") -> str:
    said: list[str] = []
    await listen(host, said, question)
    return "".join(said)


def process(host: HostedEngine) -> psutil.Process:
    assert host.pid is not None
    return psutil.Process(host.pid)


def assert_gone(child: psutil.Process) -> None:
    gone, _ = psutil.wait_procs([child], timeout=20)
    assert gone == [child]


async def test_a_reply_comes_through_unchanged_with_its_end(make_host: MakeHost) -> None:
    text = "Grüße, 日本\u2028語 \U0001f600\n\n```py\nx = '\\n'\n```\r\n\x00 end"
    host = await loaded(make_host({"steps": [text, " two"]}))
    *chunks, last = [chunk async for chunk in host.generate(request("one two three"))]
    assert [chunk.text for chunk in chunks] == [text, " two"]
    assert (last.finish_reason, last.usage) == ("stop", Usage(3, 0, 2))
    assert last.timings is not None


async def test_a_lone_surrogate_in_a_prompt_does_not_break_the_pipe(make_host: MakeHost) -> None:
    assert await reply(await loaded(make_host("fine")), "\ud800") == "fine"


async def test_a_long_prompt_and_a_long_token_go_through(make_host: MakeHost) -> None:
    host = await loaded(make_host({"steps": ["x" * 3_000_000]}))
    assert len(await reply(host, "y" * 3_000_000)) == 3_000_000


async def test_loading_reports_progress_and_what_was_loaded(make_host: MakeHost) -> None:
    seen: list[float] = []
    info = await make_host(load=[{"progress": 0.5}]).load(seen.append)
    assert seen == [0.0, 0.5, 1.0]
    assert (info.context_window, info.device) == (2048, "Scripted")


async def test_reading_the_prompt_reports_progress(make_host: MakeHost) -> None:
    host = await loaded(make_host("x", prefill=[{"progress": 0.5}, {"progress": 1}]))
    assert [chunk.progress async for chunk in host.generate(request())] == [0.5, 1, None, None]


async def test_sampling_parameters_reach_the_engine(make_host: MakeHost) -> None:
    host = await loaded(make_host("one two three four"))
    chunks = [chunk async for chunk in host.generate(request(max_tokens=3, stop=(" three",)))]
    assert "".join(chunk.text for chunk in chunks) == "one two"


async def test_probabilities_come_through_with_the_tokens_they_belong_to(make_host: MakeHost) -> None:
    host = await loaded(make_host("one two three four"))
    chunks = [chunk async for chunk in host.generate(request(logprobs=2, max_tokens=3))]
    assert [[token.text for token in chunk.logprobs] for chunk in chunks] == [["one"], [" two"], [" three"]]
    assert all(len(token.alternatives) == 2 for chunk in chunks for token in chunk.logprobs)


async def test_tokens_are_counted_while_a_reply_streams(make_host: MakeHost) -> None:
    host = await loaded(make_host({"steps": ["a", {"wait": True}]}))
    async with aclosing(host.generate(request())) as chunks:
        await anext(chunks)
        assert await host.count_tokens([(PromptPiece("one two"),), ()]) == [2, 0]


async def test_an_error_comes_back_as_the_same_error(make_host: MakeHost) -> None:
    host = await loaded(make_host("x"))
    with pytest.raises(PromptTooLong, match="2048"):
        await reply(host, "word " * 2048)
    assert await reply(host) == "x"


async def test_a_failed_load_tells_why_and_leaves_no_process(make_host: MakeHost) -> None:
    failure = {"code": "library_mismatch", "title": "T", "message": "M", "hint": "H"}
    host = make_host(load=[{"raise": failure}])
    with pytest.raises(LibraryMismatch) as error:
        await host.load(lambda _: None)
    assert (error.value.title, error.value.message, error.value.hint) == ("T", "M", "H")
    assert not psutil.pid_exists(host.pid or 0)


async def test_a_broken_model_folder_is_told_by_the_child(make_host: MakeHost, tmp_path: Path) -> None:
    host = make_host()
    (tmp_path / "Scripted" / "script.json").write_text("{")
    with pytest.raises(ModelBroken, match="script"):
        await host.load(lambda _: None)


async def test_a_bug_is_told_kindly_and_logged_with_its_traceback(
    make_host: MakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    host = await loaded(make_host({"steps": ["a", {"bug": "index out of range"}]}, "next"))
    said: list[str] = []
    with pytest.raises(EngineError, match="fault of the program") as error:
        await listen(host, said)
    assert said == ["a"]
    assert "index out of range" not in str(error.value)
    assert "RuntimeError: index out of range" in caplog.text
    assert await reply(host) == "next"


@pytest.mark.parametrize("ending", ["close the generator", "cancel the task"])
async def test_stopping_a_reply_leaves_the_engine_ready(make_host: MakeHost, ending: str) -> None:
    host = await loaded(make_host({"steps": ["a", {"wait": True}]}, "next"))
    if ending == "close the generator":
        async with aclosing(host.generate(request())) as chunks:
            assert (await anext(chunks)).text == "a"
    else:
        said: list[str] = []
        task = await start_listening(host, said)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
    assert await reply(host) == "next"
    assert not host.death.done()


async def test_stopping_while_the_prompt_is_read_leaves_the_engine_ready(make_host: MakeHost) -> None:
    host = await loaded(make_host("x", "next", prefill=[{"progress": 0.1}, {"delay": 0.05}]))
    async with aclosing(host.generate(request())) as chunks:
        assert (await anext(chunks)).progress == 0.1
    assert await reply(host) == "x"


async def test_a_reply_that_cannot_be_stopped_costs_the_process(make_host: MakeHost) -> None:
    host = await loaded(make_host(prefill=HANGING, cancel_limit=0.1))
    child = process(host)
    async with aclosing(host.generate(request())) as chunks:
        await anext(chunks)
    assert_gone(child)
    assert "did not stop" in (await host.death).message
    with pytest.raises(EngineDied):
        await reply(host)


async def test_cancelling_a_load_ends_the_process(make_host: MakeHost) -> None:
    host = make_host(load=[{"progress": 0.5}, {"hang": True}])
    half = asyncio.Event()
    task = asyncio.create_task(host.load(lambda progress: half.set() if progress == 0.5 else None))
    await half.wait()
    child = process(host)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
    assert not child.is_running()


async def test_what_was_said_before_the_process_died_is_delivered_first(make_host: MakeHost) -> None:
    host = await loaded(make_host({"steps": ["So", " far", " so good", {"delay": 0.1}, {"die": 3}]}))
    said: list[str] = []
    with pytest.raises(EngineDied, match="exit code 3"):
        await listen(host, said)
    assert "".join(said) == "So far so good"


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize(
    ("number", "cause"),
    [("SIGKILL", "memory ran out"), ("SIGILL", "this processor does not have"), ("SIGSEGV", "crashed")],
)
async def test_a_killed_process_says_what_probably_happened(make_host: MakeHost, number: str, cause: str) -> None:
    host = await loaded(make_host({"steps": ["a", {"wait": True}]}))
    said: list[str] = []
    task = await start_listening(host, said)
    process(host).send_signal(signal.Signals[number])
    with pytest.raises(EngineDied, match=cause) as error:
        await task
    assert error.value.hint
    assert said == ["a"]


async def test_a_process_that_dies_while_idle_is_noticed(make_host: MakeHost) -> None:
    host = await loaded(make_host())
    process(host).kill()
    assert isinstance(await host.death, EngineDied)
    with pytest.raises(EngineDied):
        await host.count_tokens([()])


async def test_a_process_that_dies_while_loading_is_noticed(make_host: MakeHost) -> None:
    with pytest.raises(EngineDied, match="exit code 9"):
        await make_host(load=[{"die": 9}]).load(lambda _: None)


async def test_a_program_that_cannot_be_started_is_told(make_host: MakeHost) -> None:
    with pytest.raises(EngineError, match="cannot be started"):
        await make_host(command=["/nowhere/tether"]).load(lambda _: None)


async def test_a_child_that_sends_nonsense_is_ended(make_host: MakeHost) -> None:
    code = "import sys; print('nonsense', flush=True); sys.stdin.read()"
    host = make_host(command=[sys.executable, "-c", code])
    with pytest.raises(EngineDied):
        await host.load(lambda _: None)
    assert not psutil.pid_exists(host.pid or 0)


async def test_what_the_child_prints_goes_to_the_log_and_not_into_the_pipe(
    make_host: MakeHost, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    code = """
import os
from tether_desktop.model.hosting import child
make_engine = child.make_engine
def noisy(spec):
    os.write(1, b"native noise\\n")
    print("printed noise", flush=True)
    assert os.read(0, 1) == b"", "the pipe can be read by anybody"
    return make_engine(spec)
child.make_engine = noisy
child.main()
"""
    host = await loaded(make_host("fine", command=[sys.executable, "-c", code]))
    assert await reply(host) == "fine"
    await host.close()
    assert "native noise" in caplog.text
    assert "printed noise" in caplog.text


async def test_closing_ends_the_process_and_can_be_repeated(make_host: MakeHost) -> None:
    host = await loaded(make_host())
    child = process(host)
    await asyncio.gather(host.close(), host.close())
    await host.close()
    assert not child.is_running()
    assert not host.death.done()
    with pytest.raises(EngineError, match="not loaded"):
        await reply(host)


async def test_closing_before_loading_does_nothing(make_host: MakeHost) -> None:
    host = make_host()
    await host.close()
    assert host.pid is None


async def test_closing_a_deaf_process_kills_it(make_host: MakeHost) -> None:
    code = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" if sys.platform != "win32" else ""
    code += "from tether_desktop.model.hosting.child import main; main()"
    host = await loaded(make_host(prefill=HANGING, command=[sys.executable, "-c", code], close_limit=0.1))
    child, said = process(host), []
    task = await start_listening(host, said)
    await host.close()
    assert not child.is_running()
    with pytest.raises(EngineError, match="unloaded"):
        await task


async def test_the_child_gets_no_secret_and_what_it_needs(
    make_host: MakeHost, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SOME_TOKEN", "sk-secret")
    monkeypatch.setenv("TETHER_DATA_DIR", str(tmp_path / "data"))
    environment = process(await loaded(make_host())).environ()
    assert "sk-secret" not in environment.values()
    assert environment["TETHER_DATA_DIR"] == str(tmp_path / "data")
    assert "PATH" in environment


@pytest.mark.skipif(sys.platform == "win32", reason="process groups")
async def test_ctrl_c_in_the_terminal_does_not_reach_the_child(make_host: MakeHost) -> None:
    import os

    host = await loaded(make_host())
    child = process(host)
    assert os.getpgid(child.pid) != os.getpgid(0)
    child.send_signal(signal.SIGINT)
    assert await reply(host) == "Hello."


@pytest.mark.parametrize("activity", ["idle", "loading", "generating"])
def test_the_child_ends_with_its_parent_however_that_ends(tmp_path: Path, activity: str) -> None:
    hanging = {"loading": {"load": [{"progress": 0.5}, {"hang": True}]}, "generating": {"prefill": HANGING}}
    folder = write_scripted_model(tmp_path, **hanging.get(activity, {}))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), activity], stdout=subprocess.PIPE, cwd=paths.project_root()
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    assert_gone(child)


PARENT = """
import asyncio, sys
from pathlib import Path
from tether_desktop.model.engine import EngineSpec, GenerationRequest
from tether_desktop.model.hosting.host import HostedEngine

async def main(folder, activity):
    host = HostedEngine(EngineSpec("Scripted", "scripted", folder))
    tell = lambda: print(host.pid, flush=True)
    await host.load(lambda progress: tell() if progress == 0.5 else None)
    if activity == "generating":
        await anext(host.generate(GenerationRequest("session", ())))
    tell()
    await asyncio.get_running_loop().create_future()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""
