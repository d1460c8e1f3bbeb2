"""Tokenizers of every kind of source, brought into the one form that Hugging Face's ``tokenizers`` reads."""
