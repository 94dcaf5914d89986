"""`seshat` whose worker kills itself between the last vectors of a document and the commit of its chunks."""

import os
import signal
import sys
from typing import Any

from pipelines.knowledge import handlers, indexing
from server.cli import main


def kill_after_vectors() -> None:
    """Replaces the indexing of documents."""
    index_document = indexing.index_document

    async def index_and_die(*arguments: Any, **options: Any) -> int:
        await index_document(*arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    setattr(handlers, "index_document", index_and_die)  # noqa: B010 - imported there


if __name__ == "__main__":
    kill_after_vectors()
    sys.exit(main(sys.argv[1:]))
