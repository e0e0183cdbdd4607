"""What others ask us for: figures."""
