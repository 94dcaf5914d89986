"""Files in and out: uploads that are announced, received and checked, and signed links to what is stored."""

from resolvers.files.content import KINDS, Incoming, Kind, TooLarge
from resolvers.files.links import BUNDLES, FILES, UPLOADS, BundleLink, DownloadLink, Links, UploadLink
from resolvers.files.uploads import accept, announce, direct_key, folder, purge, receive, stored, take

__all__ = [
    "BUNDLES",
    "FILES",
    "KINDS",
    "UPLOADS",
    "BundleLink",
    "DownloadLink",
    "Incoming",
    "Kind",
    "Links",
    "TooLarge",
    "UploadLink",
    "accept",
    "announce",
    "direct_key",
    "folder",
    "purge",
    "receive",
    "stored",
    "take",
]
