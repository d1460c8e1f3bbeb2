"""Fetching models from the web and from the Hugging Face hub: resumable, checked, and never out of its folder."""
