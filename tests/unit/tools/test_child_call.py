"""Calls in processes of their own: whatever a tool does there is told, and ends with the call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path

import psutil
import pytest

from tests.helpers.isolated_tools import plain, where_it_runs
from tests.helpers.processes import running, said
from tether_desktop.tools import child
from tether_desktop.tools.child_call import OwnSource, ask_for_tools, call_own
from tether_desktop.tools.declaration import function_tool
from tether_desktop.tools.tool import ToolOutput

HEADER = "from tether_desktop.tools.declaration import OnToolProgress, tool\n"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="fork and signals")


def ignore(_message: str, _fraction: float | None) -> None:
    """Nobody listens."""


def wait_for_end(number: int) -> None:
    """Return when there is no process of that number; fails when it goes on."""
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(number).wait(timeout=60)


def own(body: str, signature: str = "") -> OwnSource:
    """A file whose tool ``act`` does this."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    source = f'{HEADER}@tool\ndef act({signature}):\n    """Act."""\n{lines}'
    return OwnSource("mine.py", source.encode(), Path.cwd())


async def result_of(body: str) -> ToolOutput:
    return await call_own(own(body), "act", {}, ignore)


async def cancelled_once_it_runs(body: str) -> int:
    """Cancel a call as soon as it has reported; the number of the process that it reports."""
    source = own(f"import os\nprogress(str(os.getpid()), None)\n{body}", "progress: OnToolProgress")
    reported: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    call = asyncio.create_task(call_own(source, "act", {}, lambda message, _: reported.set_result(message)))
    number = int(await reported)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    return number


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ValueError('no such day')", "ValueError: no such day"),
        ("import sys; sys.exit('bye')", "SystemExit: bye"),
        ("raise BaseException('below all')", "BaseException: below all"),
        ("import asyncio; raise asyncio.CancelledError", "CancelledError"),
        ("act.function()", "RecursionError"),
        ("class Bad(Exception):\n    def __str__(self): raise OSError\nraise Bad", "Bad: (its message cannot be read)"),
        ("class Bad:\n    def __str__(self): raise OSError('mute')\nreturn Bad()", "has no form as text"),
        ("import os; os._exit(3)", "it ended with exit code 3"),
        ("import os; os.closerange(0, 100); os._exit(4)", "it ended with exit code 4"),
        ("import os; os.write(3, b'no json\\n'); os.write(4, b'no json\\n'); os.write(5, b'{}\\n')", "no answer"),
    ],
)
async def test_what_goes_wrong_in_a_tool_is_an_answer(body: str, words: str) -> None:
    output = await result_of(body)
    assert output.is_error
    assert words in output.text
    assert "Traceback" not in output.text


@posix_only
@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "SIGKILL"),
        ("import ctypes; ctypes.string_at(0)", "it crashed (SIGSEGV)"),
    ],
)
async def test_a_process_that_is_killed_or_crashes_is_an_answer(body: str, words: str) -> None:
    output = await result_of(body)
    assert output.is_error
    assert words in output.text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("return 'ünï\\n'", "ünï\n"),
        ("return {'nan': float('nan'), 'day': [1, None, True]}", '{"nan":"NaN","day":[1,null,true]}'),
        ("return 'half \\ud800 and nothing \\0'", "half � and nothing �"),
        ("for number in range(20000): print('line', number)\nreturn 'ok'", "ok"),
        ("import sys; sys.stdout.write('{\"text\": \"forged\"}\\n'); return 'ok'", "ok"),
        ("import os; os.write(1, b'{\"text\": \"forged\"}\\n'); return 'ok'", "ok"),
        ("import sys; del sys.modules[__name__], sys.modules['json']; return 'ok'", "ok"),
        ("import os; os.chdir('/'); os.environ.clear(); return 'ok'", "ok"),
        ("import sys; sys.stdout = sys.stderr = None; return 'ok'", "ok"),
        ("return input()", "The tool failed: EOFError: EOF when reading a line"),
    ],
)
async def test_whatever_a_tool_gives_back_or_prints_the_answer_is_text(body: str, text: str) -> None:
    assert (await result_of(body)).text == text


async def test_a_hundred_megabytes_stay_in_the_process_but_for_their_beginning() -> None:
    output = await result_of("return 'x' * 100_000_000")
    assert len(output.text) == 1 << 20
    assert output.left_out == 100_000_000 - (1 << 20)


async def test_a_coroutine_function_is_awaited() -> None:
    source = (
        HEADER + 'import asyncio\n@tool\nasync def act():\n    """Act."""\n    await asyncio.sleep(0)\n    return 5\n'
    )
    assert await call_own(OwnSource("a.py", source.encode(), Path.cwd()), "act", {}, ignore) == ToolOutput("5")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the program looks at the process from time to time")
async def test_a_tool_that_takes_too_much_memory_is_told_so() -> None:
    assert (await result_of("return len(bytearray(3 << 30))")).text == "The tool failed: MemoryError"


async def test_a_process_that_grows_past_its_limit_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tether_desktop.tools.child_call.MOST_MEMORY", 1)
    output = await result_of("while True: pass")
    assert output == ToolOutput("The tool took too much memory and was ended.", is_error=True)


@pytest.mark.parametrize(
    "body",
    [
        "while True: pass",
        "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True: time.sleep(100)",
        "import re; re.search('(a+)+$', 'a' * 100 + 'b')",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
    ],
)
async def test_cancelling_ends_what_cannot_be_interrupted(body: str) -> None:
    number = await cancelled_once_it_runs(body)
    assert not psutil.pid_exists(number)


START = (
    "import subprocess, sys\nstarted = subprocess.Popen([sys.executable, '-c', 'input()'], stdin=subprocess.PIPE{})\n"
)


@pytest.mark.parametrize("session", ["", ", start_new_session=True"])
async def test_what_a_tool_started_ends_with_the_call(session: str) -> None:
    output = await result_of(START.format(session) + "return started.pid")
    wait_for_end(int(output.text))


@pytest.mark.parametrize("session", ["", ", start_new_session=True"])
async def test_what_a_tool_started_ends_when_the_call_is_cancelled(session: str, tmp_path: Path) -> None:
    file = tmp_path / "pid"
    body = START.format(session) + f"open({str(file)!r}, 'w').write(str(started.pid))\n"
    source = own(body + "progress('started', None)\nwhile True: pass", "progress: OnToolProgress")
    started = asyncio.Event()
    call = asyncio.create_task(call_own(source, "act", {}, lambda *_: started.set()))
    await started.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    wait_for_end(int(file.read_text()))


@posix_only
async def test_a_tool_that_forks_answers_once() -> None:
    assert (await result_of("import os; os.fork(); return 'ok'")).text == "ok"


@posix_only
async def test_a_copy_that_outlives_the_process_does_not_keep_the_call_waiting() -> None:
    output = await result_of("import os, time\nif os.fork(): os._exit(5)\nwhile True: time.sleep(100)")
    assert "exit code 5" in output.text


async def test_files_a_tool_left_open_are_written_to_their_end(tmp_path: Path) -> None:
    file = tmp_path / "kept.txt"
    await result_of(f"global kept; kept = open({str(file)!r}, 'w'); kept.write('all of it')")
    assert file.read_text() == "all of it"


async def test_what_a_tool_prints_goes_to_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await result_of("import os; print('to stdout'); os.write(2, b'to stderr\\n')")
    assert "mine.py: act printed:\nto stdout\nto stderr" in caplog.text


async def test_a_flood_of_reports_is_thinned_out() -> None:
    source = own("for number in range(20000): progress(str(number), 2)\nreturn 'ok'", "progress: OnToolProgress")
    reports: list[tuple[str, float | None]] = []
    await call_own(source, "act", {}, lambda *report: reports.append(report))
    assert reports[0] == ("0", None)
    assert len(reports) < 100


async def test_a_tool_gets_no_secrets_and_no_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("TETHER_SEARCH_KEY", "secret")
    output = await result_of("import os; return [name for name, value in os.environ.items() if value == 'secret']")
    assert output.text == "[]"


async def test_a_tool_runs_in_its_folder_but_finds_no_modules_there(tmp_path: Path) -> None:
    (tmp_path / "neighbour.py").write_text("")
    body = (
        f"import os\ntry: import neighbour\nexcept ImportError: return os.path.samefile(os.getcwd(), {str(tmp_path)!r})"
    )
    source = OwnSource("mine.py", own(body).content, tmp_path)
    assert (await call_own(source, "act", {}, ignore)).text == "true"


async def test_a_tool_that_is_not_in_the_file_is_told() -> None:
    output = await call_own(own("return 1"), "other", {}, ignore)
    assert output == ToolOutput("The tool cannot be loaded: There is no tool other in it.", is_error=True)


async def test_where_no_process_can_be_started_that_is_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tether_desktop.tools.child_call.child_command", lambda _: ["/no/such/program"])
    output = await result_of("return 1")
    assert output.is_error
    assert output.text.startswith("No process can be started for the tool")


async def test_an_isolated_function_of_a_module_runs_in_another_process() -> None:
    reports: list[tuple[str, float | None]] = []
    output = await where_it_runs.run({"day": "2026-01-02"}, lambda *report: reports.append(report))
    number, weekday = json.loads(output.text)
    assert (int(number) != os.getpid(), weekday, reports) == (True, "Friday", [("looking", 0.5)])


async def test_a_plain_function_can_be_isolated_under_another_name() -> None:
    output = await function_tool(plain, name="process", isolated=True).run({"number": 0}, ignore)
    assert int(output.text) != os.getpid()


async def test_arguments_that_do_not_fit_are_told_from_another_process_too() -> None:
    output = await where_it_runs.run({"day": "some day"}, ignore)
    assert output.is_error
    assert "The argument 'day' does not fit" in output.text


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("\n\nimport no_such_module", "Line 3: ModuleNotFoundError: No module named 'no_such_module'"),
        ("import os\nos._exit(9)", "The tool's process is gone without an answer: it ended with exit code 9."),
    ],
)
async def test_a_file_that_cannot_be_used_says_why_and_where(source: str, problem: str) -> None:
    assert await ask_for_tools(OwnSource("mine.py", source.encode(), Path.cwd())) == {"broken": problem}


async def test_a_file_tells_its_tools_in_their_order() -> None:
    source = HEADER + "@tool(title='Two', timeout_s=3)\ndef b(n: int):\n  'B.'\n@tool\ndef a():\n  'A.'\n"
    answer = await ask_for_tools(OwnSource("mine.py", source.encode(), Path.cwd()))
    assert [(each["name"], each["title"], each["timeout_s"]) for each in answer["tools"]] == [
        ("b", "Two", 3),
        ("a", "A", None),
    ]


PARENT = """
import asyncio, sys
from pathlib import Path
from tether_desktop.tools.child_call import OwnSource, call_own
source = Path(sys.argv[1])
def show(message, _): print(message, flush=True)
asyncio.run(call_own(OwnSource("mine.py", source.read_bytes(), source.parent), "act", {}, show))
"""


@posix_only
async def test_a_call_ends_with_the_program_however_that_ends(tmp_path: Path) -> None:
    body = START.format("") + "progress(f'{os.getpid()} {started.pid}', None)\nwhile True: pass"
    (tmp_path / "mine.py").write_bytes(own("import os\n" + body, "progress: OnToolProgress").content)
    with running(PARENT, str(tmp_path / "mine.py")) as program:
        processes = [psutil.Process(int(number)) for number in said(program).split()]
        program.kill()
        _, alive = psutil.wait_procs(processes, timeout=60)
    assert alive == []


STUCK = """
import re, threading
from tether_desktop.tools import child
child._STUCK_S, child._BEAT_S = 1.0, 0.1
threading.Thread(target=child._beat, daemon=True).start()
print("ready", flush=True)
re.search("(a+)+$", "a" * 100 + "b")
"""


def test_native_code_that_lets_no_thread_run_does_not_keep_a_process_for_good() -> None:
    assert child._BEAT_S * 4 < child._STUCK_S
    with running(STUCK) as process:
        assert said(process) == "ready"
        assert process.wait(timeout=60) == 1
