"""Prefixes that embedding models expect before questions and passages."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["query", "passage"]


@dataclass(frozen=True)
class Prefixes:
    """What precedes questions and passages."""

    query: str = ""
    passage: str = ""

    def of(self, kind: Kind) -> str:
        """The prefix of a text of this kind."""
        return self.query if kind == "query" else self.passage


SEARCH_INSTRUCTION = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
)
SENTENCE_INSTRUCTION = "Represent this sentence for searching relevant passages: "
KNOWN = (
    ("e5-mistral", Prefixes(SEARCH_INSTRUCTION)),
    ("e5-large-instruct", Prefixes(SEARCH_INSTRUCTION)),
    ("qwen3-embedding", Prefixes(SEARCH_INSTRUCTION)),
    ("e5-", Prefixes("query: ", "passage: ")),
    ("arctic-embed-l-v2", Prefixes("query: ")),
    ("arctic-embed-m-v2", Prefixes("query: ")),
    ("arctic-embed2", Prefixes("query: ")),
    ("arctic-embed", Prefixes(SENTENCE_INSTRUCTION)),
    ("mxbai-embed", Prefixes(SENTENCE_INSTRUCTION)),
    ("bge-small-en", Prefixes(SENTENCE_INSTRUCTION)),
    ("bge-base-en", Prefixes(SENTENCE_INSTRUCTION)),
    ("bge-large-en", Prefixes(SENTENCE_INSTRUCTION)),
    ("nomic-embed-text", Prefixes("search_query: ", "search_document: ")),
    ("embeddinggemma", Prefixes("task: search result | query: ", "title: none | text: ")),
)
"""Parts of names of models, the more specific first, and the prefixes on their model cards."""


def prefixes_of(model: str) -> Prefixes:
    """The prefixes of a model; none for an unknown one, as for those of OpenAI."""
    name = model.lower().replace("_", "-")
    return next((prefixes for part, prefixes in KNOWN if part in name), Prefixes())
