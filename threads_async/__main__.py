"""Run the command ``threads-async`` as ``python -m threads_async``."""

import sys

from threads_async.cli import main

if __name__ == "__main__":
    sys.exit(main())
