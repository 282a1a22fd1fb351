"""What was measured, as pages show it: quality, attention scores, speed; and measuring anew."""
