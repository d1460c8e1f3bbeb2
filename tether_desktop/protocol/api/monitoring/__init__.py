"""What is measured, whether questions can be answered, and the log of requests."""
