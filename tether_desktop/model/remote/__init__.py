"""Models on servers elsewhere that speak the API of OpenAI."""

from tether_desktop.model.remote.engine import RemoteEngine

__all__ = ["RemoteEngine"]
