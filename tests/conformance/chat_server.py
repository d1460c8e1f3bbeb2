"""A server with the API of OpenAI that really samples: behind it is the machine of the double of MLC-LLM."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Tokenizer

from tests.helpers.mlc_double.folders import END
from tests.helpers.mlc_double.grammar import Grammar
from tests.helpers.mlc_double.machine import Floats, PairMachine, Sampler, logprob
from tests.helpers.mlc_double.protocol import CompletionRequest
from tests.helpers.mlc_double.text import TextStreamer
from tests.helpers.openai_server import (
    DONE,
    Answer,
    OpenAIServer,
    Step,
    call,
    calls,
    event,
    piece,
    refuse,
    serving_aside,
    usage,
)
from tests.helpers.random_chat_model import chat_tokenizer

MODEL = "machine"
_PIECES_OF_AN_ENDLESS_REPLY = 12


@contextmanager
def serving_chats(window: int) -> Iterator[OpenAIServer]:
    """The server, in a thread of its own."""
    chats = _Chats(window)
    with serving_aside() as server:
        server.models = [{"id": MODEL, "object": "model", "owned_by": "test", "max_model_len": window}]
        server.others["/v1/chat/completions"] = chats.answer
        yield server


@dataclass
class _Token:
    """A token of a reply, and the text that it completed."""

    number: int
    probabilities: Floats
    text: str


class _Chats:
    """Answers chats; the prompt is the text of all messages."""

    def __init__(self, window: int) -> None:
        self._window = window
        self._tokenizer: Tokenizer = chat_tokenizer()
        self._machine = PairMachine(self._tokenizer.get_vocab_size(), range(3))

    def answer(self, body: dict[str, Any]) -> Answer:
        """The whole stream of a reply."""
        text = "".join(message["content"] for message in body["messages"])
        prompt: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        room = self._window - len(prompt)
        if not prompt:
            return refuse(400, {"message": "there are no messages", "type": "invalid_request_error"})
        if room < 1:
            return refuse(400, {"message": "the prompt is too long", "code": "context_length_exceeded"})
        limit = min(room, body.get("max_tokens") or room)
        try:
            tokens, stopped = self._tokens(prompt, body, limit)
        except (RuntimeError, ValueError) as error:
            return refuse(400, {"message": f"Invalid schema: {error}", "type": "invalid_request_error"})
        if _has_to_call(body):
            return _calling("".join(token.text for token in tokens), usage(len(prompt), len(tokens)))
        steps: list[Step] = [self._event(token, body) for token in tokens]
        if "for ever" in text:
            return Answer([*steps[:_PIECES_OF_AN_ENDLESS_REPLY], "hold"])
        finish = "stop" if stopped else "length"
        return Answer([*steps, piece(finish=finish), usage(len(prompt), len(tokens)), DONE])

    def _tokens(self, prompt: list[int], body: dict[str, Any], limit: int) -> tuple[list[_Token], bool]:
        """The tokens of a reply, and whether a stop text ended it."""
        sampler, streamer = Sampler(_request(body)), TextStreamer(self._tokenizer)
        schema = _schema(body)
        grammar = None if schema is None else Grammar(schema, self._tokenizer, [END])
        everything, made = list(prompt), list[_Token]()
        for number in range(1, limit + 1):
            token, probabilities = sampler.next(self._machine.logits(everything), grammar)
            if token == END and grammar is not None:
                return made, True
            everything.append(token)
            text = streamer.put([token]) + (streamer.finish() if number == limit else "")
            made.append(_Token(token, probabilities, text))
            if _cut(made, body):
                return made, True
        return made, False

    def _event(self, token: _Token, body: dict[str, Any]) -> bytes:
        choice: dict[str, Any] = {"index": 0, "delta": {"content": token.text}, "finish_reason": None}
        if body.get("logprobs"):
            best = np.argsort(-token.probabilities, kind="stable")[: body["top_logprobs"]]
            chosen = self._logprob(token.number, token.probabilities)
            chosen["top_logprobs"] = [self._logprob(int(each), token.probabilities) for each in best]
            choice["logprobs"] = {"content": [chosen]}
        return event({"object": "chat.completion.chunk", "choices": [choice]})

    def _logprob(self, token: int, probabilities: Floats) -> dict[str, Any]:
        return {"token": self._tokenizer.decode([token]), "logprob": logprob(probabilities[token])}


def _has_to_call(body: dict[str, Any]) -> bool:
    return body.get("tool_choice", "none") != "none"


def _schema(body: dict[str, Any]) -> dict[str, Any] | None:
    """What the whole text of a reply has to be: what was asked for, or a call."""
    if not _has_to_call(body):
        form = body.get("response_format")
        return form["json_schema"]["schema"] if form else None
    choice = body["tool_choice"]
    named = choice["function"]["name"] if isinstance(choice, dict) else ""
    functions = [tool["function"] for tool in body["tools"]]
    return {
        "anyOf": [
            {
                "type": "object",
                "properties": {"name": {"const": function["name"]}, "arguments": function["parameters"]},
                "required": ["name", "arguments"],
                "additionalProperties": False,
            }
            for function in functions
            if named in ("", function["name"])
        ]
    }


def _calling(text: str, counts: bytes) -> Answer:
    """A call as servers stream it: its name, and then its arguments in pieces."""
    made = json.loads(text)
    arguments = json.dumps(made["arguments"])
    pieces = [calls(call(0, arguments=arguments[at : at + 3])) for at in range(0, len(arguments), 3)]
    return Answer([calls(call(0, "call_1", made["name"], "")), *pieces, piece(finish="tool_calls"), counts, DONE])


def _cut(tokens: list[_Token], body: dict[str, Any]) -> bool:
    """Take the stop text that is complete first out of the tokens' texts; whether there was one."""
    text = "".join(token.text for token in tokens)
    found = [(at + len(stop), at) for stop in body.get("stop", []) if stop and (at := text.find(stop)) >= 0]
    left = min(found)[1] if found else len(text)
    for token in tokens:
        token.text = token.text[:left]
        left -= len(token.text)
    return bool(found)


def _request(body: dict[str, Any]) -> CompletionRequest:
    seed = body.get("seed")
    return CompletionRequest(
        [],
        body["temperature"],
        body["top_p"],
        body.get("frequency_penalty", 0.0),
        body.get("presence_penalty", 0.0),
        logit_bias={int(token): bias for token, bias in body.get("logit_bias", {}).items() if 0 <= int(token) < 512},
        seed=None if seed is None else seed % 2**64,
    )
