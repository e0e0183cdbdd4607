"""Silent or respond: the engines, and the threads that own their models."""
