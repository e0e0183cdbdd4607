"""The part of `listener check` that concerns the Wyoming server: can it listen there, and be announced?"""

import asyncio
from collections.abc import AsyncIterator
from errno import EADDRINUSE
from importlib.util import find_spec

from listener.cli.check_speech import Told
from listener.config import Config
from listener.origin import extra_command


async def assist(config: Config) -> AsyncIterator[Told]:
    """Listen where the daemon would, for a moment. Nothing, where no server is configured."""
    server = config.wyoming_server
    if server is None:
        return
    where = f"wyoming_server: tcp://{server.host}:{server.port}"
    try:
        listening = await asyncio.start_server(_hang_up, server.host, server.port)
    except OSError as error:
        if error.errno == EADDRINUSE:
            yield (
                "warning",
                f"{where}: something listens there already: this daemon, if it runs; if not, set another port",
            )
        else:
            words = error.strerror or str(error)
            yield "error", f"{where}: {words}; correct wyoming_server.host, an address of this machine, and .port"
    else:
        listening.close()
        await listening.wait_closed()
        yield "ok", f"{where}: can be started"
    if server.announce and find_spec("zeroconf") is None:
        yield "error", f"wyoming_server.announce needs zeroconf: {extra_command('zeroconf')}"
    if server.text_to_speech and config.voice.engine == "none":
        yield "ok", "wyoming_server: no text to speech: voice.engine is none"


def _hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()
