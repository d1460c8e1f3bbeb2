"""One call to an answer: whatever the arguments, the schema, the tool and the one who cancels do."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.helpers.isolated_tools import where_it_runs
from tether_desktop.errors import StoreError
from tether_desktop.messages import ToolDeclaration
from tether_desktop.tools import executor
from tether_desktop.tools.declaration import OnToolProgress, function_tool
from tether_desktop.tools.executor import run_call
from tether_desktop.tools.progress import ProgressLimit
from tether_desktop.tools.tool import Permission, Tool, ToolOutput

LONG_S = 60.0
"""A timeout that no test waits for."""


class Scripted:
    """A tool that does what a test says."""

    origin = "mine.py"
    title = "Scripted"
    permission: Permission = "ask"

    def __init__(
        self, act: Callable[[OnToolProgress], Any], schema: dict[str, Any] | None = None, timeout_s: float | None = None
    ) -> None:
        self.declaration = ToolDeclaration("scripted", "Act.", schema or {"type": "object"})
        self.timeout_s = timeout_s
        self._act = act

    async def run(self, arguments: dict[str, Any], on_progress: OnToolProgress) -> Any:
        result = self._act(on_progress)
        return await result if asyncio.iscoroutine(result) else result


def raising(error: BaseException) -> Scripted:
    """A tool that raises."""

    def act(_progress: OnToolProgress) -> None:
        raise error

    return Scripted(act)


async def call(tool: Tool, arguments: dict[str, Any] | None = None, **options: Any) -> ToolOutput:
    defaults = {"timeout_s": LONG_S, "most_characters": 1000, "on_progress": lambda *_: None}
    return await run_call(tool, arguments or {}, **(defaults | options))


class Unprintable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (ValueError("no such day"), "The tool failed: ValueError: no such day"),
        (ValueError(), "The tool failed: ValueError"),
        (KeyError("half \ud800"), "The tool failed: KeyError: 'half \\ud800'"),
        (SystemExit(3), "The tool failed: SystemExit: 3"),
        (KeyboardInterrupt(), "The tool failed: KeyboardInterrupt"),
        (MemoryError(), "The tool failed: MemoryError"),
        (RecursionError("too deep"), "The tool failed: RecursionError: too deep"),
        (StopIteration(1), "The tool failed: RuntimeError: coroutine raised StopIteration"),
        (Unprintable(), "The tool failed: Unprintable: (its message cannot be read)"),
        (StoreError("Not there", "The file is gone.", "Look again."), "The file is gone. Look again."),
        (asyncio.CancelledError(), "The tool cancelled itself and gave no answer."),
    ],
)
async def test_whatever_a_tool_raises_is_an_answer(error: BaseException, text: str) -> None:
    assert await call(raising(error)) == ToolOutput(text, is_error=True)


async def test_an_error_message_is_kept_to_a_length() -> None:
    output = await call(raising(ValueError("x" * 1_000_000)), most_characters=100_000)
    assert len(output.text) < 2100


async def test_the_log_has_no_message_that_may_quote_arguments(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    await call(raising(ValueError("my secret")))
    assert "Tool scripted failed with ValueError" in caplog.text
    assert "my secret" not in caplog.text


async def test_a_fault_of_our_own_is_logged_with_all_there_is(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        """Fail."""
        raise ZeroDivisionError

    await call(function_tool(fail))
    assert "Traceback" in caplog.text


@pytest.mark.parametrize(
    ("result", "text"),
    [(ToolOutput("ok"), "ok"), ("ok", "ok"), (None, "(no result)"), ({"a": 1}, '{"a":1}'), (b"x", "(binary, 1 bytes)")],
)
async def test_whatever_a_tool_gives_back_becomes_text(result: Any, text: str) -> None:
    assert await call(Scripted(lambda _: result)) == ToolOutput(text)


async def test_a_result_without_a_form_as_text_is_an_answer() -> None:
    endless: list[Any] = []
    endless.append(endless)
    output = await call(Scripted(lambda _: endless))
    assert output.is_error
    assert "has no form as text" in output.text


async def test_a_long_result_is_cut_with_a_note() -> None:
    output = await call(Scripted(lambda _: ToolOutput("x" * 50, left_out=7)), most_characters=10)
    assert output.text == "x" * 10 + "\n[The result was too long: 47 characters after these 10 are left out.]"


SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "arguments", "words"),
    [
        (SCHEMA, {"n": "x"}, "The arguments do not fit the tool scripted: n: 'x' is not of type 'integer'."),
        (SCHEMA, {"m": 1}, "there is no 'm'; known names: n."),
        ({"$ref": "#"}, {}, "The tool scripted cannot be called: of its schema, it refers to itself"),
    ],
)
async def test_a_call_that_does_not_fit_the_schema_is_not_made(
    schema: dict[str, Any], arguments: dict[str, Any], words: str
) -> None:
    made: list[int] = []
    output = await call(Scripted(lambda _: made.append(1), schema), arguments)
    assert output.is_error
    assert words in output.text
    assert made == []


async def never_ending(_progress: OnToolProgress) -> None:
    await asyncio.Event().wait()


async def test_a_tool_that_hangs_is_ended_and_told() -> None:
    output = await call(Scripted(never_ending), timeout_s=0.01)
    assert output == ToolOutput("The tool did not answer within 0.01 seconds and was ended.", is_error=True)


async def test_a_tools_own_timeout_goes_before_the_settings() -> None:
    output = await call(Scripted(never_ending, timeout_s=0.02))
    assert "within 0.02 seconds" in output.text


async def test_a_thread_that_hangs_is_left_and_told() -> None:
    go_on = threading.Event()

    def hang() -> None:
        """Hang."""
        go_on.wait()

    output = await call(function_tool(hang, timeout_s=0.01))
    go_on.set()
    assert "within 0.01 seconds" in output.text


async def test_cancelling_ends_the_tool_before_it_is_told() -> None:
    started, cleaned = asyncio.Event(), asyncio.Event()

    async def act(_progress: OnToolProgress) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            cleaned.set()

    task = asyncio.create_task(call(Scripted(act)))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_cancelling_twice_still_waits_for_the_end() -> None:
    started, go_on, cleaned = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def act(_progress: OnToolProgress) -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await go_on.wait()
            cleaned.set()

    task = asyncio.create_task(call(Scripted(act)))
    await started.wait()
    for _ in range(2):
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_a_tool_that_does_not_let_itself_be_cancelled_is_left(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(executor, "_GRACE_S", 0.01)
    go_on = asyncio.Event()

    async def act(_progress: OnToolProgress) -> str:
        while not go_on.is_set():
            try:
                await go_on.wait()
            except asyncio.CancelledError:
                continue
        return "late"

    output = await call(Scripted(act), timeout_s=0.01)
    go_on.set()
    assert output.is_error
    assert "does not let itself be cancelled" in caplog.text


async def test_reports_are_kept_to_a_rate_and_the_last_one_arrives() -> None:
    reports: list[tuple[str, float | None]] = []

    async def act(progress: OnToolProgress) -> str:
        for number in range(10_000):
            progress(f"step {number}", number / 10_000)
        return "ok"

    await call(Scripted(act), on_progress=lambda *report: reports.append(report))
    assert reports == [("step 0", 0.0), ("step 9999", 0.9999)]


async def test_reports_of_a_thread_do_not_pile_up() -> None:
    reports: list[str] = []

    def act(progress: OnToolProgress) -> str:
        """Act."""
        for number in range(10_000):
            progress(str(number), None)
        return "ok"

    output = await call(function_tool(act), on_progress=lambda message, _: reports.append(message))
    assert (output.text, reports[-1]) == ("ok", "9999")
    assert len(reports) < 100


@pytest.mark.parametrize(
    ("message", "fraction", "shown"),
    [
        ("half", 0.5, ("half", 0.5)),
        ("two\nlines", 2, ("two lines", 1.0)),
        ("x" * 1000, -1, ("x" * 300 + "…", 0.0)),
        (None, float("nan"), ("None", None)),
        ("\u202eback\x00", "half", ("\ufffdback\ufffd", None)),
        ("yes", True, ("yes", None)),
    ],
)
async def test_a_report_is_made_readable(message: Any, fraction: Any, shown: tuple[str, float | None]) -> None:
    reports: list[tuple[str, float | None]] = []
    limit = ProgressLimit(lambda *report: reports.append(report))
    limit.report(message, fraction)
    limit.close()
    limit.report("too late", None)
    assert reports == [shown]


async def test_reports_of_another_process_arrive() -> None:
    reports: list[tuple[str, float | None]] = []
    output = await call(where_it_runs, {"day": "2026-01-02"}, on_progress=lambda *report: reports.append(report))
    assert (output.is_error, reports) == (False, [("looking", 0.5)])
