"""Source weights to packed shards and a compiled library; runs in a child process."""
