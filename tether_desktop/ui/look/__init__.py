"""The look: style tokens, theme, fonts, icons, and the small widgets that everything is made of."""
