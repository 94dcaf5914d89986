"""Files in and out: uploads that are announced, received and checked, and signed links to what is stored."""

from resolvers.files.content import KINDS, Incoming, Kind, TooLarge
from resolvers.files.links import FILES, UPLOADS, DownloadLink, Links, UploadLink
from resolvers.files.uploads import announce, folder, purge, receive, stored, take

__all__ = [
    "FILES",
    "KINDS",
    "UPLOADS",
    "DownloadLink",
    "Incoming",
    "Kind",
    "Links",
    "TooLarge",
    "UploadLink",
    "announce",
    "folder",
    "purge",
    "receive",
    "stored",
    "take",
]
