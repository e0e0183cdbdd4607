"""A daemon's timers in a process of their own, to be killed: commands come in by stdin, rings go out by stdout.

`FOLDER [die]`: with `die`, the process kills itself in the middle of its first ring.
"""

import asyncio
import json
import os
import signal
import sys
import uuid
from pathlib import Path
from typing import Any

from listener.app.commands import open_attention
from listener.config import HomeConfig, parse
from listener.types import Intent, Reply, Spoken

CONFIG = parse({"rooms": [{"name": "Kitchen", "source": {"type": "pipe"}}], "speech": {"enabled": False}})


def tell(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


async def deliver(room: str, reply: Reply) -> None:
    async for text in reply.pieces:
        tell(ring=reply.id, room=room, text=text)
        if "die" in sys.argv:
            os.kill(os.getpid(), signal.SIGKILL)
    tell(said=reply.id)


async def main() -> None:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    folder = Path(sys.argv[1])
    new_id = lambda: str(uuid.uuid4())  # noqa: E731
    async with open_attention(CONFIG, HomeConfig(), folder, new_id, deliver, print) as attention:
        tell(ready=True)
        while line := await reader.readline():
            name, slots = json.loads(line)
            spoken = Spoken("", True, 1.0, 0.0, 0.0, "wake_word")
            answer = await attention.responder.hear("kitchen", Intent(name, slots, name, 1.0), spoken, 0.0)
            assert answer.reply is not None
            tell(answer="".join([piece async for piece in answer.reply.pieces]))


if __name__ == "__main__":
    asyncio.run(main())
