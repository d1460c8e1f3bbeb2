"""The local port: the session API over HTTP."""
