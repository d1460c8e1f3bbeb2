"""The worker: the thread that runs the core, and all that crosses between it and the window."""
