"""The sentences that are commands: Home Assistant's templates, our own, and the names of the home. A leaf."""
