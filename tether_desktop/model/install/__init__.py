"""Adding and preparing models: from wherever they come to a packed folder with its library."""
