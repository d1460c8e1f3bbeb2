"""What a scripted reply says: cut off where it has to end, and as likely as asked for."""

from __future__ import annotations

import math

from tether_desktop.messages import FinishReason
from tether_desktop.model.engine import SamplingParams, TokenLogprob
from tether_desktop.model.scripted.script import split_tokens
from tether_desktop.model.tvm.stop_matcher import StopMatcher

_SHARE = 0.75
"""Probability of a token that the script says."""

_OTHER_WORDS = split_tokens(" the of and to in is you that it for on are as with they at be this have from")


class ScriptedOutput:
    """What the reply has said, with the texts that end it taken into account.

    Attributes:
        tokens: all so far.
        finish_reason: set once the reply is over before its script.
    """

    def __init__(self, params: SamplingParams, room: int) -> None:
        """Prepare a reply for which there is room for so many tokens."""
        self.tokens: list[str] = []
        self.finish_reason: FinishReason | None = None
        self._stop = StopMatcher(params.stop)
        self._limit = min(room, params.max_tokens or room)
        self._alternatives = params.logprobs
        self._logprobs: list[TokenLogprob] = []
        self._held = ""

    def add(self, token: str) -> str:
        """Take a token; the text that can be shown now. What may begin a stop text is held back."""
        self.tokens.append(token)
        if self._alternatives is not None:
            self._logprobs.append(_logprob(token, self._alternatives))
        self._held += self._stop.add(token)
        if self._stop.stopped:
            self.finish_reason = "stop"
        elif len(self.tokens) >= self._limit:
            self.finish_reason = "length"
        else:
            return self._release()
        return ""

    def rest(self) -> str:
        """What was held back and is text after all."""
        return self._release() + self._stop.finish()

    def take_logprobs(self) -> tuple[TokenLogprob, ...]:
        """Those of the tokens since the last time, where they were asked for."""
        taken, self._logprobs = tuple(self._logprobs), []
        return taken

    def _release(self) -> str:
        text, self._held = self._held, ""
        return text


def _logprob(token: str, count: int) -> TokenLogprob:
    """A token that is three times as likely as all others, of which each is half as likely as the one before."""
    words = [word for word in _OTHER_WORDS if word != token]
    others = [(word, math.log((1 - _SHARE) / 2**rank)) for rank, word in enumerate(words, start=1)]
    chosen = math.log(_SHARE)
    return TokenLogprob(token, chosen, ((token, chosen), *others)[:count])
