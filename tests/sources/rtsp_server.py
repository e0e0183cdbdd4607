"""A camera's sound over RTSP, by GStreamer's server: `/usr/bin/python3 rtsp_server.py`; prints its port.

A process of its own, so that it can be frozen, and because Debian's Python has the bindings. `/pcma` is what cameras
send (G.711, 8 kHz), `/l16` uncompressed at 16 kHz, both 440 Hz.
"""

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

SINE = "audiotestsrc is-live=true wave=sine freq=440 volume=0.5 samplesperbuffer={} ! audio/x-raw,rate={},channels=1"
STREAMS = {
    "/pcma": f"( {SINE.format(160, 8_000)} ! alawenc ! rtppcmapay name=pay0 pt=8 )",
    "/l16": f"( {SINE.format(320, 16_000)} ! audioconvert ! rtpL16pay name=pay0 pt=96 )",
}


def main() -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer(address="127.0.0.1", service=sys.argv[1] if len(sys.argv) > 1 else "0")
    for path, pipeline in STREAMS.items():
        factory = GstRtspServer.RTSPMediaFactory(shared=False, launch=pipeline)
        server.get_mount_points().add_factory(path, factory)
    server.attach(None)
    sys.stdout.write(f"{server.get_bound_port()}\n")
    sys.stdout.flush()
    GLib.MainLoop().run()


if __name__ == "__main__":
    main()
