"""Files: uploads, signed links, and detection of file types."""

from core.file_types import FILE_TYPES, FileTooLarge, FileType, UploadStream
from resolvers.files.links import (
    BUNDLES_PATH,
    FILES_PATH,
    TILES_PATH,
    UPLOADS_PATH,
    BundleLink,
    DownloadLink,
    LinkSigner,
    TilesLink,
    UploadLink,
)
from resolvers.files.uploads import (
    StorageExhausted,
    complete_direct,
    create,
    direct_key,
    find_stored,
    folder,
    lost_files,
    purge,
    purge_partial_writes,
    receive,
    store_file,
)

__all__ = [
    "BUNDLES_PATH",
    "FILES_PATH",
    "FILE_TYPES",
    "TILES_PATH",
    "UPLOADS_PATH",
    "BundleLink",
    "DownloadLink",
    "FileTooLarge",
    "FileType",
    "LinkSigner",
    "StorageExhausted",
    "TilesLink",
    "UploadLink",
    "UploadStream",
    "complete_direct",
    "create",
    "direct_key",
    "find_stored",
    "folder",
    "lost_files",
    "purge",
    "purge_partial_writes",
    "receive",
    "store_file",
]
