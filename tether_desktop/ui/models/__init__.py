"""Models in the window: choosing, adding, preparing and trusting them."""
