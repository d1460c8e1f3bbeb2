"""What OpenAI's clients expect of a server: models, chat completions, completions."""
