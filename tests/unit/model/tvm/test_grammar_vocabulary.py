"""Tokens as grammars see them: whatever the tokenizer does with spaces and special tokens, the text is what counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers

from tests.helpers.random_chat_model import chat_tokenizer
from tether_desktop.model.engine import Constraint
from tether_desktop.model.tvm.constraint import Constraints, ReplyConstraint
from tether_desktop.model.tvm.grammar_vocabulary import GrammarVocabulary
from tether_desktop.model.tvm.tokenizer import ModelTokenizer

START, END = 1, 2
NO_MARKERS: frozenset[int] = frozenset()
WORDS = ("▁yes", "▁no", "yes", "▁{", "{", "▁{}", "▁", '"', "}", ":", ",", "a", "b", "▁a", "▁b", "▁sure", "▁1", "1")


def byte_level(folder: Path) -> ModelTokenizer:
    return write(folder, chat_tokenizer())


def sentence_piece(folder: Path, *, prepend: bool) -> ModelTokenizer:
    """A tokenizer in the manner of Llama 2: a first space that is no text, and bytes of their own."""
    letters = [f"<0x{byte:02X}>" for byte in range(256)]
    names = ["<unk>", "<s>", "</s>", *letters, *WORDS]
    tokenizer = Tokenizer(models.BPE(vocab={name: i for i, name in enumerate(names)}, merges=[], byte_fallback=True))
    steps = [normalizers.Prepend("▁")] if prepend else []
    tokenizer.normalizer = normalizers.Sequence([*steps, normalizers.Replace(" ", "▁")])
    strip = decoders.Strip(content=" ", left=1)
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), strip])
    tokenizer.add_special_tokens([AddedToken(name, special=True) for name in names[:3]])
    return write(folder, tokenizer)


def write(folder: Path, tokenizer: Tokenizer) -> ModelTokenizer:
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "mlc-chat-config.json").write_text(json.dumps({"eos_token_id": END}))
    return ModelTokenizer(folder)


def vocabulary(tokenizer: ModelTokenizer, markers: frozenset[int] = NO_MARKERS) -> GrammarVocabulary:
    return GrammarVocabulary(tokenizer, tokenizer.vocab_size, markers)


def spelled(tokens: GrammarVocabulary, ids: list[int]) -> str:
    return b"".join(tokens.tokens[token] for token in ids).decode()


TEXTS = st.text(st.one_of(st.sampled_from(' ▁{}":,yesno1\n<|im_start|>'), st.characters(exclude_categories=["Cs"])))


@pytest.fixture(scope="module", params=["byte-level", "with a first space", "without one"])
def tokenizer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ModelTokenizer:
    folder = tmp_path_factory.mktemp("tokenizer")
    if request.param == "byte-level":
        return byte_level(folder)
    return sentence_piece(folder, prepend=request.param == "with a first space")


@given(TEXTS)
@settings(deadline=None, derandomize=True, max_examples=100)
def test_the_tokens_of_a_text_spell_just_that_text(tokenizer: ModelTokenizer, text: str) -> None:
    for markers in (NO_MARKERS, frozenset({START})):
        tokens = vocabulary(tokenizer, markers)
        assert spelled(tokens, tokens(text)) == text
        assert set(tokens.special_token_ids).isdisjoint(tokens(text))


def test_special_tokens_are_no_text_unless_they_are_markers(tmp_path: Path) -> None:
    tokenizer = byte_level(tmp_path)
    tokens = vocabulary(tokenizer)
    assert tokens.special_token_ids == [0, START, END]
    assert START not in tokens("a<|im_start|>b")
    marked = vocabulary(tokenizer, frozenset({START}))
    assert marked.special_token_ids == [0, END]
    assert marked("a<|im_start|>b").count(START) == 1
    assert (marked.eos_token_id, marked.eos_ids) == (END, [END])


def test_tokens_that_the_model_does_not_know_never_come(tmp_path: Path) -> None:
    tokenizer = byte_level(tmp_path)
    few = GrammarVocabulary(tokenizer, 270, NO_MARKERS)
    assert len(few.tokens) == 270
    text = "There were three others"
    assert max(tokenizer.encode_inside(text, at_start=False) or []) >= 270
    assert max(few(text)) < 270
    assert spelled(few, few(text)) == text


def test_a_model_without_a_token_that_ends_replies_can_be_held_too(tmp_path: Path) -> None:
    tokenizer = byte_level(tmp_path)
    (tmp_path / "mlc-chat-config.json").write_text("{}")
    assert vocabulary(tokenizer).eos_token_id == END
    assert vocabulary(ModelTokenizer(tmp_path)).eos_token_id is None


async def held(tokenizer: ModelTokenizer, expression: str) -> ReplyConstraint:
    constraint = Constraint("regex", expression)
    return await Constraints(tokenizer, tokenizer.vocab_size).begin(constraint, NO_MARKERS)


def allowed(tokenizer: ModelTokenizer, constraint: ReplyConstraint) -> set[str]:
    return {tokenizer.token_bytes(int(token)).decode("latin-1") for token in constraint.allowed().nonzero()[0]}


async def test_without_an_end_of_its_own_a_reply_ends_with_the_form(tmp_path: Path) -> None:
    byte_level(tmp_path)
    (tmp_path / "mlc-chat-config.json").write_text("{}")
    tokenizer = ModelTokenizer(tmp_path)
    constraint = await held(tokenizer, "[ab]c")
    for letter in "ac":
        assert not constraint.finished
        (token,) = tokenizer.encode_inside(letter, at_start=False) or []
        assert len(constraint.allowed()) == tokenizer.vocab_size
        constraint.take(token)
    assert constraint.finished


@pytest.mark.parametrize("prepend", [True, False])
async def test_a_first_space_is_no_text_where_the_reply_begins(tmp_path: Path, prepend: bool) -> None:
    tokenizer = sentence_piece(tmp_path, prepend=prepend)
    constraint = await held(tokenizer, r"(yes|no|\{\}|sure) b?")
    first = allowed(tokenizer, constraint)
    assert {" yes", " no", "yes", " {", "{", " {}", " sure", " "} <= first
    assert not {" 1", "1", "b", "a", '"', " a", " b"} & first


async def test_text_goes_on_behind_the_first_space_as_if_it_were_not_there(tmp_path: Path) -> None:
    tokenizer = sentence_piece(tmp_path, prepend=True)
    names = {tokenizer.token_bytes(token): token for token in range(tokenizer.vocab_size)}
    for beginning in ([b" yes"], [b"yes"], [b" ", b"yes"], [b" ", b"y", b"es"], [b" ", b"y", b"e", b"s"]):
        constraint = await held(tokenizer, "(yes|no) b")
        for data in beginning:
            for token in [names[data]] if data in names else [names[bytes([byte])] for byte in data]:
                assert constraint.allowed()[token]
                constraint.take(token)
        assert b"".join(map(tokenizer.token_bytes, follow(constraint))) == b" b"
        assert constraint.finished


async def test_what_has_to_begin_a_reply_begins_it_as_the_tokenizer_would(tmp_path: Path) -> None:
    tokenizer = sentence_piece(tmp_path, prepend=True)
    constraint = await held(tokenizer, r"yes no( a| b)")
    assert text_of(tokenizer, follow(constraint)) == "yes no"
    assert allowed(tokenizer, constraint) >= {" a", " b"}


def follow(constraint: ReplyConstraint) -> Iterator[int]:
    """Take the tokens that have to come, as long as there are any."""
    while forced := constraint.forced():
        for token in forced:
            constraint.take(token)
            yield token


def text_of(tokenizer: ModelTokenizer, ids: Iterator[int]) -> str:
    detokenizer = tokenizer.detokenizer()
    return "".join([detokenizer.add(token) for token in ids]) + detokenizer.finish()


@pytest.mark.parametrize("prepend", [True, False])
async def test_any_text_may_follow_a_first_space(tmp_path: Path, prepend: bool) -> None:
    tokenizer = sentence_piece(tmp_path, prepend=prepend)
    constraint = await held(tokenizer, r"(.|\n)*")
    ordinary = {i for i in range(tokenizer.vocab_size) if tokenizer.token_bytes(i).isascii() and i not in (0, 1)}
    assert ordinary <= set(constraint.allowed().nonzero()[0].tolist())
