"""Speech: is anybody speaking, is it meant for us, and what was said."""
