import json
from pathlib import Path

import pytest

from listener.bench.proactive import Heard, run
from listener.errors import ConfigError, SourceError
from listener.types import Decision, ResponseEnded

ITEMS = [
    {"id": "a", "path": "alarms/1.wav", "decision": "RESPOND"},
    {"id": "b", "path": "alarms/2.wav", "decision": "RESPOND"},
    {"id": "c", "path": "rain/1.wav", "decision": "IGNORE"},
]


async def hear(path: Path, heard: Heard) -> None:
    """Answers the first recording of each folder."""
    if path.name == "broken.wav":
        raise SourceError("broken.wav: no sound in it")
    responds = path.name == "1.wav"
    heard.publish(
        Decision(room="r", t=0.4, decision="respond" if responds else "silent", probability=0.5, engine="fake")
    )
    if responds:
        heard.publish(ResponseEnded(room="r", t=0.8, id="i", text="<Reply>Fire!</Reply>", reason="complete"))
    heard.publish(Decision(room="r", t=0.8, decision="silent", probability=0.1, engine="fake"))


@pytest.mark.parametrize("form", ["lines", "list"])
async def test_predictions_are_written_as_the_evaluator_reads_them(tmp_path: Path, form: str) -> None:
    manifest, out = tmp_path / "manifest.json", tmp_path / "out.jsonl"
    manifest.write_text("\n".join(map(json.dumps, ITEMS)) if form == "lines" else json.dumps(ITEMS))
    summary = await run(manifest, tmp_path, out, hear)
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert [line["id"] for line in lines] == ["a", "b", "c"]
    assert lines[0]["_raw_reply"] == "<Decision>RESPOND</Decision><Reply>Fire!</Reply>"
    assert lines[1]["_raw_reply"] == "<Decision>IGNORE</Decision><Reply></Reply>"
    assert summary["accuracy"] == pytest.approx(1 / 3)
    assert summary["folders"] == {
        "alarms": {"items": 2, "accuracy": 0.5},
        "rain": {"items": 1, "accuracy": 0.0},
    }


async def test_a_recording_that_cannot_be_heard_is_wrong_and_the_others_go_on(tmp_path: Path) -> None:
    manifest, out = tmp_path / "manifest.jsonl", tmp_path / "out.jsonl"
    broken = {"id": "x", "path": "rain/broken.wav", "decision": "IGNORE"}
    manifest.write_text("\n".join(map(json.dumps, [broken, *ITEMS])))
    summary = await run(manifest, tmp_path, out, hear)
    assert summary["failed"] == {"x": "broken.wav: no sound in it"}
    assert summary["items"] == 4
    first = json.loads(out.read_text().splitlines()[0])
    assert (first["_raw_reply"], first["error"]) == ("", "broken.wav: no sound in it")


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("", "holds no items"),
        ("{", "item 1: no valid JSON"),
        ("[1,", "no valid JSON"),
        ('{"id": 1}', "item 1: must have id, path and decision"),
        ('{"id": 1, "path": "a.wav", "decision": "MAYBE"}', "neither RESPOND nor IGNORE"),
        ('{"id": 1, "path": "../a.wav", "decision": "IGNORE"}', "leads out of"),
        ('{"id": 1, "path": "a", "decision": "IGNORE"}\n{"id": 1, "path": "b", "decision": "IGNORE"}', "occur twice"),
    ],
)
async def test_a_manifest_that_is_none_is_refused(tmp_path: Path, content: str, named: str) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(content)
    with pytest.raises(ConfigError, match=named):
        await run(manifest, tmp_path, tmp_path / "out.jsonl", hear)


async def test_an_output_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text(json.dumps(ITEMS[0]))
    with pytest.raises(ConfigError, match="cannot be written"):
        await run(manifest, tmp_path, tmp_path / "nowhere" / "out.jsonl", hear)
