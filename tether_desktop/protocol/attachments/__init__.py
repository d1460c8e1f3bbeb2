"""Files that go with a question: how they are read, and how a model reads them."""
