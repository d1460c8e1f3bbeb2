"""See ``tests/helpers/mlc_double``."""

from tests.helpers.mlc_double.runtime import Module, device, load_module

__all__ = ["Module", "device", "load_module"]
