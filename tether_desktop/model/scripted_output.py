"""What a scripted reply says: cut off where it has to end, and as likely as asked for."""

from __future__ import annotations

import math

from tether_desktop.messages import FinishReason
from tether_desktop.model.engine import SamplingParams, TokenLogprob
from tether_desktop.model.script import split_tokens

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
        self._stop = tuple(text for text in params.stop if text)
        self._limit = min(room, params.max_tokens or room)
        self._alternatives = params.logprobs
        self._logprobs: list[TokenLogprob] = []
        self._held = ""

    def add(self, token: str) -> str:
        """Take a token; the text that can be shown now. What may begin a stop text is held back."""
        self.tokens.append(token)
        if self._alternatives is not None:
            self._logprobs.append(_logprob(token, self._alternatives))
        self._held += token
        found = [index for index in (self._held.find(text) for text in self._stop) if index >= 0]
        if found:
            self._held = self._held[: min(found)]
            self.finish_reason = "stop"
        elif len(self.tokens) >= self._limit:
            self.finish_reason = "length"
        else:
            return self._release(len(self._held) - self._stop_prefix())
        return ""

    def rest(self) -> str:
        """What was held back and is text after all."""
        return self._release(len(self._held))

    def take_logprobs(self) -> tuple[TokenLogprob, ...]:
        """Those of the tokens since the last time, where they were asked for."""
        taken, self._logprobs = tuple(self._logprobs), []
        return taken

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text

    def _stop_prefix(self) -> int:
        """Length of the longest end of the held text that begins a stop text."""
        longest = max((len(text) - 1 for text in self._stop), default=0)
        for length in range(min(longest, len(self._held)), 0, -1):
            if any(text.startswith(self._held[-length:]) for text in self._stop):
                return length
        return 0


def _logprob(token: str, count: int) -> TokenLogprob:
    """A token that is three times as likely as all others, of which each is half as likely as the one before."""
    words = [word for word in _OTHER_WORDS if word != token]
    others = [(word, math.log((1 - _SHARE) / 2**rank)) for rank, word in enumerate(words, start=1)]
    chosen = math.log(_SHARE)
    return TokenLogprob(token, chosen, ((token, chosen), *others)[:count])
