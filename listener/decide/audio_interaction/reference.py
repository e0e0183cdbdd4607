"""How the published server hears: the whole history again at every chunk. Only to compare with; see `bench.engine`."""

import torch

from listener.decide.audio_interaction import compat
from listener.decide.audio_interaction.features import MEL_FRAMES_PER_CHUNK, MelBank
from listener.decide.audio_interaction.load import LoadedModel
from listener.decide.audio_interaction.tokens import FRAMES_PER_CHUNK
from listener.types import CHUNK_SAMPLES, Samples


class WholeHistory:
    """Keeps all samples, and encodes all of them to hear the newest 0.4 s."""

    def __init__(self, loaded: LoadedModel) -> None:
        self._encoder = loaded.encoder
        self._bank = MelBank(loaded.device)
        self.samples = torch.zeros(0, device=loaded.device)

    def remember(self, chunk: Samples) -> None:
        """Hear a chunk whose features nobody asks for."""
        self.samples = torch.cat([self.samples, torch.from_numpy(chunk).to(self.samples.device)])

    def encode(self, chunk: Samples) -> torch.Tensor:
        """Frames `[10, width]` of the newest chunk `[6400]`."""
        self.remember(chunk)
        count = self.samples.shape[0] // CHUNK_SAMPLES
        lengths = torch.full((count,), MEL_FRAMES_PER_CHUNK, device=self.samples.device)
        with torch.inference_mode():
            return compat.encode(self._encoder, self._bank.whole(self.samples), lengths)[-FRAMES_PER_CHUNK:]
