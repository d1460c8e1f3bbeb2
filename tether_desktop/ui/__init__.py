"""The window: PySide6 widgets over view models; nothing else imports Qt."""
