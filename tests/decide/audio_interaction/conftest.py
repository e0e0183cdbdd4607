"""A tiny checkpoint for all tests of the engine, which are left out where torch is not installed (listener[gpu])."""

from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("torch") is None or find_spec("transformers") is None:
    collect_ignore_glob = ["test_*.py"]
else:
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
