"""The Engine protocol and its values: what every kind of language-model engine offers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from tether_desktop.messages import MODELS_CHOICE, FinishReason, Message, Timings, ToolChoice, ToolDeclaration, Usage

EngineKind = Literal["tvm", "mlc", "remote", "scripted"]
ConstraintKind = Literal["json_schema", "regex", "lark"]
OnProgress = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How the next token is chosen.

    Attributes:
        temperature: 0 takes the most likely token.
        top_p: keep the smallest set of tokens whose probability reaches this; 1 keeps all.
        top_k: keep this many most likely tokens; 0 keeps all.
        min_p: drop tokens less likely than this fraction of the most likely one.
        repetition_penalty: divide (or multiply, below zero) logits of seen tokens by this; 1 is off.
        presence_penalty: subtract once from each token generated before.
        frequency_penalty: subtract per occurrence of each token generated before.
        seed: the same seed, prompt and parameters give the same reply; None draws a fresh one.
        max_tokens: end with finish reason "length" after this many; None goes on to the window's end.
        stop: texts that end the reply; they are not part of it.
        logit_bias: added to the logits of tokens, as (token id, bias).
        logprobs: how many of the likeliest tokens to tell beside each chosen one (0 to 20); None tells nothing.
    """

    temperature: float = 0.7
    top_p: float = 0.95
    top_k: int = 0
    min_p: float = 0.0
    repetition_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    seed: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    logprobs: int | None = None


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """Everything a child process needs to load a model.

    Attributes:
        model: the model's name as the catalogue lists it.
        kind: which engine runs it.
        model_dir: the folder with ``mlc-chat-config.json``; of the remote kind, the file that describes the server.
        library: the compiled library (None for engines that need none).
        context_window: tokens of KV cache to set up.
        threads: compute threads; None lets the engine choose.
        cache_bytes: memory for the KV states of the sessions that are kept warm; the newest is kept in any case.
    """

    model: str
    kind: EngineKind
    model_dir: Path
    library: Path | None = None
    context_window: int = 2048
    threads: int | None = None
    cache_bytes: int = 0


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What a loaded engine tells about itself.

    Attributes:
        context_window: the longest prompt and reply together, in tokens.
        device: for people: "CPU, AVX512-VNNI, 2 threads".
        memory_bytes: weights and KV cache.
        takes_messages: whether it wants the messages themselves, and renders them to a prompt on its own.
        constraints: what it can hold a reply to.
    """

    context_window: int
    device: str
    memory_bytes: int = 0
    takes_messages: bool = False
    constraints: tuple[ConstraintKind, ...] = ()


@dataclass(frozen=True, slots=True)
class PromptPiece:
    """A piece of a rendered prompt.

    ``literal`` text is encoded without recognising special tokens, so that a person (or a tool) who
    writes ``<|im_end|>`` cannot end their own message.
    """

    text: str
    literal: bool = False


Prompt = tuple[PromptPiece, ...]


@dataclass(frozen=True, slots=True)
class Constraint:
    """What the whole text of a reply has to be.

    Attributes:
        kind: how ``text`` says it.
        text: a JSON schema as JSON, a regular expression, or a grammar in llguidance's Lark dialect.
        exact_after: behind this text the likeliest token is always taken, without penalties, for what follows is
            data; empty for nowhere.
    """

    kind: ConstraintKind
    text: str
    exact_after: str = ""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """One reply to generate.

    Attributes:
        session_id: lets the engine reuse that session's KV state.
        prompt: rendered; empty for an engine that takes messages.
        params: how to choose tokens.
        messages: the conversation, oldest first, for an engine that takes messages; else empty.
        tools, tool_choice: what may be called, for an engine that takes messages; else none.
        constraint: what the reply has to be; one whose kind the engine does not list is refused with an EngineError.
        markers: special tokens that come through as text where the model writes them, others never do.
        continues: whether the last of ``messages`` is the reply itself, with which to go on where it ends.
    """

    session_id: str
    prompt: Prompt
    params: SamplingParams = SamplingParams()
    messages: tuple[Message, ...] = ()
    tools: tuple[ToolDeclaration, ...] = ()
    tool_choice: ToolChoice = MODELS_CHOICE
    constraint: Constraint | None = None
    markers: tuple[str, ...] = ()
    continues: bool = False


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of a reply and how likely it was.

    Attributes:
        text: as it stands in the vocabulary, undecodable bytes replaced.
        logprob: natural logarithm of its probability, before temperature and any cut.
        alternatives: the likeliest tokens with theirs, best first, as many as were asked for.
    """

    text: str
    logprob: float
    alternatives: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class RequestedCall:
    """A call of a tool by an engine that tells calls apart itself; ``arguments`` is JSON as the model wrote it."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class GenerationChunk:
    """A step of a reply.

    Attributes:
        text: new text, possibly empty; whole characters only.
        progress: 0..1 while the prompt is read, None once text comes.
        finish_reason: set on the last chunk only, together with usage and timings.
        logprobs: of the tokens chosen since the chunk before, where they were asked for.
        tool_calls: whole calls, of an engine that takes messages; on the last chunk only.
    """

    text: str = ""
    progress: float | None = None
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    timings: Timings | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    tool_calls: tuple[RequestedCall, ...] = ()


class Engine(Protocol):
    """A loaded or loadable language model; the same protocol on both sides of the process pipe.

    One ``generate`` runs at a time. Closing its generator (``aclose``) or cancelling the task that
    iterates it stops the engine before its next token and leaves it ready for the next request.
    All methods raise :class:`tether_desktop.errors.TetherError` for what a person can act on.
    """

    async def load(self, on_progress: OnProgress) -> EngineInfo:
        """Load the model; ``on_progress`` gets fractions 0..1. Cancelling ends the load."""
        ...

    def generate(self, request: GenerationRequest) -> AsyncGenerator[GenerationChunk, None]:
        """Stream a reply; the last chunk, and only it, has a finish reason.

        Raises:
            PromptTooLong: the prompt leaves no room for a single token.
        """
        ...

    async def count_tokens(self, prompts: Sequence[Prompt]) -> list[int]:
        """Token count of each prompt, special tokens included.

        A prompt for an engine that takes messages has of each message its role and its text as two pieces.
        """
        ...

    async def close(self) -> None:
        """Free everything; idempotent."""
        ...
