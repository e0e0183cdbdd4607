"""What becomes of a decision to respond."""
