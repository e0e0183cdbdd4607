"""Where a room's sound comes from: `Microphone`, `Recording` and `Pipe`, each a `Source`."""
