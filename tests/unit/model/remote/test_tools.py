"""Tools and schemas on a server: what is asked, what comes of it, and what a server that has them not is spared."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from tests.helpers.openai_server import (
    DONE,
    Answer,
    OpenAIServer,
    call,
    calls,
    event,
    give,
    piece,
    refuse,
    say,
    serving,
    usage,
)
from tests.helpers.remote_engines import QUESTION, ask, loaded, reply, text_of
from tether_desktop.errors import EngineError, ServerError
from tether_desktop.messages import (
    Message,
    Reasoning,
    Text,
    ToolCall,
    ToolChoice,
    ToolDeclaration,
    ToolResult,
    text_message,
)
from tether_desktop.model.engine import (
    Constraint,
    ConstraintKind,
    GenerationRequest,
    PromptPiece,
    RequestedCall,
    SamplingParams,
)

ZONE = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
CLOCK = ToolDeclaration("clock", "Tells the time.", ZONE)
NOW = ToolDeclaration("now", "Tells it here.")
SCHEMA = Constraint("json_schema", json.dumps(ZONE))
NAMED = ToolChoice("named", "clock")
CALL = Answer([calls(call(0, "1", "clock", '{"zone": "UTC"}')), piece(finish="tool_calls"), DONE])
QUESTION_PIECES = (PromptPiece("user"), PromptPiece("word " * 500, literal=True))
NO_TOOLS = [
    (400, {"message": "registry.ollama.ai/library/gemma:2b does not support tools", "type": "api_error"}),
    (400, {"message": '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'}),
    (500, {"message": "tools param requires --jinja flag", "type": "server_error", "code": 500}),
    (404, {"message": "No endpoints found that support tool use. To learn more, see the documentation."}),
    (400, {"message": "deepseek-reasoner does not support Function Calling"}),
    (400, {"message": "`tool calling` is not supported with this model"}),
    (400, {"message": "Unrecognized request argument supplied: tools"}),
    (422, {"message": "Extra inputs are not permitted", "param": "tools"}),
    (422, [{"type": "extra_forbidden", "loc": ["body", "tools"], "msg": "Extra inputs are not permitted"}]),
]


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with serving() as server:
        yield server


def with_tools(choice: ToolChoice | None = None, *messages: Message) -> GenerationRequest:
    told = (*QUESTION, *messages)
    return GenerationRequest("session", (), SamplingParams(), told, (CLOCK, NOW), choice or ToolChoice())


def held(schema: str = SCHEMA.text) -> GenerationRequest:
    return replace(ask(), constraint=Constraint("json_schema", schema))


async def test_tools_go_as_the_api_has_them_and_what_is_left_to_the_model_is_not_mentioned(
    server: OpenAIServer,
) -> None:
    async with loaded(server) as engine:
        await reply(engine, with_tools())
        await reply(engine)
    clock, now = server.chats[0]["tools"]
    assert clock == {
        "type": "function",
        "function": {"name": "clock", "description": "Tells the time.", "parameters": ZONE},
    }
    assert now["function"]["parameters"] == {"type": "object", "properties": {}}
    assert ["tool_choice" in body for body in server.chats] == [False, False]
    assert "tools" not in server.chats[1]


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (NAMED, {"type": "function", "function": {"name": "clock"}}),
    ],
)
async def test_the_choice_of_tools_goes_as_the_api_has_it(server: OpenAIServer, choice: ToolChoice, told: Any) -> None:
    server.answers = [say("Noon.") if choice.mode == "none" else CALL]
    async with loaded(server) as engine:
        await reply(engine, with_tools(choice))
    assert server.chats[0]["tool_choice"] == told


async def test_what_was_said_to_tools_goes_as_the_api_has_it_and_thoughts_do_not(server: OpenAIServer) -> None:
    said = (
        Reasoning("Hm."),
        Text("Wait."),
        ToolCall("1", "clock", {"zone": "Zürich"}),
        ToolCall("2", "now", {}),
        ToolCall("3", "", {}, "<tool_call>{oops"),
        ToolCall("4", "clock", {}, '{"zone": '),
    )
    results = (ToolResult("1", "clock", "noon"), ToolResult("2", "now", "noon too"), ToolResult("3", "", "No.", True))
    spoken = (Message("assistant", said), Message("tool", results), text_message("assistant", "Noon."))
    async with loaded(server) as engine:
        await reply(engine, with_tools(None, *spoken))
    _, told, *answers, last = server.chats[0]["messages"]
    assert told["content"] == "Wait."
    assert [(each["id"], each["type"]) for each in told["tool_calls"]] == [(id_, "function") for id_ in "1234"]
    functions = [(each["function"]["name"], json.loads(each["function"]["arguments"])) for each in told["tool_calls"]]
    assert functions == [
        ("clock", {"zone": "Zürich"}),
        ("now", {}),
        ("invalid_call", {"text": "<tool_call>{oops"}),
        ("clock", {"text": '{"zone": '}),
    ]
    assert answers == [
        {"role": "tool", "tool_call_id": "1", "content": "noon"},
        {"role": "tool", "tool_call_id": "2", "content": "noon too"},
        {"role": "tool", "tool_call_id": "3", "content": "No."},
    ]
    assert last == {"role": "assistant", "content": "Noon."}


async def test_calls_come_whole_with_the_last_chunk_and_no_other(server: OpenAIServer) -> None:
    pieces = [calls(call(0, "a", "clock", "")), *(calls(call(0, arguments=each)) for each in '{"zone": "UTC"}')]
    more = [calls(call(1, "b", "now", "{}")), piece(finish="tool_calls"), DONE]
    server.answers = [Answer([piece("One "), piece("moment."), *pieces, *more])]
    async with loaded(server) as engine:
        *before, last = await reply(engine, with_tools())
    assert text_of(before) == "One moment."
    assert last.tool_calls == (RequestedCall("a", "clock", '{"zone": "UTC"}'), RequestedCall("b", "now", "{}"))
    assert (last.finish_reason, [chunk.tool_calls for chunk in before]) == ("tool_calls", [(), ()])


@pytest.mark.parametrize("finish", ["stop", "tool_calls", "function_call", "eos"])
async def test_a_reply_with_calls_ends_for_them_whatever_the_server_calls_that(
    server: OpenAIServer, finish: str
) -> None:
    server.answers = [Answer([calls(call(0, "1", "now", "{}"), finish=finish), DONE])]
    async with loaded(server) as engine:
        assert (await reply(engine, with_tools()))[-1].finish_reason == "tool_calls"


async def test_a_reply_without_calls_does_not_end_for_them(server: OpenAIServer) -> None:
    server.answers = [say("Hi", finish="tool_calls")]
    async with loaded(server) as engine:
        last = (await reply(engine, with_tools()))[-1]
    assert (last.finish_reason, last.tool_calls) == ("stop", ())


async def test_a_call_that_was_cut_off_says_so(server: OpenAIServer) -> None:
    server.answers = [Answer([calls(call(0, "1", "clock", '{"zone')), piece(finish="length"), DONE])]
    async with loaded(server) as engine:
        last = (await reply(engine, with_tools()))[-1]
    assert (last.finish_reason, last.tool_calls) == ("length", (RequestedCall("1", "clock", '{"zone'),))


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "tool_calls": [call(None, "1", "clock", '{"zone": "UTC"}')]},
        {"content": "", "tool_calls": [call(0, "1", "clock", {"zone": "UTC"})]},
        {"content": None, "function_call": {"name": "clock", "arguments": '{"zone": "UTC"}'}},
    ],
)
async def test_calls_of_a_server_that_does_not_stream_are_understood(
    server: OpenAIServer, message: dict[str, Any]
) -> None:
    server.answers = [give({"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]})]
    async with loaded(server) as engine:
        last = (await reply(engine, with_tools()))[-1]
    assert [(each.name, each.arguments) for each in last.tool_calls] == [("clock", '{"zone": "UTC"}')]
    assert last.finish_reason == "tool_calls"


async def test_a_thought_is_closed_before_a_call(server: OpenAIServer) -> None:
    thought = piece(None, reasoning_content="Hm")
    server.answers = [Answer([thought, calls(call(0, "1", "now", "{}")), piece(finish="stop"), DONE])]
    async with loaded(server) as engine:
        assert text_of(await reply(engine, with_tools())) == "<think>Hm</think>"


async def test_calls_without_an_end_are_given_up(server: OpenAIServer) -> None:
    flood = calls(call(0, "1", "clock", "x" * 600_000))
    server.answers = [Answer([flood, flood, "hold"])]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="without an end"):
            await reply(engine, with_tools())
        await server.left.wait()


async def test_a_connection_that_drops_within_a_call_is_told_and_the_call_is_not_made(server: OpenAIServer) -> None:
    server.answers = [Answer([calls(call(0, "1", "clock", '{"zone')), "drop"])]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="ended the connection"):
            await reply(engine, with_tools())
    assert len(server.chats) == 1


@pytest.mark.parametrize(("status", "error"), NO_TOOLS)
async def test_a_server_that_calls_no_tools_is_asked_without_them_now_and_later(
    server: OpenAIServer, status: int, error: object, caplog: pytest.LogCaptureFixture
) -> None:
    server.answers = [refuse(status, error), say("Fine"), say("Again")]
    async with loaded(server) as engine:
        texts = [text_of(await reply(engine, with_tools())) for _ in range(2)]
    assert texts == ["Fine", "Again"]
    assert ["tools" in body for body in server.chats] == [True, False, False]
    assert [record.levelno for record in caplog.records if "calls no tools" in record.message] == [logging.WARNING]


@pytest.mark.parametrize("choice", [ToolChoice("required"), NAMED])
@pytest.mark.parametrize(
    ("status", "error"), [*NO_TOOLS, (400, {"message": 'tool_choice = "required" is not supported!'})]
)
async def test_where_a_tool_has_to_be_called_that_the_server_calls_none_is_told(
    server: OpenAIServer, status: int, error: object, choice: ToolChoice
) -> None:
    server.answers = [refuse(status, error), refuse(status, error)]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="does not call tools with this model") as told:
            await reply(engine, with_tools(choice))
    assert "--enable-auto-tool-choice" in told.value.hint
    assert all("tools" in body for body in server.chats)


@pytest.mark.parametrize("choice", [ToolChoice("required"), NAMED])
async def test_a_server_that_takes_no_notice_of_a_call_that_has_to_be_is_found_out(
    server: OpenAIServer, choice: ToolChoice
) -> None:
    server.answers = [say("Let me see."), say("Let me", finish="length")]
    async with loaded(server) as engine:
        with pytest.raises(EngineError, match="without calling a tool"):
            await reply(engine, with_tools(choice))
        assert (await reply(engine, with_tools(choice)))[-1].finish_reason == "length"


async def test_an_error_about_a_tool_is_told_and_tools_go_on_being_offered(server: OpenAIServer) -> None:
    wrong = {"message": "Invalid schema for function 'clock': 'zone' is no type.", "param": "tools[0]"}
    server.answers = [refuse(400, wrong), refuse(500, {"message": "The tools server is on fire"})]
    async with loaded(server) as engine:
        for words in ("is no type", "on fire"):
            with pytest.raises(ServerError, match=words):
                await reply(engine, with_tools())
        await reply(engine, with_tools())
    assert all("tools" in body for body in server.chats)


async def test_a_server_to_which_no_tool_can_be_named_is_told_of_that_one_alone(server: OpenAIServer) -> None:
    said = "Invalid tool_choice type: 'object'. Supported string values: none, auto, required"
    server.answers = [refuse(400, said), CALL, CALL]
    async with loaded(server) as engine:
        for _ in range(2):
            (made,) = (await reply(engine, with_tools(NAMED)))[-1].tool_calls
            assert made.name == "clock"
        await reply(engine, with_tools())
    assert [len(body["tools"]) for body in server.chats] == [2, 1, 1, 2]
    assert [body.get("tool_choice") for body in server.chats[1:]] == ["required", "required", None]


async def test_a_server_that_calls_tools_although_it_must_not_is_asked_again_without_them(
    server: OpenAIServer,
) -> None:
    server.answers = [CALL, say("It is noon."), say("Still noon.")]
    async with loaded(server) as engine:
        for text in ("It is noon.", "Still noon."):
            chunks = await reply(engine, with_tools(ToolChoice("none")))
            assert (text_of(chunks), chunks[-1].finish_reason, chunks[-1].tool_calls) == (text, "stop", ())
        await reply(engine, with_tools())
    assert ["tools" in body for body in server.chats] == [True, False, False, True]


async def test_calls_beside_text_that_must_not_be_are_left_out(server: OpenAIServer) -> None:
    server.answers = [Answer([piece("Noon."), *CALL.steps])]
    async with loaded(server) as engine:
        chunks = await reply(engine, with_tools(ToolChoice("none")))
    assert (text_of(chunks), chunks[-1].finish_reason, chunks[-1].tool_calls) == ("Noon.", "stop", ())


async def test_a_server_that_does_nothing_but_call_is_told(server: OpenAIServer) -> None:
    server.answers = [CALL, CALL]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="nothing but calls"):
            await reply(engine, with_tools(ToolChoice("none")))


async def test_a_server_that_takes_nothing_of_tools_gets_the_conversation_without_them(server: OpenAIServer) -> None:
    server.answers = [refuse(400, {"message": "Conversation roles must alternate user/assistant/…"}), say("Fine")]
    spoken = (
        Message("assistant", (Text("Wait."), ToolCall("1", "clock", {"zone": "UTC"}))),
        Message("tool", (ToolResult("1", "clock", "noon"),)),
        text_message("assistant", "It is noon."),
        text_message("user", "Thanks."),
    )
    async with loaded(server) as engine:
        assert text_of(await reply(engine, replace(with_tools(None, *spoken), tools=()))) == "Fine"
    assert server.chats[1]["messages"] == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Wait.\n\nIt is noon."},
        {"role": "user", "content": "Thanks."},
    ]


async def test_a_server_that_cannot_be_told_what_a_tool_has_just_said_says_so(server: OpenAIServer) -> None:
    said = "Assistant message having `tool_calls` is not supported yet."
    server.answers = [refuse(400, {"message": said}) for _ in range(3)]
    spoken = (Message("assistant", (ToolCall("1", "now", {}),)), Message("tool", (ToolResult("1", "now", "noon"),)))
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="is not supported yet"):
            await reply(engine, with_tools(None, *spoken))


async def test_tools_and_what_they_said_count_as_tokens(server: OpenAIServer) -> None:
    spoken = (Message("assistant", (ToolCall("1", "now", {}),)), Message("tool", (ToolResult("1", "now", "x " * 900),)))
    long = with_tools(None, *spoken)
    async with loaded(server, context_window=1000) as engine:
        await reply(engine, replace(with_tools(), params=SamplingParams(max_tokens=990)))
        await reply(engine, replace(ask(), params=SamplingParams(max_tokens=990)))
        await reply(engine, replace(long, params=SamplingParams(max_tokens=990)))
    few, many, least = (body["max_tokens"] for body in server.chats)
    assert least < few - 400 < many - 400


async def test_what_was_not_sent_does_not_count_when_an_estimate_learns(server: OpenAIServer) -> None:
    counted = [piece("Hi", finish="stop"), usage(250, 1), DONE]
    server.answers = [refuse(400, {"message": "tiny does not support tools"}), Answer(counted), Answer(counted)]
    question = ask(None, "word " * 200)
    long = replace(CLOCK, description="time " * 2000)
    async with loaded(server) as engine:
        await reply(engine, replace(question, tools=(long,)))
        (after_tools,) = await engine.count_tokens([QUESTION_PIECES])
        await reply(engine, question)
        (after,) = await engine.count_tokens([QUESTION_PIECES])
    assert after_tools == after


async def test_servers_that_count_are_told_of_the_tools(server: OpenAIServer) -> None:
    server.models = [{"id": "tiny", "owned_by": "vllm", "max_model_len": 2000}]
    server.others["/tokenize"] = lambda body: give({"count": 100 if "tools" in body else 10})
    async with loaded(server) as engine:
        await reply(engine, replace(with_tools(), params=SamplingParams(max_tokens=1999)))
    assert server.chats[0]["max_tokens"] == 1900


async def test_a_schema_goes_as_the_api_has_it_and_the_reply_is_the_servers(server: OpenAIServer) -> None:
    server.answers = [say('{"zone"', ': "UTC"}')]
    async with loaded(server) as engine:
        assert text_of(await reply(engine, held())) == '{"zone": "UTC"}'
    told = {"name": "reply", "schema": ZONE, "strict": True}
    assert server.chats[0]["response_format"] == {"type": "json_schema", "json_schema": told}


@pytest.mark.parametrize(
    ("refusals", "form"),
    [
        (
            ["Invalid schema for response_format 'reply': 'additionalProperties' is required to be supplied"],
            {"type": "json_schema", "json_schema": {"name": "reply", "schema": ZONE, "strict": False}},
        ),
        (["Input should be 'text' or 'json_object'"], {"type": "json_object", "schema": ZONE}),
        (
            ["Input should be 'text' or 'json_object'", "body.response_format.schema: Input should be a valid string"],
            {"type": "json_object", "schema": json.dumps(ZONE)},
        ),
    ],
)
async def test_a_server_that_takes_schemas_in_another_form_gets_them_in_that_form(
    server: OpenAIServer, refusals: list[str], form: dict[str, Any]
) -> None:
    server.answers = [*(refuse(400, {"message": said}) for said in refusals), say("{}"), say("[]")]
    async with loaded(server) as engine:
        assert [text_of(await reply(engine, held())) for _ in range(2)] == ["{}", "[]"]
    assert [body["response_format"] for body in server.chats[-2:]] == [form, form]
    assert len(server.chats) == len(refusals) + 2


async def test_a_server_that_fails_over_the_form_of_a_schema_gets_it_in_another_one(server: OpenAIServer) -> None:
    said = "[{'loc': ('body', 'response_format', 'type'), 'msg': \"Input should be 'text' or 'json_object'\"}]"
    server.answers = [refuse(500, {"message": said, "type": "internal_server_error"}), say("{}")]
    async with loaded(server) as engine:
        assert text_of(await reply(engine, held())) == "{}"
    assert server.chats[1]["response_format"] == {"type": "json_object", "schema": ZONE}


async def test_a_server_that_takes_no_schema_says_so(server: OpenAIServer) -> None:
    server.answers = [refuse(400, {"message": "This response_format type is unavailable now"})]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="is unavailable now"):
            await reply(engine, held())
    assert len(server.chats) == 1


@pytest.mark.parametrize("text", ["Sure! Here it is.", "", '{"zone": '])
async def test_a_server_that_takes_no_notice_of_a_schema_is_found_out(server: OpenAIServer, text: str) -> None:
    server.answers = [say(text)]
    async with loaded(server) as engine:
        with pytest.raises(EngineError, match="something else than JSON") as told:
            await reply(engine, held())
        assert told.value.hint
        assert len(server.chats) == 1


async def test_a_reply_to_a_schema_may_be_thought_about_called_for_or_cut_off(server: OpenAIServer) -> None:
    thought = Answer([piece("<think>Hm</think>"), piece("\n7"), piece(finish="stop"), DONE])
    server.answers = [thought, CALL, say('{"zo', finish="length")]
    both = replace(with_tools(), constraint=SCHEMA)
    async with loaded(server) as engine:
        reasons = [(await reply(engine, request))[-1].finish_reason for request in (held(), both, held())]
    assert reasons == ["stop", "tool_calls", "length"]


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
async def test_a_schema_that_is_none_is_refused_before_anything_is_asked(server: OpenAIServer, text: str) -> None:
    async with loaded(server) as engine:
        with pytest.raises(EngineError, match="cannot be read"):
            await reply(engine, held(text))
    assert server.chats == []


@pytest.mark.parametrize("kind", ["regex", "lark"])
async def test_what_servers_have_no_common_way_for_is_refused(server: OpenAIServer, kind: ConstraintKind) -> None:
    async with loaded(server) as engine:
        with pytest.raises(EngineError, match="but to a JSON schema"):
            await reply(engine, replace(ask(), constraint=Constraint(kind, "a")))
    assert server.chats == []


async def test_an_error_in_the_middle_of_a_call_is_told(server: OpenAIServer) -> None:
    server.answers = [Answer([calls(call(0, "1", "clock", "{")), event({"error": {"message": "On fire"}})])]
    async with loaded(server) as engine:
        with pytest.raises(ServerError, match="On fire"):
            await reply(engine, with_tools())
