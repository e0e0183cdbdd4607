from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the engine for a GPU is not installed (pip install 'listener[gpu]')")
pytest.importorskip("transformers", reason="the engine for a GPU is not installed (pip install 'listener[gpu]')")

import torch

from audio_interaction.tiny_checkpoint import write_checkpoint
from listener.decide.audio_interaction.load import LoadedModel, load

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Read only: tests that damage it copy it."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"))


@pytest.fixture(scope="session")
def loaded(checkpoint: Path) -> LoadedModel:
    return load(checkpoint)
