"""Fits a conversation into the context window, never silently."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from tether_desktop.errors import PromptTooLong
from tether_desktop.events import ContextTrimmed
from tether_desktop.messages import Attachment, Message, Part, ToolDeclaration, text_message
from tether_desktop.model.engine import Engine, Prompt, PromptPiece
from tether_desktop.protocol.attachments.rendering import file_text
from tether_desktop.protocol.history import Exchange
from tether_desktop.protocol.prompt import PromptTemplate, UnrenderedMessages
from tether_desktop.protocol.short_results import longest_result, with_short_results

_SHORTEST_REPLY = 32
_SHORTEST_RESULT = 200
"""Characters that are kept of a tool's result in any case."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a session's history was cut last.

    Attributes:
        exchange_id: the first exchange that is kept.
        window: tokens of the window it was cut for.
        summary: of what is left out, where one was wanted.
    """

    exchange_id: str
    window: int
    summary: str = ""


@dataclass(frozen=True, slots=True)
class FittedPrompt:
    """A prompt that leaves room for a reply.

    Attributes:
        prompt: the rendered conversation.
        tokens: its length.
        messages: the conversation, for an engine that renders it itself.
        cut: where the history was cut, None when all of it fits.
        trimmed: the event that tells so.
        begun: what the reply says already, at the end of the prompt; ``messages`` are without it.
        state: where the rest of the reply starts, for its parser; None is where the prompt ends.
    """

    prompt: Prompt
    tokens: int
    messages: tuple[Message, ...]
    cut: Cut | None = None
    trimmed: ContextTrimmed | None = None
    begun: tuple[Part, ...] = ()
    state: str | None = None


def reply_reserve(window: int, max_tokens: int | None) -> int:
    """Tokens kept free for the reply: what it may take, but at most a quarter of the window."""
    return max(1, min(max_tokens or window, window // 4))


class ContextWindow:
    """Drops the oldest exchanges of one conversation until the rest fits, then shortens results of tools.

    Engines reuse the KV state of the tokens that two prompts have in common at their beginning, so
    every move of the cut costs reading the whole prompt again. Therefore more is dropped than
    needed, down to three quarters of the room, and the cut then stays where it is until the
    conversation has outgrown the room again, or has become much shorter.
    """

    def __init__(
        self,
        engine: Engine,
        template: PromptTemplate | UnrenderedMessages,
        system: str,
        exchanges: Sequence[Exchange],
        *,
        window: int,
        reserve: int,
        tools: Sequence[ToolDeclaration] = (),
        thinking: bool = True,
        begun: Sequence[Part] = (),
    ) -> None:
        """Prepare.

        Args:
            engine: counts the tokens.
            template: renders the prompt.
            system: the system prompt, kept always; may be empty.
            exchanges: oldest first; the last one, which is kept always, ends with the new question or with what
                its tools have answered so far.
            window: tokens of prompt and reply together.
            reserve: tokens kept free for the reply.
            tools: what may be called, told in every prompt.
            thinking: whether the model is to think.
            begun: what the reply says already, after which the model goes on.
        """
        self._engine = engine
        self._template = template
        self._system = (text_message("system", system),) if system else ()
        self._exchanges = list(exchanges)
        self._render = partial(template.render, tools=tools, thinking=thinking)
        self._begun = tuple(begun)
        self._window = window
        self._room = window - reserve
        self._shortest_reply = min(_SHORTEST_REPLY, reserve)
        self._tools_too, self._fewer_tools = (" and the tools", ", switch some tools off") if tools else ("", "")
        self._measured: dict[int, tuple[Prompt, str | None, int]] = {}

    async def fit(self, previous: Cut | None) -> FittedPrompt:
        """The longest prompt that fits, beginning at the previous cut where that still makes sense.

        Raises:
            PromptTooLong: the newest question does not fit even alone.
        """
        start = self._index_of(previous)
        if start and await self._tokens(start) < self._room // 2:
            start = 0
        if await self._tokens(start) > self._room:
            start = await self._search(start)
        return self._fitted(start)

    def _index_of(self, cut: Cut | None) -> int:
        if cut is None or cut.window != self._window:
            return 0
        return next((index for index, exchange in enumerate(self._exchanges) if exchange.id == cut.exchange_id), 0)

    async def _search(self, unfit: int) -> int:
        """The first exchange to keep so that three quarters of the room suffice.

        Goes back from the newest one in growing steps, so that the cost depends on the window and
        not on the length of the conversation.
        """
        fit = len(self._exchanges) - 1
        if await self._tokens(fit) > self._room:
            await self._shorten_results(fit)
        await self._check_newest(fit)
        target = self._room * 3 // 4
        step = 1
        while fit - step > unfit and await self._tokens(fit - step) <= target:
            fit -= step
            step *= 2
        unfit = max(unfit, fit - step)
        while fit - unfit > 1:
            middle = (fit + unfit) // 2
            if await self._tokens(middle) <= target:
                fit = middle
            else:
                unfit = middle
        return fit

    async def _check_newest(self, newest: int) -> None:
        tokens = await self._tokens(newest)
        if tokens <= self._window - self._shortest_reply:
            return
        keeps = f"it has {tokens:,} tokens; {self._template.model} keeps {self._window:,} in mind"
        larger = "choose a model with a larger context window."
        if self._exchanges[newest].answered or self._begun:
            raise PromptTooLong(
                "There is no room for an answer",
                f"With what this reply has called and been told so far {keeps}, and an answer needs at least "
                f"{self._shortest_reply} of them.",
                f"Ask for less at once{self._fewer_tools}, or {larger}",
            )
        needs = f"{keeps}, and its reply needs at least {self._shortest_reply} of them."
        if files := self._exchanges[newest].attachments:
            raise PromptTooLong(
                "The message is too long",
                f"With its files and the system prompt{self._tools_too} {needs} {await self._largest(files)}",
                f"Attach less of it, in several questions if need be{self._fewer_tools}, or {larger}",
            )
        raise PromptTooLong(
            "The message is too long",
            f"With the system prompt{self._tools_too} {needs}",
            f"Shorten the message{self._fewer_tools}, or {larger}",
        )

    async def _largest(self, files: Sequence[Attachment]) -> str:
        """A sentence on the file that takes most of the room."""
        counts = await self._engine.count_tokens([counted_alone(file_text(file), self._template) for file in files])
        size, name = max(zip(counts, (file.name for file in files), strict=True))
        which = "The largest of them" if len(files) > 1 else "The file"
        return f"{which}, {name}, has {size:,} tokens."

    async def _shorten_results(self, newest: int) -> None:
        """Keep as much of the newest exchange's long results as there is room for."""
        exchange = self._exchanges[newest]
        fit, unfit = _SHORTEST_RESULT, longest_result(exchange)
        while fit < unfit * 7 // 8:
            most = (fit + unfit) // 2
            if await self._try(newest, with_short_results(exchange, most)) <= self._room:
                fit = most
            else:
                unfit = most
        if longest_result(exchange) > _SHORTEST_RESULT:
            await self._try(newest, with_short_results(exchange, fit))

    async def _try(self, place: int, exchange: Exchange) -> int:
        """Length of the prompt from an exchange on, with that one in its place."""
        self._exchanges[place] = exchange
        self._measured.clear()
        return await self._tokens(place)

    async def _tokens(self, start: int) -> int:
        """Length of the prompt that keeps the exchanges from ``start`` on."""
        if start not in self._measured:
            prompt, state = await asyncio.to_thread(self._prompt, start)
            (count,) = await self._engine.count_tokens([prompt])
            self._measured[start] = (prompt, state, count)
        return self._measured[start][2]

    def _prompt(self, start: int) -> tuple[Prompt, str | None]:
        """The prompt that keeps the exchanges from ``start`` on, and where the reply goes on if it has begun."""
        prompt = self._render(self._messages(start))
        return self._template.begun(prompt, self._begun) if self._begun else (prompt, None)

    def _messages(self, start: int) -> list[Message]:
        return [*self._system, *(message for exchange in self._exchanges[start:] for message in exchange.messages)]

    def _fitted(self, start: int) -> FittedPrompt:
        prompt, state, tokens = self._measured[start]
        fitted = FittedPrompt(prompt, tokens, tuple(self._messages(start)), begun=self._begun, state=state)
        if start == 0:
            return fitted
        dropped = sum(exchange.records for exchange in self._exchanges[:start])
        cut = Cut(self._exchanges[start].id, self._window)
        return replace(fitted, cut=cut, trimmed=ContextTrimmed(dropped, tokens, self._window))


def counted_alone(text: str, template: PromptTemplate | UnrenderedMessages) -> Prompt:
    """A person's text by itself, for an engine to count."""
    piece = PromptPiece(text, literal=True)
    return (PromptPiece("user"), piece) if isinstance(template, UnrenderedMessages) else (piece,)
