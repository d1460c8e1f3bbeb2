"""Compiles and renders a model's Jinja2 chat template, which is somebody else's program, within bounds.

A template comes with a downloaded model, so it may be hostile or just wrong. It runs in Jinja's
immutable sandbox and reaches nothing but the messages. Jinja has no ``while``, but nested loops and
recursive macros can take for ever, so a trace function of the rendering thread ends it at a
deadline, wherever in Python code it is. What no trace function sees, because it is one step of the
interpreter, ``template_bounds`` refuses beforehand, and ``template_meter`` weighs all that is made.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from types import FrameType, MappingProxyType
from typing import Any, NoReturn

from jinja2 import Environment, TemplateError, filters, nodes, pass_environment
from jinja2.compiler import CodeGenerator, Frame
from jinja2.ext import Extension
from jinja2.filters import make_attrgetter
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from tether_desktop.protocol.template_bounds import (
    UNNEEDED_FILTERS,
    bounded_filter,
    call_bounded,
    check_layout,
    check_operator,
)
from tether_desktop.protocol.template_meter import Meter

_LARGEST_SOURCE = 100_000
"""Characters; compiling takes time in proportion, and the largest templates there are have a third of it."""

_DEADLINE_S = 1.0
_SECONDS_PER_MESSAGE = 0.002
_LOOK_S = 0.002
_LONGEST_REASON = 300
_LOOPING = frozenset(("<template>", filters.__file__))
"""Where code may loop for long without a call: in the template, and in Jinja's filters."""

_meter: ContextVar[Meter] = ContextVar("_meter")
"""Of what is being rendered."""


class ChatTemplateError(Exception):
    """The template cannot be compiled, refuses the messages, or does not come to an end."""


class ChatTemplateEndless(ChatTemplateError):
    """The template did not come to an end in time."""


class _DeadlineError(BaseException):
    """Ends a rendering; not an Exception, which filters and lookups of Jinja catch."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds


class ChatTemplate:
    """A compiled chat template, as Hugging Face's tokenizers render them.

    Args:
        source: the Jinja2 template.
        variables: ``bos_token`` and its like.
        deadline_s: seconds of computing after which a rendering is ended; long conversations get some more.

    Raises:
        ChatTemplateError: the source is too large or no valid template.
    """

    def __init__(self, source: str, variables: Mapping[str, str], deadline_s: float = _DEADLINE_S) -> None:
        self._deadline_s = deadline_s
        if len(source) > _LARGEST_SOURCE:
            raise ChatTemplateError(f"it has {len(source):,} characters")
        with _caught():
            self._template = _environment().from_string(source, globals=dict(variables))

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        add_generation_prompt: bool,
        tools: Sequence[Mapping[str, Any]] = (),
        variables: Mapping[str, Any] = MappingProxyType({}),
    ) -> str:
        """Render the messages.

        Args:
            messages: objects with ``role`` and ``content``, oldest first, and what else a template may ask for.
            add_generation_prompt: whether to open the assistant's next message.
            tools: as objects with ``type`` and ``function``.
            variables: others that a template may ask for, such as ``enable_thinking``.

        Raises:
            ChatTemplateError: the template refused the messages, failed, or took too long.
        """
        given = {"messages": messages, "tools": tools or None, "documents": None}
        meter = Meter((messages, tools))
        seconds = self._deadline_s + (len(messages) + len(tools)) * _SECONDS_PER_MESSAGE
        with _caught(), _metered(meter), _deadline(seconds):
            pieces = self._template.generate(**variables, **given, add_generation_prompt=add_generation_prompt)
            return meter.joined(pieces)


@contextmanager
def _caught() -> Iterator[None]:
    """Compile or run a template, which is a foreign program and may fail in any way."""
    try:
        yield
    except _DeadlineError as error:
        raise ChatTemplateEndless(f"it did not end within {error.seconds:.2g} seconds") from None
    except Exception as error:  # the template is a foreign program
        raise ChatTemplateError(str(error)[:_LONGEST_REASON] or type(error).__name__) from error


@contextmanager
def _metered(meter: Meter) -> Iterator[None]:
    """Weigh with this meter what is made."""
    before = _meter.set(meter)
    try:
        yield
    finally:
        _meter.reset(before)


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    """Raise inside this thread's Python code once it has computed for so long."""
    end, next_look = time.thread_time() + seconds, 0.0

    def check(frame: FrameType, _event: str, _arg: object) -> Any:
        nonlocal next_look
        if time.monotonic() > next_look:  # asking for the time of a thread takes ten times as long
            if time.thread_time() > end:
                raise _DeadlineError(seconds)
            next_look = time.monotonic() + _LOOK_S
        return check if frame.f_code.co_filename in _LOOPING else None

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


