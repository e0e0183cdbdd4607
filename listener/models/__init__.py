"""Model files: which we know, where they lie, whether they are what they claim to be, and how to get them."""
