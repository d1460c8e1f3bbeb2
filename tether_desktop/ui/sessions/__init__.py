"""The sidebar: the list of conversations, and what a person does with it."""
