"""What is kept: messages for the broker, settings, timers."""
