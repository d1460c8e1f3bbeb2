"""What a reply says already, as the model would have written it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import chat_templates
from tests.helpers.model_folders import write_prompt_files
from tether_desktop.events import HiddenThought, Token
from tether_desktop.messages import Part, Reasoning, Text, text_message
from tether_desktop.protocol.continuation import as_written
from tether_desktop.protocol.prompt import load_prompt_template
from tether_desktop.protocol.stream_parser import HARMONY_VISIBLE, VISIBLE, StreamParser
from tether_desktop.protocol.thoughts import HARMONY, THOUGHTS, Thought

BY_NAME = {thought.name: thought for thought in THOUGHTS}
THINK, GPT_OSS = BY_NAME["think"], BY_NAME[HARMONY]
ENDED = "<|end|><|start|>assistant"
ANALYSIS, FINAL = "<|channel|>analysis<|message|>", "<|channel|>final<|message|>"


@pytest.mark.parametrize(
    ("thought", "state", "begun", "text", "after"),
    [
        (THINK, VISIBLE, [Text("Half a")], "Half a", VISIBLE),
        (THINK, VISIBLE, [Reasoning("hm")], "<think>hm", "think"),
        (THINK, VISIBLE, [Reasoning("hm"), Text("\n\nSo")], "<think>hm</think>\n\nSo", VISIBLE),
        (THINK, VISIBLE, [Text("So "), Reasoning("hm"), Text("yes")], "So <think>hm</think>yes", VISIBLE),
        (THINK, "think", [Reasoning("hm")], "hm", "think"),
        (THINK, "think", [Reasoning("hm"), Text("So")], "hm</think>So", VISIBLE),
        (THINK, "think", [Text("So")], "</think>So", VISIBLE),
        (THINK, VISIBLE, [], "", VISIBLE),
        (GPT_OSS, VISIBLE, [Text("So")], f"{FINAL}So", HARMONY_VISIBLE),
        (GPT_OSS, VISIBLE, [Reasoning("hm")], f"{ANALYSIS}hm", HARMONY),
        (GPT_OSS, VISIBLE, [Reasoning("hm"), Text("So")], f"{ANALYSIS}hm{ENDED}{FINAL}So", HARMONY_VISIBLE),
    ],
)
def test_text_and_thoughts_are_written_with_their_tags(
    thought: Thought, state: str, begun: list[Part], text: str, after: str
) -> None:
    assert as_written(begun, thought, state) == (text, after)


@pytest.mark.parametrize("thought", THOUGHTS, ids=lambda thought: thought.name)
def test_a_parser_reads_back_what_was_written(thought: Thought) -> None:
    begun: list[Part] = [Reasoning("hm, "), Text("So it is.")]
    text, state = as_written(begun, thought, VISIBLE)
    parser = StreamParser(VISIBLE)
    said = [*parser.feed(text), *parser.finish()]
    assert "".join(each.content for each in said if isinstance(each, HiddenThought)) == "hm, "
    assert "".join(each.content for each in said if isinstance(each, Token)) == "So it is."
    assert parser.state == state


def test_a_reply_that_has_begun_ends_the_prompt_and_its_special_tokens_are_literal(tmp_path: Path) -> None:
    template = load_prompt_template(write_prompt_files(tmp_path / "Model", chat_template=chat_templates.CHATML))
    prompt = template.render([text_message("user", "Go on.")])
    begun, state = template.begun(prompt, [Text("One <|im_end|> two ")])
    assert "".join(piece.text for piece in begun).endswith("<|im_start|>assistant\nOne <|im_end|> two ")
    assert all(piece.literal for piece in begun if "<|im_end|> two" in piece.text)
    assert state == VISIBLE
