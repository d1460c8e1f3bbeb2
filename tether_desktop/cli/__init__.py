"""The `tether` command: one module per group of commands."""
