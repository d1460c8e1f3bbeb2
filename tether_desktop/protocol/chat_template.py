"""Compiles and renders a model's Jinja2 chat template, which is somebody else's program, within bounds.

A template comes with a downloaded model, so it may be hostile or just wrong. It runs in Jinja's
immutable sandbox and reaches nothing but the messages. Jinja has no ``while``, but nested loops and
recursive macros can take for ever, so a trace function of the rendering thread ends it at a
deadline, wherever in Python code it is. What runs for long or grows large inside a single step of
the interpreter, where no trace function is called, is refused beforehand: powers, and products,
sums and formats of more than ``_LARGEST`` items.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import FrameType
from typing import Any, NoReturn

from jinja2 import Environment, TemplateError, nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

_LARGEST_SOURCE = 1_000_000
_LARGEST = 50_000_000
_LARGEST_NUMBER = 10**15
_LARGEST_POWER = 100
_DEADLINE_S = 5.0
_WIDTH = re.compile(r"\d{7,}|\*")
_UNBOUNDED_FILTERS = ("urlize", "pprint", "wordwrap", "center")


class ChatTemplateError(Exception):
    """The template cannot be compiled, refuses the messages, or does not come to an end."""


class _DeadlineError(BaseException):
    """Ends a rendering; not an Exception, which filters and lookups of Jinja catch."""


class ChatTemplate:
    """A compiled chat template, as Hugging Face's tokenizers render them.

    Args:
        source: the Jinja2 template.
        variables: ``bos_token`` and its like.
        deadline_s: seconds after which a rendering is ended.

    Raises:
        ChatTemplateError: the source is too large or no valid template.
    """

    def __init__(self, source: str, variables: Mapping[str, str], deadline_s: float = _DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        if len(source) > _LARGEST_SOURCE:
            raise ChatTemplateError(f"it has {len(source):,} characters")
        try:
            self._template = _environment().from_string(source, globals=dict(variables))
        except (TemplateError, RecursionError, SyntaxError) as error:
            raise ChatTemplateError(str(error)) from error

    def render(self, messages: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool) -> str:
        """Render the messages.

        Args:
            messages: objects with ``role`` and ``content``, oldest first.
            add_generation_prompt: whether to open the assistant's next message.

        Raises:
            ChatTemplateError: the template refused the messages, failed, or took too long.
        """
        variables = {"messages": messages, "add_generation_prompt": add_generation_prompt}
        try:
            with _deadline(self._deadline_s):
                return _joined(self._template.generate(**variables, tools=None, documents=None))
        except _DeadlineError:
            raise ChatTemplateError(f"it did not end within {self._deadline_s:g} seconds") from None
        except Exception as error:  # a template is a foreign program and may fail in any way
            raise ChatTemplateError(str(error) or type(error).__name__) from error


def _joined(pieces: Iterator[str]) -> str:
    kept: list[str] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _LARGEST:
            raise SecurityError("the prompt grows too large")
        kept.append(piece)
    return "".join(kept)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise inside this thread's Python code once the time is over."""
    end = time.monotonic() + seconds

    def check(_frame: FrameType, _event: str, _arg: object) -> Any:
        if time.monotonic() > end:
            raise _DeadlineError
        return check

    previous = sys.gettrace()
    sys.settrace(check)
    try:
        yield
    finally:
        sys.settrace(previous)


class _GenerationTag(Extension):
    """``{% generation %}`` marks assistant text for training; its body renders as it is."""

    tags = {"generation"}  # noqa: RUF012 — Jinja declares it so

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class _BoundedCodeGenerator(CodeGenerator):
    """Sends ``~`` through the environment as well, which Jinja does for other operators only."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 — Jinja's name
        self.write("environment.join(")
        for operand in node.nodes:
            self.visit(operand, frame)
            self.write(", ")
        self.write(")")


class _ChatEnvironment(ImmutableSandboxedEnvironment):
    code_generator_class = _BoundedCodeGenerator
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Refuse what would take for ever or fill the memory in one step."""
        if _is_excessive(operator, left, right):
            raise SecurityError(f"the result of {operator!r} grows too large")
        return super().call_binop(context, operator, left, right)

    def join(self, *operands: Any) -> str:
        """The ``~`` operator."""
        return _joined(map(str, operands))


def _is_excessive(operator: str, left: Any, right: Any) -> bool:
    if isinstance(left, int | float) and isinstance(right, int | float):
        return max(abs(left), abs(right)) > (_LARGEST_POWER if operator == "**" else _LARGEST_NUMBER)
    if operator == "%":
        return isinstance(left, str) and _WIDTH.search(left) is not None
    if operator == "*":
        return _size(left) * _size(right) > _LARGEST
    return _size(left) + _size(right) > _LARGEST


def _size(value: Any) -> int:
    return abs(int(value)) if isinstance(value, int | float) else len(value)


def _environment() -> Environment:
    environment = _ChatEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _GenerationTag]
    )
    environment.filters["tojson"] = _to_json
    for name in _UNBOUNDED_FILTERS:
        del environment.filters[name]
    del environment.globals["lipsum"]
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


def _strftime_now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
