"""The double under the name of what it stands in for; see ``tests/helpers/mlc_double``."""

from tests.helpers.mlc_double.engine import AsyncMLCEngine

__all__ = ["AsyncMLCEngine"]
