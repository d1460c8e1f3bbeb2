"""The values that go in and out of the double, and what is refused; after ``mlc_llm.protocol``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

FinishReason = Literal["stop", "length", "preempt"]


class BadRequestError(ValueError):
    """The prompt cannot be served."""


class ValidationError(ValueError):
    """An option is out of range; tells what is wrong as pydantic does."""

    def __init__(self, message: str) -> None:
        super().__init__(f"1 validation error for CompletionRequest\n  Value error, {message}\n    For further help …")
        self._message = message

    def errors(self) -> list[dict[str, Any]]:
        """What is wrong, one after the other."""
        return [{"type": "value_error", "msg": f"Value error, {self._message}"}]


class InternalError(RuntimeError):
    """What TVM raises when a check in its native code fails."""


@dataclass(frozen=True)
class CompletionLogProbs:
    """How likely the tokens of a response were; each token by what is visible ASCII of it."""

    tokens: list[str]
    token_logprobs: list[float]
    top_logprobs: list[dict[str, float]]
    text_offset: list[int] | None = None


@dataclass(frozen=True)
class CompletionResponseChoice:
    """Text of a reply, and how it ended where it did."""

    text: str
    finish_reason: FinishReason | None = None
    logprobs: CompletionLogProbs | None = None
    index: int = 0


@dataclass(frozen=True)
class CompletionUsage:
    """Token counts, and under ``extra`` what the engine has measured."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    extra: dict[str, Any] | None = None


@dataclass(frozen=True)
class CompletionResponse:
    """A piece of a stream."""

    id: str
    choices: list[CompletionResponseChoice]
    usage: CompletionUsage | None = None
    model: str | None = None
    object: str = "text_completion"


@dataclass(frozen=True)
class CompletionRequest:
    """A request as the engine checks it."""

    prompt: list[int]
    temperature: float = 1.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logprobs: int | None = None
    logit_bias: dict[int, float] = field(default_factory=dict)
    max_tokens: int = -1
    seed: int | None = None
    stop: tuple[str, ...] = ()
    include_usage: bool = False
    response_format: dict[str, Any] | None = None

    def validate(self) -> None:
        """Check what pydantic checks, before anything is begun.

        Raises:
            ValidationError: an option is out of range.
        """
        if max(abs(self.frequency_penalty), abs(self.presence_penalty)) > 2:
            raise ValidationError("Penalty value should be in range [-2, 2].")
        if any(abs(bias) > 100 for bias in self.logit_bias.values()):
            raise ValidationError("Logit bias value should be in range [-100, 100]")
        if self.logprobs is not None and not 0 <= self.logprobs <= 5:
            raise ValidationError('"logprobs" must be in range [0, 5]')
        form = self.response_format or {}
        if form.get("type", "text") not in {"text", "json_object"}:
            raise ValidationError("Input should be 'text' or 'json_object'")
        if not isinstance(form.get("schema", ""), str):
            raise ValidationError("Input should be a valid string")

    def check(self, longest: int) -> None:
        """Check what the engine checks when the stream is first asked for something.

        Raises:
            BadRequestError: the prompt is empty or too long.
            InternalError: the temperature is below 0.
        """
        if not self.prompt:
            raise BadRequestError(f"Invalid request prompt {self.prompt}")
        if len(self.prompt) > longest:
            raise BadRequestError(
                f"Request prompt has {len(self.prompt)} tokens in total,"
                f" larger than the model input length limit {longest}."
            )
        if self.temperature < 0:
            raise InternalError('Check failed: "temperature" should be non-negative')
