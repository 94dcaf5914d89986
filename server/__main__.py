"""`python -m server` is `seshat`."""

import sys

from server.cli import main

sys.exit(main())
