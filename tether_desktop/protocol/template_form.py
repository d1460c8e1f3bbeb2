"""Finds out what a chat template takes, by rendering small conversations once when it is loaded.

Templates differ in what they make of tools: some declare them and write calls and results in the model's own dialect;
some do so for one call per message only, want the arguments as JSON text, or refuse what they do not know; most leave
out in silence what they have no place for. What they do is seen in what they render, so nothing has to be known of any.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from os.path import commonprefix
from types import MappingProxyType
from typing import Any, Literal

from tether_desktop.protocol.chat_template import ChatTemplateEndless
from tether_desktop.protocol.dialects import OURS, Dialect, detect
from tether_desktop.protocol.template_source import REFUSALS, Template

CallsForm = Literal["many", "one", "text"]
Sent = dict[str, Any]
"""A message, a tool or a call as templates take them."""

_SYSTEM = "Speak plainly."
_QUESTION: Sent = {"role": "user", "content": "Hello"}
_ANSWER: Sent = {"role": "assistant", "content": "Goodbye"}

_TOOL = "probe_harbour"
_KEY = "berth"
_PARAMETERS = {"type": "object", "properties": {_KEY: {"type": "string", "description": "Where"}}, "required": [_KEY]}
_DECLARED: Sent = {
    "type": "function",
    "function": {"name": _TOOL, "description": "Looks into the harbour.", "parameters": _PARAMETERS},
}
_VALUES, _IDS, _RESULTS = ("north", "south"), ("probe0001", "probe0002"), ("Rowing boat", "Ferry")

_THINKING_ON = MappingProxyType({"enable_thinking": True, "thinking": True})
_THINKING_OFF = MappingProxyType({"enable_thinking": False, "thinking": False})
_EFFORTS = ("none", "minimal", "low")
"""Some templates know only how hard to think, and write down whatever they are told."""


@dataclass(frozen=True, slots=True)
class TemplateForm:
    """How messages have to be given to a template.

    Attributes:
        system: whether it has a place for a system message.
        declares: whether it tells the model of tools.
        calls: as many per message as there are, one per message, or only as text that we write.
        json_arguments: whether it wants arguments as JSON text and not as an object.
        no_content: whether it takes a message with calls only without text.
        tool_role: whether calls written as text may be followed by messages of the role ``tool``.
    """

    system: bool
    declares: bool = False
    calls: CallsForm = "text"
    json_arguments: bool = False
    no_content: bool = False
    tool_role: bool = False


@dataclass(frozen=True, slots=True)
class Thinking:
    """The variables of a template that switch thinking; ``off`` has none where it cannot."""

    on: Mapping[str, Any]
    off: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found out.

    Attributes:
        plain, tooled: how to give messages without and with tools.
        dialect: in which the model writes calls.
    """

    plain: TemplateForm
    tooled: TemplateForm
    dialect: Dialect


class _Prober:
    """Renders probes with one template; "" for what it refuses, and for all once it did not come to an end.

    Attributes:
        tools: given with each probe.
    """

    def __init__(self, template: Template, tools: Sequence[Sent]) -> None:
        self._template = template
        self._endless: ChatTemplateEndless | None = None
        self.tools = tools

    def render(self, *messages: Sent, open_reply: bool = True, variables: Mapping[str, Any] = _THINKING_ON) -> str:
        try:
            return self.rendered(*messages, open_reply=open_reply, variables=variables)
        except ChatTemplateEndless as error:
            self._endless = error
        except REFUSALS:
            pass
        return ""

    def rendered(self, *messages: Sent, open_reply: bool = True, variables: Mapping[str, Any] = _THINKING_ON) -> str:
        """The same; raises what the template raises."""
        if self._endless:
            raise self._endless
        return self._template.render(messages, add_generation_prompt=open_reply, tools=self.tools, variables=variables)


def find_form(template: Template, with_tools: Template) -> Findings:
    """Find out what the templates for conversations without and with tools take.

    Raises:
        ChatTemplateError, ConvTemplateError: not even a question.
    """
    plain = _without_tools(template)
    tooled, dialect = _with_tools(with_tools)
    if dialect is OURS:
        plain = replace(plain, calls="text")
    return Findings(plain, tooled if tooled.declares else replace(plain, declares=False), dialect)


