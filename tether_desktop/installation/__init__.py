"""The program as it was installed: its place in the desktop's menu, and how it and its data are removed."""
