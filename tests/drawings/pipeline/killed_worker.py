"""`seshat` whose worker kills itself when it begins the fourth page of a set."""

import os
import signal
import sys
from typing import Any

from pipelines.drawings import handlers, page_drawing
from server.cli import main

PAGES = 3


def kill_after_pages() -> None:
    """Replaces the drawing of pages."""
    draw_page, begun = page_drawing.draw_page, 0

    async def draw_or_die(*arguments: Any, **options: Any) -> Any:
        nonlocal begun
        begun += 1
        if begun > PAGES:
            os.kill(os.getpid(), signal.SIGKILL)
        return await draw_page(*arguments, **options)

    setattr(handlers, "draw_page", draw_or_die)  # noqa: B010 - imported there


if __name__ == "__main__":
    kill_after_pages()
    sys.exit(main(sys.argv[1:]))
