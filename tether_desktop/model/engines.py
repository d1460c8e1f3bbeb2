"""Which engine runs a model, by its kind."""

from __future__ import annotations

from tether_desktop.model.engine import Engine, EngineSpec
from tether_desktop.model.hosting.host import HostedEngine


def make_engine(spec: EngineSpec) -> Engine:
    """An engine that is not loaded yet: in a process of its own, or a client where the model is on a server."""
    if spec.kind == "remote":
        from tether_desktop.model.remote import RemoteEngine

        return RemoteEngine(spec)
    return HostedEngine(spec)