def find_thinking(template: Template, text: str) -> Thinking:
    """Find the variables that make a difference; ``text`` is that of the template, which may name efforts."""
    prober = _Prober(template, ())
    usual = prober.render(_QUESTION)
    named = [effort for effort in _EFFORTS if f"'{effort}'" in text or f'"{effort}"' in text]
    for effort in ("", *(named or _EFFORTS[-1:])):
        off = _THINKING_OFF | ({"reasoning_effort": effort} if effort else {})
        rendered = prober.render(_QUESTION, variables=off)
        if rendered and rendered != usual:
            return Thinking(_THINKING_ON, off)
    return Thinking(_THINKING_ON, None)


def _without_tools(template: Template) -> TemplateForm:
    prober = _Prober(template, ())
    form = _form_of(prober, system=_takes_system(prober))
    if not form.system:
        prober.rendered(_QUESTION)
    return form


def _with_tools(template: Template) -> tuple[TemplateForm, Dialect]:
    prober = _Prober(template, (_DECLARED,))
    question = prober.render(_QUESTION)
    if _TOOL not in question or _KEY not in question:
        return _undeclared(template)
    form = _form_of(prober, system=_takes_system(prober))
    dialect = detect(_call_text(prober, form)) or detect(question)
    if dialect is None:
        return TemplateForm(form.system), OURS
    return replace(form, declares=True), dialect


def _undeclared(template: Template) -> tuple[TemplateForm, Dialect]:
    """A template may write calls without telling of tools."""
    prober = _Prober(template, ())
    form = _form_of(prober, system=_takes_system(prober))
    return form, detect(_call_text(prober, form)) or OURS


def _takes_system(prober: _Prober) -> bool:
    """Some refuse a system message, some leave it out."""
    return _SYSTEM in prober.render({"role": "system", "content": _SYSTEM}, _QUESTION)


def _form_of(prober: _Prober, *, system: bool) -> TemplateForm:
    for no_content, json_arguments in product((False, True), (False, True)):
        form = TemplateForm(system, json_arguments=json_arguments, no_content=no_content)
        single, pair = _asks(form, 0), _asks(form, 0, 1)
        rounds = (_QUESTION, single, _tells(0), _asks(form, 1), _tells(1))
        if not _writes(prober.render(*rounds), 0, 1) or not _writes(prober.render(*rounds, _ANSWER, _QUESTION), 0, 1):
            continue
        many = _writes(prober.render(_QUESTION, pair, _tells(0), _tells(1), _ANSWER, _QUESTION), 0, 1)
        return replace(form, calls="many" if many else "one")
    return TemplateForm(system, tool_role=_takes_tool_role(prober))


def _writes(rendered: str, *numbers: int) -> bool:
    """Whether calls and results are all there, and the arguments are no Python and no JSON within JSON."""
    texts = [text for number in numbers for text in (_VALUES[number], _RESULTS[number])]
    mangled = (f"'{_KEY}'", f'\\"{_KEY}')
    return all(text in rendered for text in (_TOOL, _KEY, *texts)) and not any(text in rendered for text in mangled)


def _takes_tool_role(prober: _Prober) -> bool:
    """Whether results may have a role of their own, one that is not simply written as the person's."""
    asked = {"role": "assistant", "content": "Let me see."}
    rendered = prober.render(_QUESTION, asked, _tells(0), _tells(1), _ANSWER, _QUESTION)
    as_person = prober.render(_QUESTION, asked, *({**_tells(n), "role": "user"} for n in (0, 1)), _ANSWER, _QUESTION)
    return all(result in rendered for result in _RESULTS) and rendered != as_person


def _call_text(prober: _Prober, form: TemplateForm) -> str:
    """What a call adds to a prompt."""
    if form.calls == "text":
        return ""
    before = prober.render(_QUESTION, open_reply=False)
    after = prober.render(_QUESTION, _asks(form, 0), open_reply=False)
    return after[len(commonprefix([before, after])) :]  # noqa: RUF071 — characters are meant, not folders


def _asks(form: TemplateForm, *numbers: int) -> Sent:
    return {
        "role": "assistant",
        "content": None if form.no_content else "",
        "tool_calls": [sent_call(form, _IDS[number], _TOOL, {_KEY: _VALUES[number]}) for number in numbers],
    }


def _tells(number: int) -> Sent:
    return {"role": "tool", "name": _TOOL, "tool_call_id": _IDS[number], "content": _RESULTS[number]}


def sent_call(form: TemplateForm, call_id: str, name: str, arguments: dict[str, Any]) -> Sent:
    """A call as the template takes it."""
    written = json.dumps(arguments, ensure_ascii=False) if form.json_arguments else arguments
    return {"type": "function", "id": call_id, "function": {"name": name, "arguments": written}}
