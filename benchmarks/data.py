"""Where the files that measurements read lie beside the project."""

import os
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared" / "data"


def shared_folder(variable: str, folder: str) -> Path:
    """The folder that an environment variable names, else this one of `../shared/data`."""
    return Path(os.environ.get(variable) or SHARED / folder)
