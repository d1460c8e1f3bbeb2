"""What a request has to pass before any route sees it, and what every answer carries."""
