"""Child processes: how they are started, what they may see, and the engine that lives in one."""
