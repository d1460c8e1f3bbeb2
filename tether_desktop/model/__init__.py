"""Model: finds, compiles, loads and runs language models."""
