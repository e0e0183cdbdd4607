"""`listener privacy` says what is so."""

from pathlib import Path

from program import listener

BASE = "rooms: [{name: Kitchen, source: {type: microphone, device: USB}}, {name: Bath, source: {type: pipe}}]\n"


def privacy(folder: Path, config: str) -> str:
    path = folder / "c.yaml"
    path.write_text(config)
    done = listener(folder, "privacy", "-c", path, env={"LISTENER_STATE": str(folder / "state")})
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_by_default_no_sound_is_kept_and_nobody_is_told(tmp_path: Path) -> None:
    said = privacy(tmp_path, BASE)
    assert "Kitchen: microphone USB; at all hours, unless somebody mutes it" in said
    assert "none: no clips are configured" in said
    assert "no MQTT broker" in said
    assert not (tmp_path / "state").exists()


def test_what_is_configured_is_told(tmp_path: Path) -> None:
    clips = tmp_path / "state" / "clips"
    clips.mkdir(parents=True, mode=0o700)
    (clips / "20260101T000000.000000Z_kitchen_bang-1.flac").write_bytes(bytes(200_000))
    for name in ("settings.json", "outbox.sqlite", "outbox.sqlite-wal", "stranger.txt"):
        (tmp_path / "state" / name).write_text("x")
    more = """
privacy: {muted_hours: ["22:00-07:00"], clips: {labels: {glass_break: {}}, keep_days: 3, keep_mb: 50}}
outbox: {max_age_hours: 12, max_urgent_age_hours: 48}
mqtt: {host: broker.lan}
metrics: {}
"""
    said = privacy(tmp_path, BASE.replace("Bath,", "Bath, muted_hours: [],") + more)
    for words in (
        "Kitchen: microphone USB; closed 22:00-07:00",
        "Bath: stdin; at all hours",
        f"clips of glass_break in {clips}",
        "for 3 days, 50 MB at most",
        "there are 1 clips now, 0.2 MB",
        "settings.json, 1 bytes: what people set by hand",
        "12 h at most, urgent ones 48 h",
        "stranger.txt, 1 bytes: not a file of this release",
        "broker.lan:1883, without TLS",
        "http://127.0.0.1:9464/metrics",
    ):
        assert words in said, said
    assert "they stay until you delete them" in privacy(tmp_path, BASE)


def test_recordings_of_taught_sounds_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "taught"
    folder.mkdir(parents=True)
    (folder / "take-1.wav").touch()
    assert "there are 1 of taught sounds now" in privacy(tmp_path, BASE)
    said = privacy(tmp_path, BASE + "sounds: {keep_taught_audio: true}\n")
    assert f"recordings of taught sounds in {folder}, until the sound is forgotten" in said
