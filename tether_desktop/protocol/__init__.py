"""Protocol: runs turns and offers sessions to every client."""