class _Namespace(Namespace):
    """Can hold itself, so that writing down what it holds might never end."""

    def __repr__(self) -> str:
        return "<namespace>"


class _BoundedCodeGenerator(CodeGenerator):
    """Sends all that makes values through the environment, which Jinja does for calls and some operators only."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:  # noqa: N802 — Jinja's name
        self.write("environment.join(")
        for operand in node.nodes:
            self.visit(operand, frame)
            self.write(", ")
        self.write(")")

    def visit_List(self, node: nodes.List, frame: Frame) -> None:  # noqa: N802 — Jinja's name
        self._write_measured(super().visit_List, node, frame)

    def visit_Dict(self, node: nodes.Dict, frame: Frame) -> None:  # noqa: N802 — Jinja's name
        self._write_measured(super().visit_Dict, node, frame)

    def visit_Tuple(self, node: nodes.Tuple, frame: Frame) -> None:  # noqa: N802 — Jinja's name
        if node.ctx == "load":
            self._write_measured(super().visit_Tuple, node, frame)
        else:
            super().visit_Tuple(node, frame)

    def visit_Getitem(self, node: nodes.Getitem, frame: Frame) -> None:  # noqa: N802 — Jinja's name
        if isinstance(node.arg, nodes.Slice):
            self._write_measured(super().visit_Getitem, node, frame)
        else:
            super().visit_Getitem(node, frame)

    def _write_measured(self, visit: Callable[[Any, Frame], None], node: nodes.Node, frame: Frame) -> None:
        self.write("environment.measured(")
        visit(node, frame)
        self.write(")")


class _ChatEnvironment(ImmutableSandboxedEnvironment):
    code_generator_class = _BoundedCodeGenerator
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute ``left operator right``."""
        meter = _meter.get()
        if operator != "+":
            check_operator(meter, operator, left, right)
        return meter.take(super().call_binop(context, operator, left, right))

    def call(self, context: Context, function: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call an object."""
        return call_bounded(_meter.get(), function, partial(super().call, context, function), args, kwargs)

    def join(self, *operands: Any) -> str:
        """The ``~`` operator."""
        return _meter.get().joined(operands)

    def concat(self, pieces: Iterable[Any]) -> str:
        """What a macro or a block has written."""
        return _meter.get().joined(pieces)

    def measured(self, value: Any) -> Any:
        """The value of a literal, a slice or an operator."""
        return _meter.get().take(value)


def _environment() -> Environment:
    environment = _ChatEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _GenerationTag]
    )
    for name in UNNEEDED_FILTERS:
        del environment.filters[name]
    environment.filters |= {"join": _join, "tojson": _to_json}
    for name, function in environment.filters.items():
        environment.filters[name] = bounded_filter(_meter.get, name, function)
    del environment.globals["lipsum"]
    environment.globals["namespace"] = _Namespace
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


def _raise_exception(message: str) -> NoReturn:
    raise TemplateError(message)


@pass_environment
def _join(environment: Environment, value: Iterable[Any], d: str = "", attribute: str | int | None = None) -> str:
    items = value if attribute is None else map(make_attrgetter(environment, attribute), value)
    return _meter.get().joined(items, str(d))


def _strftime_now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    check_layout(indent, separators)
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)
