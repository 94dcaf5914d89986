"""A folder of mails that are not sent: one `.eml` file each, which mail programs open."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from core.ports import Mail
from providers.mail.messages import message_of


@dataclass(frozen=True)
class OutboxFolder:
    """Writes mails to a folder that only the account of the server can read."""

    folder: Path
    sender: str

    async def send(self, mail: Mail) -> None:
        """Writes the file; sent again, it is replaced."""
        await asyncio.to_thread(self._write, mail)

    def _write(self, mail: Mail) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self.folder / f".{mail.key}.tmp"
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(bytes(message_of(mail, self.sender)))
        draft.replace(self.folder / f"{mail.key}.eml")
