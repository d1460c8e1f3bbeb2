"""Replies of models as the stream parser meets them: thoughts, calls of every dialect, broken ones, and lookalikes."""

from __future__ import annotations

from dataclasses import dataclass

from tether_desktop.protocol.dialects import DIALECTS
from tether_desktop.protocol.dialects.dialect import Dialect

NAMES = ("now", "add")
TAGS = (
    *("<think>", "</think>", "<THINKING>", "</thinking>", "<reflection>", "</Reflection>"),
    *("<seed:think>", "</seed:think>", "[THINK]", "[/THINK]", "<|START_THINKING|>", "<|END_THINKING|>"),
    *("<|channel|>analysis<|message|>", "<|channel|>final<|message|>", "<|channel|>commentary<|message|>"),
    *("<|start|>assistant", "<|end|>", "<|return|>", "<|call|>"),
    *("</tool_call>", "</function>", "<|/tool_call|>", "<｜tool▁calls▁end｜>", "<|END_ACTION|>", "<|eom_id|>"),
)
"""What the parser may take out of a reply."""


@dataclass(frozen=True)
class Sample:
    """A reply.

    Attributes:
        text: all of it.
        dialects: in which calls are recognised.
        calls: how many calls it has, and how many broken ones.
    """

    text: str
    calls: int = 0
    broken: int = 0
    dialects: tuple[Dialect, ...] = DIALECTS


_DEEPSEEK = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>"

