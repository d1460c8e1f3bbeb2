"""Whether there is a newer release: found out only when a person asks, and told only when it is signed."""
