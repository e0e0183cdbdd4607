"""Our own voice is taken out of what a room's microphone hears."""
