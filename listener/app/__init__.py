"""The composition root: builds what the configuration asks for, and knows in which order it starts and stops."""

from listener.app.build import NO_TAGGER, Ears, build_source, find_tagger_model, listen_to, open_ears
from listener.app.daemon import App

__all__ = ["NO_TAGGER", "App", "Ears", "build_source", "find_tagger_model", "listen_to", "open_ears"]
