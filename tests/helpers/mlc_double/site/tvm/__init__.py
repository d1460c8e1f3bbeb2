"""A stand-in for TVM beside the double of MLC-LLM, on the path of whoever has the double there and of nobody else."""

from . import runtime

__all__ = ["runtime"]
