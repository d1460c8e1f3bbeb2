"""What every engine promises, tested alike for all of them."""
