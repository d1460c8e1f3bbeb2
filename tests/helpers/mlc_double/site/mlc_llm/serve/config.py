"""See ``tests/helpers/mlc_double``."""

from tests.helpers.mlc_double.engine import EngineConfig

__all__ = ["EngineConfig"]
