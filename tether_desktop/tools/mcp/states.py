"""What is known of an MCP server, as values for people and for the rest of the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

McpStatus = Literal["off", "needs_approval", "starting", "ready", "changed", "failed", "stopped"]
Change = Literal["", "new", "changed"]
"""How a tool differs from what the person accepted."""


@dataclass(frozen=True, slots=True)
class McpToolState:
    """A tool as its server describes it.

    Attributes:
        name: what the server calls it.
        declared_name: what the model calls it; unique among all tools.
        title: for people.
        description: the server's own words, cut to a length; untrusted.
        parameters: the JSON schema of its arguments.
        digest: SHA-256 over all that the server says of it, before anything was cut.
        change: set where the tool is withheld until the person has accepted it.
    """

    name: str
    declared_name: str
    title: str
    description: str
    parameters: dict[str, Any] = field(hash=False)
    digest: str
    change: Change = ""


@dataclass(frozen=True, slots=True)
class McpResource:
    """Something that can be read from a server; of a template, ``uri`` has parts in braces to fill in."""

    uri: str
    name: str
    description: str = ""
    media_type: str = ""
    is_template: bool = False


@dataclass(frozen=True, slots=True)
class McpPromptArgument:
    """What a prompt wants to know."""

    name: str
    description: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class McpPrompt:
    """A text that a server has ready for the person to send."""

    name: str
    title: str
    description: str = ""
    arguments: tuple[McpPromptArgument, ...] = ()


@dataclass(frozen=True, slots=True)
class McpServerState:
    """One server of the file, and how it is.

    Attributes:
        name: as in the file.
        command_line: exactly what is started, quoted, with nothing invisible in it; of a URL server its address.
        variables: names of the environment variables or headers that the file sets; their values are secrets.
        status: "changed" is ready, with some of the tools withheld; "stopped" is allowed but not running.
        problem: what is wrong, for people; empty where nothing is.
        hint: what to do about it.
        tools: all that it lists, the withheld ones too.
        version: what it calls itself, and the protocol it speaks.
        folder: where it is started; empty for ours.
        instructions: what the server says of its use; untrusted.
    """

    name: str
    command_line: str
    variables: tuple[str, ...]
    status: McpStatus
    problem: str = ""
    hint: str = ""
    tools: tuple[McpToolState, ...] = ()
    resources: tuple[McpResource, ...] = ()
    prompts: tuple[McpPrompt, ...] = ()
    version: str = ""
    folder: str = ""
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class McpListing:
    """What a server told of itself when it was asked last."""

    tools: tuple[McpToolState, ...] = ()
    resources: tuple[McpResource, ...] = ()
    prompts: tuple[McpPrompt, ...] = ()
    version: str = ""
    instructions: str = ""


@dataclass(frozen=True, slots=True)
class McpFault:
    """Why a server cannot be used, or no longer.

    Attributes:
        final: trying again would end the same way.
    """

    problem: str
    hint: str = ""
    final: bool = False


@dataclass(frozen=True, slots=True)
class McpTestReport:
    """What came of trying a server, step by step with durations."""

    passed: bool
    text: str
