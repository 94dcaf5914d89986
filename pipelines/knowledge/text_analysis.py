"""What a document's text is searched and described by."""

from collections.abc import Sequence

from pipelines.knowledge.chunking import Chunk, split_pages
from pipelines.knowledge.extraction import Page
from pipelines.knowledge.metadata import Metadata, extract_metadata


def chunk_and_describe(pages: Sequence[Page], tokens: int, overlap: int) -> tuple[list[Chunk], Metadata]:
    """The chunks and the metadata of pages; runs in a child process."""
    return split_pages(pages, tokens=tokens, overlap=overlap), extract_metadata(pages)
