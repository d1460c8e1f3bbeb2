"""Renders MLC's own chat templates, the ``conv_template`` object of mlc-chat-config.json.

The format is that of ``mlc_llm.protocol.conversation_protocol.Conversation``: the system text in its
template, then for each message its role, a separator, its content in the role's template, and the
separator after the message.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

_SYSTEM = "{system_message}"
_FUNCTIONS = "{function_string}"


_MOST_PLACES = 4
"""Where one template may have the text of a message; it is written down in each."""

_Text = Annotated[str, Field(max_length=100_000)]
_Stop = Annotated[str, Field(max_length=1000)]


class ConvTemplateError(Exception):
    """The object is not a conversation template, or has no place for a message."""


class _Schema(BaseModel):
    """The fields that matter for rendering; a template may have more."""

    model_config = ConfigDict(extra="ignore", strict=True)

    system_template: _Text = _SYSTEM
    system_prefix_token_ids: Annotated[list[int], Field(max_length=1000)] | None = None
    add_role_after_system_message: bool = True
    roles: dict[str, _Text]
    role_templates: dict[str, _Text] = Field(default_factory=dict)
    seps: list[_Text] = Field(min_length=1, max_length=2)
    role_content_sep: _Text = ""
    role_empty_sep: _Text = ""
    stop_str: list[_Stop] = Field(default_factory=list, max_length=100)


@dataclass(frozen=True, slots=True)
class ConvTemplate:
    """A conversation template that can render.

    Attributes:
        prefix: text of the tokens every prompt begins with.
        stop: texts that end a reply.
    """

    prefix: str
    stop: tuple[str, ...]
    _schema: _Schema = field(repr=False)

    def render(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        add_generation_prompt: bool,
        tools: Sequence[Mapping[str, Any]] = (),  # noqa: ARG002 — such a template has no place for them
        variables: Mapping[str, Any] = MappingProxyType({}),  # noqa: ARG002 — nor for these
    ) -> str:
        """Render objects with ``role`` and ``content``; a system message may only come first.

        Raises:
            ConvTemplateError: the template has no such role, or no place for calls.
        """
        if any("tool_calls" in message for message in messages):
            raise ConvTemplateError("conv_template has no place for calls")
        system, spoken = _split_system(messages)
        opening = self._system_block(system)
        rendered = [self.prefix, opening]
        for position, message in enumerate(spoken):
            bare = position == 0 and bool(opening) and not self._schema.add_role_after_system_message
            rendered.append(self._message(message["role"], message["content"], bare=bare))
        if add_generation_prompt:
            rendered.append(self._role("assistant") + self._schema.role_empty_sep)
        return "".join(rendered)

    def _system_block(self, system: str) -> str:
        """Empty without a system text, unless the block is a fixed one."""
        template = self._schema.system_template.replace(_FUNCTIONS, "")
        return template.replace(_SYSTEM, system) if system or _SYSTEM not in template else ""

    def _message(self, role: str, content: str, *, bare: bool) -> str:
        placeholder = "{" + role + "_message}"
        template = self._schema.role_templates.get(role, placeholder).replace(_FUNCTIONS, "")
        prefix = "" if bare else self._role(role) + self._schema.role_content_sep
        separator = self._schema.seps[-1 if role == "assistant" else 0]
        return prefix + template.replace(placeholder, content) + separator

    def _role(self, role: str) -> str:
        if role not in self._schema.roles:
            raise ConvTemplateError(f"conv_template has no role {role!r}")
        return self._schema.roles[role]


def parse_conv_template(value: object, token_texts: Mapping[int, str]) -> ConvTemplate:
    """Check and take over a ``conv_template`` object.

    Args:
        value: the parsed JSON.
        token_texts: text of each added token, to spell out ``system_prefix_token_ids``.

    Raises:
        ConvTemplateError: a field is missing or of the wrong kind, or a prefix token is unknown.
    """
    try:
        schema = _Schema.model_validate(value)
    except ValidationError as error:
        raise ConvTemplateError(_first_problem(error)) from None
    templates = (schema.system_template, *schema.role_templates.values())
    if any(template.count("_message}") > _MOST_PLACES for template in templates):
        raise ConvTemplateError("conv_template writes one message down again and again")
    prefix_ids = schema.system_prefix_token_ids or []
    if unknown := [number for number in prefix_ids if number not in token_texts]:
        raise ConvTemplateError(f"conv_template begins with token {unknown[0]}, which the tokenizer does not name")
    return ConvTemplate(
        prefix="".join(token_texts[number] for number in prefix_ids),
        stop=tuple(filter(None, schema.stop_str)),
        _schema=schema,
    )


def _first_problem(error: ValidationError) -> str:
    problem = error.errors()[0]
    where = ".".join(map(str, problem["loc"]))
    return f"conv_template{'.' + where if where else ''}: {problem['msg'].lower()}"


def _split_system(messages: Sequence[Mapping[str, Any]]) -> tuple[str, Sequence[Mapping[str, Any]]]:
    if messages and messages[0]["role"] == "system":
        return messages[0]["content"], messages[1:]
    return "", messages
