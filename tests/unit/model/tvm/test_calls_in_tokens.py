"""A call after free text is held to its form wherever the tokens of the model begin and end."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from tether_desktop.errors import ConstraintRefused
from tether_desktop.messages import ToolChoice, ToolDeclaration
from tether_desktop.model.engine import Constraint
from tether_desktop.model.tvm.constraint import Constraints, ReplyConstraint
from tether_desktop.model.tvm.tokenizer import ModelTokenizer
from tether_desktop.protocol.call_grammar import call_constraint
from tether_desktop.protocol.dialects import OURS
from tether_desktop.protocol.dialects.dialect import Dialect
from tether_desktop.protocol.dialects.hermes import HERMES

CALL = '{"name": "get_time", "arguments": {"zone": "UTC+1"}}'
OUR_REPLY = f"Let me see. <<function_call>> {CALL}"
HERMES_REPLY = f"Let me <see>.\n<tool_call>\n{CALL}\n</tool_call>"
LONGEST = 9
ARGUMENTS = {"type": "object", "properties": {"zone": {"type": "string"}}, "required": ["zone"]}
TOOLS = (ToolDeclaration("get_time", "Tells the time.", ARGUMENTS), ToolDeclaration("get_date", "", ARGUMENTS))


class Cutter:
    """A tokenizer that has every piece of some texts as a token, so that a reply can be cut anywhere."""

    def __init__(self, folder: Path, texts: Iterable[str], special: Iterable[str] = ()) -> None:
        pieces = {text[start : start + length] for text in texts for start in range(len(text)) for length in range(10)}
        spelling = {chr(byte): byte for byte in range(33, 127)} | {"Ġ": 32, "Ċ": 10}
        spelled = {byte: character for character, byte in spelling.items()}
        written = {"".join(spelled[ord(character)] for character in piece) for piece in pieces - {""}}
        alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
        names = dict.fromkeys([*special, "<|end|>", *alphabet, *sorted(written)])
        tokenizer = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = decoders.ByteLevel()
        tokenizer.add_special_tokens([AddedToken(name, special=True) for name in (*special, "<|end|>")])
        tokenizer.save(str(folder / "tokenizer.json"))
        end = tokenizer.token_to_id("<|end|>")
        (folder / "mlc-chat-config.json").write_text(json.dumps({"eos_token_id": end}))
        self.tokenizer = ModelTokenizer(folder)
        self.markers = self.tokenizer.marker_ids(special)
        self._ids = {self.tokenizer.token_bytes(i, self.markers).decode("latin-1"): i for i in range(len(names))}
        self.constraints = Constraints(self.tokenizer, self.tokenizer.vocab_size)

    async def begin(self, constraint: Constraint | None) -> ReplyConstraint:
        assert constraint is not None
        return await self.constraints.begin(constraint, self.markers)

    def id_of(self, piece: str) -> int:
        return self._ids[piece]


@pytest.fixture(scope="module")
def cutter(tmp_path_factory: pytest.TempPathFactory) -> Cutter:
    return Cutter(tmp_path_factory.mktemp("cutter"), [OUR_REPLY, HERMES_REPLY])


def is_fulfilled(cutter: Cutter, held: ReplyConstraint, pieces: Iterable[str]) -> bool:
    """Whether a reply may come in these pieces and end there."""
    for piece in pieces:
        if held.finished:
            return False
        try:
            held.take(cutter.id_of(piece))
        except ConstraintRefused:
            return False
    return held.finished or bool(held.allowed()[list(cutter.tokenizer.eos_ids)].all())


def every_piece(text: str) -> Iterator[list[str]]:
    """The text in single characters, but for one longer piece, which is each in turn."""
    for start in range(len(text)):
        for end in range(start + 1, min(start + LONGEST, len(text)) + 1):
            yield [*text[:start], text[start:end], *text[end:]]


@pytest.mark.parametrize(("dialect", "reply"), [(OURS, OUR_REPLY), (HERMES, HERMES_REPLY)])
@pytest.mark.parametrize("mode", ["auto", "required"])
async def test_every_piece_of_a_reply_may_be_a_token(
    cutter: Cutter, dialect: Dialect, reply: str, mode: Literal["auto", "required"]
) -> None:
    constraint = call_constraint(dialect, TOOLS, ToolChoice(mode), may_think=True)
    begin = 0 if mode == "auto" else reply.index(dialect.openings[0])
    cut = list(every_piece(reply[begin:]))
    assert len(cut) > 400
    failed = [pieces for pieces in cut if not is_fulfilled(cutter, await cutter.begin(constraint), pieces)]
    assert failed == []


@given(st.lists(st.integers(1, LONGEST), min_size=len(OUR_REPLY), max_size=len(OUR_REPLY)))
@settings(deadline=None, derandomize=True, max_examples=60)
async def test_a_reply_may_come_in_any_pieces(cutter: Cutter, lengths: list[int]) -> None:
    pieces, rest = [], OUR_REPLY
    for length in lengths:
        pieces.append(rest[:length])
        rest = rest[length:]
    constraint = call_constraint(OURS, TOOLS, ToolChoice("auto"), may_think=False)
    assert is_fulfilled(cutter, await cutter.begin(constraint), filter(None, pieces))


@pytest.mark.parametrize(
    "reply",
    [
        OUR_REPLY.replace("get_time", "get_tim"),
        OUR_REPLY.replace("get_time", "et_time"),
        OUR_REPLY.replace("zone", "one"),
        OUR_REPLY.replace('"zone": "UTC+1"', ""),
        OUR_REPLY.replace(">> ", ">>"),
        OUR_REPLY[:-1],
        OUR_REPLY + " Let me see.",
    ],
)
async def test_no_other_call_may_come_in_any_pieces(cutter: Cutter, reply: str) -> None:
    constraint = call_constraint(OURS, TOOLS, ToolChoice("auto"), may_think=False)
    known = [pieces for pieces in every_piece(reply) if all(piece in OUR_REPLY for piece in pieces)]
    assert len(known) > 100
    assert not any([is_fulfilled(cutter, await cutter.begin(constraint), pieces) for pieces in known])


@pytest.mark.parametrize("text", ["Let me see.", "Let me <see>.\n", "<<", "", '{"zone": "UTC+1"}'])
async def test_free_text_may_come_without_a_call(cutter: Cutter, text: str) -> None:
    constraint = call_constraint(OURS, TOOLS, ToolChoice("auto"), may_think=False)
    assert is_fulfilled(cutter, await cutter.begin(constraint), text)


@pytest.mark.parametrize("opening", [["<tool_call>"], list("<tool_call>"), ["<tool", "_call>"]])
async def test_an_opening_may_be_a_token_of_its_own_or_its_text(tmp_path: Path, opening: list[str]) -> None:
    cutter = Cutter(tmp_path, [HERMES_REPLY], ["<tool_call>", "</tool_call>"])
    assert len(cutter.markers) == 2
    before, after = HERMES_REPLY.split("<tool_call>")
    constraint = call_constraint(HERMES, TOOLS, ToolChoice("auto"), may_think=False)
    pieces = [*before, *opening, *after.removesuffix("</tool_call>"), "</tool_call>"]
    assert is_fulfilled(cutter, await cutter.begin(constraint), pieces)
    required = call_constraint(HERMES, TOOLS, ToolChoice("required"), may_think=False)
    held = await cutter.begin(required)
    assert held.allowed()[cutter.id_of("<tool_call>")]
    assert not held.allowed()[cutter.id_of("</tool_call>")]
