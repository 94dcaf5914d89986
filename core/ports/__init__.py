"""What the product needs from outside, as protocols; `providers/` adapts to each."""

from core.ports.chat import (
    AnswerEnd,
    ChatEvent,
    ChatModel,
    ChatRequest,
    ModelFailure,
    Passage,
    Quotation,
    RunErrorCode,
    TextDelta,
    Turn,
)
from core.ports.drawings import (
    Analysis,
    DrawingAnalyser,
    Evidence,
)
from core.ports.embeddings import (
    Embed,
    Embedded,
    Embedder,
    Vector,
)
from core.ports.storage import (
    ObjectChanged,
    ObjectStore,
    StoredObject,
)
from core.ports.vectors import (
    Hit,
    Reach,
    VectorChunk,
    VectorStore,
    VectorStores,
    VectorsUnavailable,
)

__all__ = [
    "Analysis",
    "AnswerEnd",
    "ChatEvent",
    "ChatModel",
    "ChatRequest",
    "DrawingAnalyser",
    "Embed",
    "Embedded",
    "Embedder",
    "Evidence",
    "Hit",
    "ModelFailure",
    "ObjectChanged",
    "ObjectStore",
    "Passage",
    "Quotation",
    "Reach",
    "RunErrorCode",
    "StoredObject",
    "TextDelta",
    "Turn",
    "Vector",
    "VectorChunk",
    "VectorStore",
    "VectorStores",
    "VectorsUnavailable",
]
