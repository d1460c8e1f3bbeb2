"""Benchmarks: each prints a table, or JSON; none asserts anything about time."""
