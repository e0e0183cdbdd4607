"""Sound events: taggers, alarm patterns, episodes."""
