"""Where a room's sound comes from: `Microphone`, `Recording`, `Pipe`, `Stream` and `Satellite`, each a `Source`."""
