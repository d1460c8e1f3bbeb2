"""What a person is told of an error that nobody expected."""

from __future__ import annotations

from tether_desktop.errors import TetherError


def as_tether_error(error: Exception) -> TetherError:
    """The error itself when it is meant for people, else one that says it is our bug."""
    if isinstance(error, TetherError):
        return error
    return TetherError(
        "Something went wrong inside Tether",
        f"This should not have happened: {type(error).__name__}: {error}.",
        "Your conversations are safe. Try again, or start Tether again; the log has the details.",
    )
