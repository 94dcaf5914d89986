"""At which of the points of some work a process is killed.

`make test-kills` kills at each of them, `make test` at some.
"""

import os

EVERY = int(os.environ.get("KILL_EVERY", "4"))
"""1 kills at each point, n at each n-th."""

AT_EACH = EVERY == 1
