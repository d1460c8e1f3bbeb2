"""How much and how long a client may take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """All of it; the defaults are for people's own programs, and tests take less.

    Attributes:
        connections: at once.
        head_bytes: of a request's line and headers.
        head_seconds: from the connection, or the last answer, to the end of the next request's headers.
        url_bytes: of a request's path and query.
        body_bytes: of a body.
        body_seconds: from a request's headers to the end of its body.
        import_bytes: of a file with conversations.
        import_seconds: the same for it.
        idle_seconds: between two pieces of a body.
        failures_per_minute: with no token or a wrong one, from one address, before it has to wait.
        linger_seconds: for how long a body that nobody wants is thrown away, so that its sender reads the answer.
        grace_seconds: for requests to end by themselves when the port is closed.
        farewell_seconds: for those that do not to be told, and again for their readers to read it.
    """

    connections: int = 512
    head_bytes: int = 64 << 10
    head_seconds: float = 75.0
    url_bytes: int = 8 << 10
    body_bytes: int = 16 << 20
    body_seconds: float = 120.0
    import_bytes: int = 1 << 30
    import_seconds: float = 3600.0
    idle_seconds: float = 30.0
    failures_per_minute: int = 30
    linger_seconds: float = 2.0
    grace_seconds: float = 2.0
    farewell_seconds: float = 1.0
