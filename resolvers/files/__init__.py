"""Files in and out: uploads that are announced, received and checked, and signed links to what is stored."""

from resolvers.files.content import FILE_TYPES, UploadStream, FileType, FileTooLarge
from resolvers.files.links import BUNDLES_PATH, FILES_PATH, UPLOADS_PATH, BundleLink, DownloadLink, LinkSigner, UploadLink
from resolvers.files.uploads import complete_direct, create, direct_key, folder, purge, receive, find_stored, store_file

__all__ = [
    "BUNDLES_PATH",
    "FILES_PATH",
    "FILE_TYPES",
    "UPLOADS_PATH",
    "BundleLink",
    "DownloadLink",
    "UploadStream",
    "FileType",
    "LinkSigner",
    "FileTooLarge",
    "UploadLink",
    "complete_direct",
    "create",
    "direct_key",
    "folder",
    "purge",
    "receive",
    "find_stored",
    "store_file",
]
