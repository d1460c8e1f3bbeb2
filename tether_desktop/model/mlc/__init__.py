"""MLC-LLM's own engine, where it is installed."""
