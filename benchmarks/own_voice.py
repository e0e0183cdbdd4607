"""Our own voice in our own microphone, at -10 dB, for ten minutes: no command, no reply to ourselves.

    python benchmarks/own_voice.py [--minutes 10] [--addressing open,wake_word] [--report]

Replies that a house might give, commands among them, by espeak-ng through the daemon's own voice; they come back 0.12 s
later, 10 dB fainter, in a room that echoes for 0.4 s. In one of six somebody (flite) says "stop", or the wake word and
a question. Needs the extra `voice`, and flite. Writes docs/reports/own-voice.md with --report. Exits 1 when a bound is
missed.
"""

import argparse
import asyncio
import sys
from pathlib import Path

from rich.progress import Progress

from listener.bench.own_voice import ECHO_DB, Outcome, Scene, measure

REPORT = Path(__file__).resolve().parents[1] / "docs" / "reports" / "own-voice.md"
LEAST_THROUGH = 0.9
"""Of what somebody says into our words: two voices at once are not always understood."""


def run(addressing: str, minutes: float, echo_db: float) -> Outcome:
    scene = Scene(addressing, 60.0 * minutes, echo_db=echo_db)  # type: ignore[arg-type]
    with Progress(transient=True) as progress:
        task = progress.add_task(addressing, total=scene.seconds)
        return asyncio.run(measure(scene, lambda seconds: progress.update(task, completed=seconds)))


def lines(outcome: Outcome) -> list[str]:
    scene = outcome.scene
    return [
        f"## `addressing: {scene.addressing}`",
        "",
        "| what | count |",
        "| --- | ---: |",
        f"| heard | {outcome.heard_seconds:.0f} s |",
        f"| of these, our own voice at {scene.echo_db:g} dB | {outcome.own_seconds:.0f} s, {outcome.replies} replies |",
        f"| transcripts of our own words | {len(outcome.transcripts)} |",
        f"| commands by our own words (0 asked for) | {len(outcome.commands)} |",
        f"| replies to our own words (0 asked for) | {len(outcome.answers)} |",
        f"| replies of ours that our own words ended (0 asked for) | {outcome.interrupted} |",
        f"| somebody spoke into our words, and was understood | {outcome.got_through} of {outcome.person} |",
        f"| sounds that were reported | {'; '.join(outcome.sounds) or 'none'} |",
        "",
        *(f"- {line}" for line in (*outcome.commands, *outcome.answers, *outcome.transcripts)),
        *(f"- not understood: {line}" for line in outcome.missed),
        "",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--addressing", default="open,wake_word")
    parser.add_argument("--echo-db", type=float, default=ECHO_DB)
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    outcomes = [run(addressing, options.minutes, options.echo_db) for addressing in options.addressing.split(",")]
    text = "\n".join(line for outcome in outcomes for line in lines(outcome))
    print(text)
    if options.report:
        command = f"python benchmarks/own_voice.py --minutes {options.minutes:g}"
        REPORT.write_text(f"# Our own voice in our own microphone\n\nBy `{command}`.\n\n{text}", encoding="utf-8")
    good = all(o.clean and o.got_through >= LEAST_THROUGH * o.person for o in outcomes)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
