"""Compiles and renders a model's Jinja2 chat template, which is somebody else's program, within bounds.

A template comes with a downloaded model, so it may be hostile or just wrong. It runs in Jinja's
immutable sandbox and reaches nothing but the messages. Jinja has no ``while``, but nested loops and
recursive macros can take for ever, so a trace function of the rendering thread ends it at a
deadline, wherever in Python code it is. What no trace function sees, because it is one step of the
interpreter, ``template_bounds`` refuses beforehand.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from types import FrameType
from typing import Any, NoReturn

from jinja2 import Environment, TemplateError, nodes, pass_environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.filters import make_attrgetter
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from tether_desktop.protocol.template_bounds import bounded_filter, call_bounded, check_operator, joined

_LARGEST_SOURCE = 1_000_000
_DEADLINE_S = 5.0


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
        with _bounded(deadline_s):
            self._template = _environment().from_string(source, globals=dict(variables))

    def render(self, messages: Sequence[Mapping[str, Any]], *, add_generation_prompt: bool) -> str:
        """Render the messages.

        Args:
            messages: objects with ``role`` and ``content``, oldest first.
            add_generation_prompt: whether to open the assistant's next message.

        Raises:
            ChatTemplateError: the template refused the messages, failed, or took too long.
        """
        variables = {"messages": messages, "add_generation_prompt": add_generation_prompt}
        with _bounded(self._deadline_s):
            return joined(self._template.generate(**variables, tools=None, documents=None))


@contextmanager
def _bounded(seconds: float) -> Iterator[None]:
    """Run a template, which is a foreign program and may fail in any way."""
    try:
        with _deadline(seconds):
            yield
    except _DeadlineError:
        raise ChatTemplateError(f"it did not end within {seconds:g} seconds") from None
    except Exception as error:  # the template is a foreign program
        raise ChatTemplateError(str(error) or type(error).__name__) from error


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
        """Compute ``left operator right``."""
        check_operator(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call an object."""
        return call_bounded(function, partial(super().call, context, function), *args, **kwargs)

    def join(self, *operands: Any) -> str:
        """The ``~`` operator."""
        return joined(operands)


def _environment() -> Environment:
    environment = _ChatEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _GenerationTag]
    )
    for name, function in environment.filters.items():
        environment.filters[name] = bounded_filter(name, function)
    environment.filters["join"] = _join
    environment.filters["tojson"] = _to_json
    del environment.filters["urlize"]
    del environment.globals["lipsum"]
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


@pass_environment
def _join(environment: Environment, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    items = value if attribute is None else map(make_attrgetter(environment, attribute), value)
    return joined(items, str(d))


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
