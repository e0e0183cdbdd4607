"""What is in the sound, on the CPU, for any engine."""