SAMPLES = (
    # text and thoughts
    Sample("Just text. 1 < 2, [x], {y} and naïve 🧵."),
    Sample("<think>Hm</think>\n\nYes."),
    Sample("<THINKING>Hm [TOOL_CALLS]</Thinking>Yes", 0),
    Sample("a<reflection>b</think>c</reflection>d"),
    Sample("<think>on and on</thin"),
    Sample("<thınk>no</thınk> <thinkx> < think> <"),
    Sample("[THINK]Bon.[/THINK]Oui [THIN"),
    Sample("<seed:think>a</seed:think>b<seed:thin"),
    Sample("<|START_THINKING|>x<|END_THINKING|>y"),
    Sample("<|channel|>analysis<|message|>Hm<|end|><|start|>assistant<|channel|>final<|message|>Yes"),
    Sample("<|channel|>commentary<|message|>Wait<|end|>.<|channe"),
    Sample("<think>a</think>b<think>c</think>d"),
    Sample('<think>I write <tool_call>{"name": "now"}</tool_call></think>no'),
    Sample('<think><<function_call>> {"name": "now"}'),
    Sample("tags without calls </tool_call>, </function>."),
    # ours
    Sample('<<function_call>> {"name": "now", "arguments": {}}', 1),
    Sample('Now: <<function_call>> {"name": "add", "arguments": {"a": 1}}\nwait', 1),
    Sample('<<function_call>>{"name":"now"}<<function_call>>{"name":"now"}', 2),
    Sample('<<function_call>> {"name": "é🧵", "arguments": {"q": "}{\\"]"}}', 1),
    Sample('<<function_call>> {"name": "now", "parameters": {"a": "<think>"}}', 1),
    Sample('<<function_call>> {"name": "now", "arguments": "{\\"a\\": 1}"}', 1),
    Sample('<<function_call>> {"name": "now"}}}. Done', 1),
    Sample('<<function_call>> [{"name": "now"}, {"name": "add"}]', 2),
    Sample("<<function_call>> now()\nDone", 0, 1),
    Sample('<<function_call>> {"name": "now", oops}', 0, 1),
    Sample('<<function_call>> {"name": "now", "argu', 0, 1),
    Sample('<<function_call>> {"name": <<function_call>> {"name": "add"}', 1, 1),
    Sample("<<function_call", 0, 0),
    Sample("<<function calls>> << <<function_call>", 0, 0),
    Sample('<think>x</think><<function_call>> {"name": "now"}<think>y</think>', 1),
    Sample("<<function_call>>", 0, 1),
    # Hermes and Qwen
    Sample('<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>', 1),
    Sample('a<tool_call>{"name": "add", "arguments": {"q": "</tool_call>"}}</tool_call>b', 1),
    Sample('<tool_call>{"name":"now"}</tool_call>\n<tool_call>{"name":"add"}</tool_call>', 2),
    Sample('<tool_call>{"name":"now"}\n{"name":"add"}</tool_call>', 2),
    Sample('<tool_call>{"name":"now"}\n<tool_call>{"name":"add"}', 2),
    Sample('<tool_call>{"name":"now"} and so on</tool_call>', 1),
    Sample('<tool_call>{"name":"now"}}\n</tool_call>.', 1),
    Sample("<tool_call>now()</tool_call> ok", 0, 1),
    Sample('<tool_call>{"name":"now","q":"</tool_call> and on', 0, 1),
    Sample('<tool_call>{"name":"now"}</tool_c', 1),
    Sample("<tool_call></tool_call>", 0, 1),
    Sample("<tool_cal>no</tool_cal>"),
    Sample("<tool_call>{'name': 'now'}</tool_call> \"x", 0, 1),
    # Qwen3-Coder
    Sample("<tool_call>\n<function=now>\n</function>\n</tool_call>", 1),
    Sample("<tool_call><function=add><parameter=a>1</parameter></function></tool_call>", 1),
    Sample("<function=add><parameter=a>\nx</function>y\n</parameter></function>.", 1),
    Sample("<tool_call><function=add><parameter=a>1", 0, 1),
    # Llama
    Sample('{"name": "now", "parameters": {}}', 1),
    Sample(' {"name": "now", "parameters": {}}; {"name": "add", "parameters": {}}', 2),
    Sample('{"name": "now", "parameters": {}}; and then', 1),
    Sample('{"name": "now", "parameters": {}}{"name": "add", "parameters": {}}', 2),
    Sample('{"name": "Ann", "age": 3}'),
    Sample('{"name": "now", "age": 3} is JSON'),
    Sample('{"name": "now", "parameters": {"a', 0, 1),
    Sample('It is {"name": "now", "parameters": {}}'),
    Sample('<think>x</think>\n{"type": "function", "name": "add"}', 1),
    Sample('<|python_tag|>{"name": "now", "parameters": {}}', 1),
    Sample('<|python_tag|>brave_search.call(query="a, b", n=3)', 1),
    Sample("<|python_tag|>print(1)", 0, 1),
    # Mistral
    Sample('[TOOL_CALLS] [{"name": "now", "arguments": {}}]', 1),
    Sample('[TOOL_CALLS][{"name": "now"}, {"name": "add"}] x', 2),
    Sample('[TOOL_CALLS]add[ARGS]{"a": [1]}[TOOL_CALLS]now{}', 2),
    Sample('Ok[TOOL_CALLS]add[CALL_ID]aB3[ARGS]{"a": "é"}', 1),
    Sample("[TOOL_CALLS] is a token\nof Mistral [TOOL_", 0, 1),
    # the others
    Sample('<|tool_call|>[{"name": "now", "arguments": {}}]<|/tool_call|>', 1),
    Sample('<|tool_call|>{"name": "now"}<|/tool_call|>.', 1),
    Sample('<|START_ACTION|>[{"tool_name": "now", "parameters": {}}]<|END_ACTION|>', 1),
    Sample(f'{_DEEPSEEK}now<｜tool▁sep｜>{{"a": 1}}<｜tool▁call▁end｜><｜tool▁calls▁end｜>', 1),
    Sample(f"{_DEEPSEEK}function<｜tool▁sep｜>now\n```json\n{{}}\n```<｜tool▁call▁end｜>", 1),
    Sample('<|channel|>commentary to=functions.add <|constrain|>json<|message|>{"a": 1}', 1),
    Sample("<|channel|>commentary to=functions.now<|message|>{}<|call|><|start|>assistant", 1),
    # nothing offered: nothing recognised
    Sample('<tool_call>{"name": "now"}</tool_call>', dialects=()),
    Sample('{"name": "now", "parameters": {}} [TOOL_CALLS] <|python_tag|>', dialects=()),
    Sample('<think>a</think><<function_call>> {"name": "now"}', dialects=()),
)
