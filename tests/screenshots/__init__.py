"""Pictures of every page of the window, light and dark, at 100 % and 150 %."""
