"""Make ``python -m threads_async`` the same as the command ``threads-async``."""

import sys

from threads_async.cli import main

if __name__ == "__main__":
    sys.exit(main())
