"""The composition root: builds what the configuration asks for, and knows in which order it starts and stops."""

from listener.app.build import build_source
from listener.app.daemon import App
from listener.app.ears import NO_TAGGER, OWN_TAGGER, Ears, find_tagger_model, hears_itself, open_ears
from listener.app.recordings import Recordings, open_recordings

__all__ = [
    "NO_TAGGER",
    "OWN_TAGGER",
    "App",
    "Ears",
    "Recordings",
    "build_source",
    "find_tagger_model",
    "hears_itself",
    "open_ears",
    "open_recordings",
]
