"""See ``tests/helpers/mlc_double``."""
