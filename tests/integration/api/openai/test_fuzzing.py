"""Whatever a client sends, the answer is a reply or says what is wrong with it; never a fault of ours."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.helpers.openai_client import Asking, asking
from tether_desktop.protocol.api.openai.replies import ChatCompletion, ErrorAnswer, TextCompletion
from tether_desktop.protocol.api.openai.schemas import ChatBody, TextBody

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=8) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
TEXT = st.text(st.characters(), max_size=12)
KIND = st.sampled_from(["text", "refusal", "file"])
CONTENT = TEXT | st.lists(st.fixed_dictionaries({"type": KIND}, optional={"text": TEXT}))
CALL = st.fixed_dictionaries({
    "id": st.sampled_from(["a", "b", ""]),
    "type": st.just("function"),
    "function": st.fixed_dictionaries({"name": TEXT, "arguments": TEXT | st.just('{"a": 1}')}),
})  # fmt: skip
MESSAGE = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "developer", "user"]), "content": CONTENT}),
    st.fixed_dictionaries({"role": st.just("assistant")}, optional={"content": CONTENT, "tool_calls": st.lists(CALL)}),
    st.fixed_dictionaries({"role": st.just("tool"), "tool_call_id": st.sampled_from(["a", "b"]), "content": TEXT}),
)
NAME = st.sampled_from(["clock", "weather", "no name"])
TOOL = st.fixed_dictionaries({
    "type": st.just("function"),
    "function": st.fixed_dictionaries({"name": NAME}, optional={"description": TEXT, "parameters": ANYTHING}),
})  # fmt: skip
LIKELY: dict[str, st.SearchStrategy[Any]] = {
    "messages": st.lists(MESSAGE, min_size=1, max_size=6) | st.just([{"role": "user", "content": "Hi"}]),
    "prompt": TEXT,
    "stream": st.booleans(),
    "stream_options": st.just({"include_usage": True}),
    "temperature": st.floats(0, 2),
    "top_p": st.floats(0, 1),
    "max_tokens": st.integers(1, 2**63 - 1),
    "stop": TEXT | st.lists(TEXT, max_size=4),
    "seed": st.integers(-(2**63), 2**63 - 1),
    "logit_bias": st.dictionaries(st.integers(0, 2**40).map(str), st.floats(-100, 100), max_size=3),
    "tools": st.lists(TOOL, max_size=3) | st.just([{"type": "function", "function": {"name": "clock"}}]),
    "tool_choice": st.sampled_from(["none", "auto", "required", {"type": "function", "function": {"name": "clock"}}]),
    "response_format": st.sampled_from([{"type": "text"}, {"type": "json_object"}]),
    "logprobs": st.booleans() | st.integers(0, 20),
    "top_logprobs": st.integers(0, 20),
    "model": st.sampled_from(["Scripted", "", "other"]),
    "n": st.just(1),
}


def bodies(fields: list[str], needed: str) -> st.SearchStrategy[Any]:
    """Bodies that are right, those that would be but for one value, and some that are nothing of the kind."""
    likely = {name: values for name, values in LIKELY.items() if name in fields and name != needed}
    some = st.lists(st.sampled_from(sorted(likely)), max_size=3).flatmap(
        lambda names: st.fixed_dictionaries({needed: LIKELY[needed], **{name: likely[name] for name in names}})
    )
    place = st.sampled_from([*fields, "unheard_of"])
    nearly = st.builds(lambda body, name, value: {**body, name: value}, some, place, ANYTHING)
    return some | nearly | ANYTHING


@pytest.mark.parametrize(
    ("path", "body", "needed", "answer"),
    [
        ("/v1/chat/completions", ChatBody, "messages", ChatCompletion),
        ("/v1/completions", TextBody, "prompt", TextCompletion),
    ],
)
async def test_no_request_is_a_fault_of_ours(tmp_path: Path, path: str, body: Any, needed: str, answer: Any) -> None:
    seen: set[int] = set()

    def fuzz(ask: Asking) -> None:
        headers = {"Authorization": f"Bearer {ask.api.token}", "Content-Type": "application/json"}
        with httpx2.Client(base_url=ask.api.url, headers=headers, trust_env=False, timeout=60) as client:

            @settings(max_examples=80, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
            @given(bodies(list(body.model_fields), needed))
            def send(sent: Any) -> None:
                reply = client.post(path, content=json.dumps(sent))
                seen.add(reply.status_code)
                assert reply.status_code in {200, 400, 404}, (sent, reply.text)
                if reply.status_code != 200:
                    ErrorAnswer.model_validate(reply.json())
                elif not sent.get("stream"):
                    answer.model_validate(reply.json())
                else:
                    assert reply.text.endswith("data: [DONE]\n\n"), (sent, reply.text)

            send()

    async with asking(tmp_path, ["<think>Hm.</think>Hello there."]) as ask:
        await asyncio.to_thread(fuzz, ask)
    assert {200, 400} <= seen
