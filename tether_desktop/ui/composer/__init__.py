"""The composer: where a person writes, and what goes with the question."""
