"""`python -m listener` is the same as `listener`."""

import sys

from listener.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
