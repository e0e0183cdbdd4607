"""Recordings of taught sounds, where they are kept: a network that is new hears them again."""

import logging
from dataclasses import replace

from listener.app.taught import Taught
from listener.errors import ListenerError
from listener.perceive.sounds.embeddings import Embedder, SenseStream
from listener.perceive.sounds.lesson import takes_in
from listener.perceive.sounds.offsets import at_offsets, chunks_of
from listener.perceive.sounds.own_tagger_model import SHA256
from listener.types import Samples
from listener.types.taught import Take, TaughtSound

logger = logging.getLogger(__name__)


def relearn(taught: Taught, network: str = SHA256) -> list[str]:
    """Have `network` hear again what another one was taught; returns what was done, for a person.

    Some 10 ms a take: not on the event loop. What cannot be read is logged and stays as it is.
    """
    done = []
    embedder = Embedder()
    for sound in taught.store.sounds:
        try:
            again = _heard_again(taught, sound, embedder, network)
        except ListenerError as error:
            logger.warning("%s: cannot be learnt again from its recordings: %s", sound.name, error)
            continue
        if again != sound and taught.store.put_heard_again(sound, again.takes):
            done.append(f"{sound.name} was learnt again, from its recordings, by this version's network")
    return done


def _heard_again(taught: Taught, sound: TaughtSound, embedder: Embedder, network: str) -> TaughtSound:
    takes = []
    for take in sound.takes:
        known = any(embedding.network == network for embedding in take.embeddings)
        takes.append(take if known or not take.audio else _again(take, taught.audio.read(take.audio), embedder))
    return replace(sound, takes=tuple(takes))


def _again(take: Take, samples: Samples, embedder: Embedder) -> Take:
    """The take as this network hears it; as it was where nothing is found in it. Recordings are all cut alike."""
    chunks, stream = chunks_of(samples), SenseStream(embedder)
    found, _, _ = takes_in([stream.sense(chunk) for chunk in chunks])
    return replace(take, embeddings=at_offsets(found[0], chunks, embedder).embeddings) if found else take
