"""A process in place of one that hears: it starts well, and answers the first request with something else."""

import pickle
import sys

from listener.perceive.process.wire import REPLIES, replies

if __name__ == "__main__":
    pickle.load(sys.stdin.buffer)
    sys.stdout.buffer.write(replies([(0, None)]))
    sys.stdout.buffer.flush()
    sys.stdin.buffer.read(1)
    sys.stdout.buffer.write(REPLIES.pack(8) + b"nonsense")
    sys.stdout.buffer.flush()
    sys.stdin.buffer.read()
