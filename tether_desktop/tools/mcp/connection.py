"""One session with one server, through the SDK."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from mcp import Client, MCPError
from mcp.client.session import IncomingMessage
from mcp.client.subscriptions import SubscriptionLost
from mcp_types import (
    CallToolRequest,
    CallToolRequestParams,
    CallToolResult,
    GetPromptRequest,
    GetPromptRequestParams,
    GetPromptResult,
    Implementation,
    InputRequiredResult,
    PromptListChangedNotification,
    ReadResourceRequest,
    ReadResourceRequestParams,
    ReadResourceResult,
    Request,
    ResourceListChangedNotification,
    ToolListChangedNotification,
)
from mcp_types.version import LATEST_MODERN_VERSION, MODERN_PROTOCOL_VERSIONS
from pydantic import TypeAdapter, ValidationError

from tether_desktop import __version__
from tether_desktop.errors import McpServerError, showable
from tether_desktop.tools.mcp.faults import explain, refusal
from tether_desktop.tools.mcp.listing import list_all
from tether_desktop.tools.mcp.metering import Meter, MeteredStream
from tether_desktop.tools.mcp.pipes import pipe_transport
from tether_desktop.tools.mcp.program import ServerProcess
from tether_desktop.tools.mcp.results import output_of, prompt_text, resource_output
from tether_desktop.tools.mcp.server_log import ServerLog
from tether_desktop.tools.mcp.spec import Address, Program, ServerSpec
from tether_desktop.tools.mcp.states import McpFault, McpListing
from tether_desktop.tools.mcp.timing import Timing
from tether_desktop.tools.mcp.web import WebTrace, web_transport
from tether_desktop.tools.tool import OnToolProgress, ToolOutput

if TYPE_CHECKING:
    from mcp.client._transport import TransportStreams

# What servers make it complain of is told as their state; one that sends nonsense shall not fill our log.
logging.getLogger("mcp").setLevel(logging.CRITICAL)

_LISTS = (ToolListChangedNotification, ResourceListChangedNotification, PromptListChangedNotification)
_SESSION_GONE = "Session terminated"
_LONGEST_PROGRESS = 300
_A = TypeVar("_A")
_CALL: TypeAdapter[CallToolResult | InputRequiredResult] = TypeAdapter(CallToolResult | InputRequiredResult)
_READ: TypeAdapter[ReadResourceResult | InputRequiredResult] = TypeAdapter(ReadResourceResult | InputRequiredResult)
_PROMPT: TypeAdapter[GetPromptResult | InputRequiredResult] = TypeAdapter(GetPromptResult | InputRequiredResult)


class Connection:
    """What can be asked of a server that runs.

    Attributes:
        alive: whether answers can still come.
        news: set when the connection has ended or a list of the server has changed.
    """

    def __init__(self, spec: ServerSpec, timing: Timing) -> None:
        self.alive = True
        self.news = asyncio.Event()
        self._spec = spec
        self._timing = timing
        self._trace = WebTrace()
        self._process: ServerProcess | None = None
        self._client: Client | None = None

    @asynccontextmanager
    async def open(self, log: ServerLog, mode: str) -> AsyncGenerator[None, None]:
        """Start the server, or connect to it, and agree on a version of the protocol; leaving ends it.

        Args:
            log: takes what the server prints.
            mode: of the SDK: "auto" asks in the newest way first, "legacy" at once in the older one.
        """
        try:
            transport = await self._transport(log)
            async with self._make_client(transport, mode) as self._client, self._following():
                yield
        finally:
            self._on_end()
            if self._process is not None and self._process.running:
                await self._process.end(self._timing.end)

    async def list_all(self) -> McpListing:
        """Everything that the server says it has."""
        return await list_all(self._session(), self._spec.name)

    async def ping(self) -> None:
        """Return when the server has answered that it is there."""
        client = self._session()
        if client.protocol_version in MODERN_PROTOCOL_VERSIONS:
            await client.session.send_discover(LATEST_MODERN_VERSION)
        else:
            await client.session.send_ping()

    async def call(self, tool: str, arguments: dict[str, Any], on_progress: OnToolProgress) -> ToolOutput:
        """Call a tool; whatever goes wrong is an answer. Cancelling tells the server to stop."""

        async def progress(done: float, total: float | None, message: str | None) -> None:
            fraction = min(1.0, max(0.0, done / total)) if total else None
            on_progress(showable((message or "")[:_LONGEST_PROGRESS]), fraction)

        # Not the SDK's own call_tool: it checks answers against a schema of the server's making, in our event loop.
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        try:
            return output_of(await self._ask(request, _CALL, CallToolResult, progress))
        except McpServerError as error:
            return ToolOutput(error.message, is_error=True)

    async def read_resource(self, uri: str) -> ToolOutput:
        """Read a resource; whatever goes wrong is an answer."""
        request = ReadResourceRequest(params=ReadResourceRequestParams(uri=uri))
        try:
            return resource_output(await self._ask(request, _READ, ReadResourceResult))
        except McpServerError as error:
            return ToolOutput(error.message, is_error=True)

    async def get_prompt(self, prompt: str, arguments: dict[str, str]) -> str:
        """The text of a prompt.

        Raises:
            McpServerError: the server does not give it.
        """
        request = GetPromptRequest(params=GetPromptRequestParams(name=prompt, arguments=arguments))
        return prompt_text(await self._ask(request, _PROMPT, GetPromptResult))

    def explain(self, error: Exception | None) -> McpFault:
        """Why the connection could not be made or broke; None where the server just ended it."""
        fault = explain(error, self._spec, self._timing.start, self._trace.status) if error else None
        if self._process is not None and self._process.ended_by_itself and not (fault and fault.final):
            return McpFault(f"It ended with {self._process.told_end}.", "Its log may say why.")
        return fault or McpFault("It closed the connection.", "Its log may say why.")

    async def _ask(
        self, request: Request[Any, Any], adapter: TypeAdapter[Any], wanted: type[_A], progress: Any = None
    ) -> _A:
        """The answer to a request.

        Raises:
            McpServerError: there is none that can be used.
        """
        try:
            result = await self._session().session.send_request(request, adapter, progress_callback=progress)
        except MCPError as error:
            if isinstance(self._spec.launch, Address) and error.message == _SESSION_GONE:
                self._on_end()
            raise self._error(refusal(error, self._trace.status)) from error
        except ValidationError as error:
            raise self._error("Its answer is not as the protocol wants it.") from error
        if not isinstance(result, wanted):
            raise self._error("It asks for more than the call's arguments, which it does not get.")
        return result

    def _error(self, message: str) -> McpServerError:
        return McpServerError(
            "The MCP server has failed", f"The MCP server {self._spec.name} gave no answer. {message}"
        )

    async def _transport(self, log: ServerLog) -> AbstractAsyncContextManager[TransportStreams]:
        launch = self._spec.launch
        if isinstance(launch, Program):
            self._process = await ServerProcess.start(launch)
            return pipe_transport(self._process, log, self._timing)
        if launch is None:
            raise self._error(self._spec.problem)
        return web_transport(launch, self._trace, self._timing)

    def _session(self) -> Client:
        if self._client is None:
            raise self._error("It is not connected.")
        return self._client

    def _make_client(self, transport: AbstractAsyncContextManager[TransportStreams], mode: str) -> Client:
        # Without callbacks for them, elicitation, sampling and roots are not offered, and are refused when asked for.
        return Client(
            self._metered(transport),
            mode=mode,
            cache=None,
            message_handler=self._on_message,
            client_info=Implementation(name="Tether", version=__version__),
        )

    @asynccontextmanager
    async def _metered(
        self, transport: AbstractAsyncContextManager[TransportStreams]
    ) -> AsyncGenerator[TransportStreams, None]:
        async with transport as (incoming, outgoing):
            yield MeteredStream(incoming, Meter(self._timing), self._on_end), outgoing

    @asynccontextmanager
    async def _following(self) -> AsyncGenerator[None, None]:
        following = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def _follow(self) -> None:
        """Ask for news of changed lists, as newer servers want it; what is lost is asked for anew."""
        client = self._session()
        able = client.server_capabilities
        tools, prompts, resources = (
            bool(offered and offered.list_changed) for offered in (able.tools, able.prompts, able.resources)
        )
        if client.protocol_version not in MODERN_PROTOCOL_VERSIONS or not (tools or prompts or resources):
            return
        while self.alive:
            try:
                async with client.listen(
                    tools_list_changed=tools, prompts_list_changed=prompts, resources_list_changed=resources
                ) as changes:
                    async for _ in changes:
                        self.news.set()
            except SubscriptionLost:
                self.news.set()
            except (MCPError, TimeoutError):
                return
            await self._timing.sleep(self._timing.relist)

    async def _on_message(self, message: IncomingMessage) -> None:
        if isinstance(message, _LISTS):
            self.news.set()

    def _on_end(self) -> None:
        self.alive = False
        self.news.set()
