"""Whisper is an extra: what it does with a model, and what is said when it, or its model, is not there."""

import json
from pathlib import Path

import numpy as np
import pytest

from listener.config import HomeConfig, SpeechConfig, WhisperConfig
from listener.errors import ModelError
from listener.perceive.speech.models import SpeechModels, plan_speech

TINY = {"d_model": 16, "encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2}
TINY |= {"decoder_attention_heads": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32, "num_mel_bins": 80}
SPECIAL = ["<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>", "<|startoflm|>"]
SPECIAL += ["<|startofprev|>", "<|nospeech|>", "<|notimestamps|>"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Whisper of 16 dimensions with random weights and bytes for words, as CTranslate2 keeps one."""
    for name in ("faster_whisper", "torch", "transformers", "tokenizers"):
        pytest.importorskip(name, reason=f"{name} is not installed: pip install '.[whisper,gpu]'")
    folder = tmp_path_factory.mktemp("whisper")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        _random_whisper(folder / "theirs")
        return _converted(folder / "theirs", folder / "ours")


def _random_whisper(folder: Path) -> None:
    import tokenizers
    import torch
    import transformers

    vocabulary = {
        token: index for index, token in enumerate([*sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet()), *SPECIAL])
    }
    vocabulary |= {f"<|{i * 0.02:.2f}|>": len(vocabulary) + i for i in range(1501)}
    torch.manual_seed(7)
    config = transformers.WhisperConfig(
        **TINY,
        vocab_size=len(vocabulary),
        decoder_start_token_id=vocabulary["<|startoftranscript|>"],
        eos_token_id=vocabulary["<|endoftext|>"],
        pad_token_id=vocabulary["<|endoftext|>"],
        bos_token_id=vocabulary["<|endoftext|>"],
        suppress_tokens=[],
        begin_suppress_tokens=[],
    )
    whisper = transformers.WhisperForConditionalGeneration(config)
    with torch.no_grad():
        whisper.model.decoder.embed_tokens.weight.mul_(30.0)  # so that it is surer of some words than of others
    whisper.generation_config.alignment_heads = [[0, 0]]
    whisper.save_pretrained(folder)
    tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = tokenizers.decoders.ByteLevel()
    tokenizer.add_special_tokens([token for token in vocabulary if token.startswith("<|")])
    tokenizer.save(str(folder / "tokenizer.json"))
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|endoftext|>", bos_token="<|endoftext|>", unk_token="<|endoftext|>"
    ).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"feature_size": 80}), encoding="utf-8")


def _converted(theirs: Path, ours: Path) -> Path:
    from ctranslate2.converters import TransformersConverter

    TransformersConverter(str(theirs), copy_files=["tokenizer.json"]).convert(str(ours))
    return ours


def test_whisper_hears_an_utterance_in_pieces(model: Path) -> None:
    """What random weights hear is no word; that there is text, the same whatever the pieces, is the point."""
    config = SpeechConfig(recognizer="whisper", whisper=WhisperConfig(model=str(model), compute_type="float32"))
    models = SpeechModels(plan_speech(config, HomeConfig(), ["en"], wake_word=False))
    recognizer = models.recognizer("en")
    assert recognizer is not None
    samples = np.random.default_rng(3).normal(0, 0.1, 32_000).astype(np.float32)
    heard = []
    for step in (6_400, 32_000):
        hearing = recognizer.open()
        assert hearing is not None
        for start in range(0, len(samples), step):
            hearing.feed(samples[start : start + step])
            assert hearing.partial() == ""
        heard.append(hearing.finish())
    assert heard[0] == heard[1]
    assert heard[0].text
    assert 0.0 < heard[0].confidence <= 1.0


def test_a_model_that_is_none_is_named(tmp_path: Path) -> None:
    pytest.importorskip("faster_whisper", reason="the extra `whisper` is not installed")
    (tmp_path / "model.bin").write_bytes(b"nothing")
    config = SpeechConfig(recognizer="whisper", whisper=WhisperConfig(model=str(tmp_path)))
    plan = plan_speech(config, HomeConfig(), ["en"], wake_word=False)
    with pytest.raises(ModelError, match="cannot be loaded") as caught:
        SpeechModels(plan)
    assert str(tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_none_recognizes_nothing() -> None:
    models = SpeechModels(plan_speech(SpeechConfig(recognizer="none"), HomeConfig(), ["en", "de"], wake_word=False))
    assert models.recognizer("en") is None
