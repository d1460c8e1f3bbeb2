"""The window among other programs: one instance, the tray, notifications, the quick window, the first tour."""
