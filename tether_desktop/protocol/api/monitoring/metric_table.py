"""The one table of what is measured: names, kinds, labels and buckets; the documents are made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]

_REQUEST_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
_WAITING_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_LOADING_SECONDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320)
_LATENESS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5)
_TOKENS_PER_SECOND = (0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 40, 60, 80, 120, 200, 400)
_TOKENS = (16, 64, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)


@dataclass(frozen=True, slots=True)
class Metric:
    """Something that is measured.

    Attributes:
        name: as Prometheus has it, without the ``_total`` of counters.
        help: one sentence, for people.
        labels: none of them says what was said, or by whom.
        buckets: upper limits, of a histogram.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def exposed_name(self) -> str:
        """As it is written in an expression, of a histogram without ``_bucket``, ``_sum`` or ``_count``."""
        return f"{self.name}_total" if self.kind == "counter" else self.name


REQUESTS = Metric(
    "tether_http_requests",
    "counter",
    "Requests that are over; the route is a template, and 499 stands for clients that went away.",
    ("method", "route", "status"),
)
REQUEST_SECONDS = Metric(
    "tether_http_request_duration_seconds",
    "histogram",
    "From a request to the last byte of its answer; a stream lasts as long as the reply.",
    ("method", "route"),
    _REQUEST_SECONDS,
)
OPEN_REQUESTS = Metric("tether_http_requests_open", "gauge", "Requests that are being answered.")
OPEN_STREAMS = Metric("tether_http_streams_open", "gauge", "Clients that read a stream: ndjson or sse.", ("format",))
SENT_BYTES = Metric("tether_http_sent_bytes", "counter", "Bytes of answers, without their headers.")

REPLIES = Metric(
    "tether_replies",
    "counter",
    "Replies that are over, of conversations or completions, by how they ended: stop, length, tool_calls, cancelled, "
    "or an error's code.",
    ("source", "model", "ending"),
)
OPEN_REPLIES = Metric("tether_replies_open", "gauge", "Conversations that are being answered.")
FIRST_TOKEN_SECONDS = Metric(
    "tether_first_token_seconds",
    "histogram",
    "From a question to the first token of its reply, waiting and loading included.",
    ("source", "model"),
    _WAITING_SECONDS,
)
QUEUE_SECONDS = Metric(
    "tether_queue_seconds",
    "histogram",
    "How long replies waited for their engine: for others' turns, or to be loaded.",
    ("model",),
    _WAITING_SECONDS,
)
DECODE_RATE = Metric(
    "tether_decode_tokens_per_second",
    "histogram",
    "Speed of writing, from the first token of a reply to the last.",
    ("model",),
    _TOKENS_PER_SECOND,
)
PROMPT_TOKENS = Metric("tether_prompt_tokens", "counter", "Tokens of prompts, cached ones included.", ("model",))
PROMPT_LENGTH = Metric("tether_prompt_length_tokens", "histogram", "Tokens of each prompt.", ("model",), _TOKENS)
CACHED_TOKENS = Metric("tether_cached_tokens", "counter", "Tokens of prompts that were not read again.", ("model",))
GENERATED_TOKENS = Metric("tether_generated_tokens", "counter", "Tokens that models wrote.", ("model",))
TOOL_CALLS = Metric(
    "tether_tool_calls",
    "counter",
    "Calls of tools, by how they ended: answered, failed, or refused; tools that do not exist are called unknown.",
    ("tool", "outcome"),
)

MODEL_STATE = Metric(
    "tether_model_state",
    "gauge",
    "1 for the state that a model is in: unloaded, loading, ready, busy or failed; of the models used so far.",
    ("model", "state"),
)
WAITING = Metric("tether_queue_length", "gauge", "Replies that wait for a model's engine.", ("model",))
MODEL_BYTES = Metric(
    "tether_model_memory_bytes", "gauge", "Memory of a loaded model, as its engine tells it.", ("model",)
)
LOADS = Metric("tether_model_loads", "counter", "Loads, by outcome: loaded, failed, stopped.", ("model", "outcome"))
LOAD_SECONDS = Metric(
    "tether_model_load_duration_seconds",
    "histogram",
    "How long models took to load, waiting for room included.",
    ("model",),
    _LOADING_SECONDS,
)
UNLOADS = Metric(
    "tether_model_unloads",
    "counter",
    "Loaded models that were let go, by reason: room (for another one), idle, or asked.",
    ("model", "reason"),
)
ENGINE_DEATHS = Metric("tether_engine_deaths", "counter", "Engines that ended without being asked to.", ("model",))
USABLE_MODELS = Metric("tether_models_usable", "gauge", "Models that could answer.")

READY = Metric("tether_ready", "gauge", "1 when the database answers and a model can, as /readyz has it.")
STORE_UP = Metric("tether_store_up", "gauge", "1 when the database answers.")
STORE_READ_SECONDS = Metric("tether_store_read_seconds", "gauge", "How long the database took to answer just now.")
STORE_BYTES = Metric("tether_store_size_bytes", "gauge", "Size of the database.")
SESSIONS = Metric("tether_sessions", "gauge", "Conversations in the list and in the bin.", ("place",))
STORE_ERRORS = Metric("tether_store_errors", "counter", "Failures of the database since the start, by code.", ("code",))

PROCESSES = Metric(
    "tether_processes", "gauge", "Processes of the program, by kind: main, engine, tools …", ("process",)
)
PROCESS_BYTES = Metric(
    "tether_process_memory_bytes", "gauge", "Memory of these processes, mapped files included.", ("process",)
)
AVAILABLE_BYTES = Metric("tether_memory_available_bytes", "gauge", "Memory that this computer could still give.")
DISK_BYTES = Metric("tether_disk_free_bytes", "gauge", "Free space where data and models are kept.", ("of",))
LATENESS = Metric(
    "tether_event_loop_lateness_seconds",
    "histogram",
    "How late the loop that serves everybody comes to what is due.",
    (),
    _LATENESS_SECONDS,
)
STARTED = Metric("tether_start_time_seconds", "gauge", "When the program started, in seconds since 1970.")
BUILD = Metric("tether_build", "gauge", "1; the version and the Python that runs it.", ("version", "python"))

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
"""All of them, in this order."""
