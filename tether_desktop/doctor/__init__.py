"""What works on this machine, what does not, and the remedy."""

from __future__ import annotations

from collections.abc import Iterator

from tether_desktop.doctor.data import look_at_data_folder, look_at_database, look_at_disks, look_at_log
from tether_desktop.doctor.finding import Finding
from tether_desktop.doctor.models import look_at_models
from tether_desktop.doctor.port import look_at_port, look_at_tokens
from tether_desktop.doctor.program import look_at_program
from tether_desktop.errors import SettingsError
from tether_desktop.settings import load_settings

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """Look at everything, one finding after the other."""
    yield from look_at_program()
    yield look_at_data_folder()
    yield look_at_log()
    yield look_at_tokens()
    try:
        settings = load_settings()
    except SettingsError as error:
        yield Finding("settings", "fail", error.message, error.hint)
    else:
        yield look_at_database(settings)
        yield look_at_port(settings)
        yield from look_at_disks(settings)
        yield from look_at_models(settings)
