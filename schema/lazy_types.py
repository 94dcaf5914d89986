"""Types declared in other domains. The only place where a cycle is admitted."""

from typing import TYPE_CHECKING, Annotated, TypeAlias

from strawberry import lazy

if TYPE_CHECKING:
    from schema.chat.run_logs import AgentLog
    from schema.chat.types import Conversation
    from schema.drawings.types import AnalysisResult, Comparison, Drawing, DrawingSession, DrawingVersion
    from schema.identity.types import Company, User
    from schema.imagery.datasets import Dataset, DatasetImage, DatasetVersion
    from schema.imagery.types import CrawlJob, Image
    from schema.insights.profile import CompanyProfile
    from schema.jobs import ProcessingJob
    from schema.knowledge.types import Document
    from schema.projects import Project

AgentLogRef: TypeAlias = Annotated["AgentLog", lazy("schema.chat.run_logs")]
AnalysisResultRef: TypeAlias = Annotated["AnalysisResult", lazy("schema.drawings.types")]
CompanyProfileRef: TypeAlias = Annotated["CompanyProfile", lazy("schema.insights.profile")]
CompanyRef: TypeAlias = Annotated["Company", lazy("schema.identity.types")]
ComparisonRef: TypeAlias = Annotated["Comparison", lazy("schema.drawings.types")]
ConversationRef: TypeAlias = Annotated["Conversation", lazy("schema.chat.types")]
CrawlJobRef: TypeAlias = Annotated["CrawlJob", lazy("schema.imagery.types")]
DatasetImageRef: TypeAlias = Annotated["DatasetImage", lazy("schema.imagery.datasets")]
DatasetRef: TypeAlias = Annotated["Dataset", lazy("schema.imagery.datasets")]
DatasetVersionRef: TypeAlias = Annotated["DatasetVersion", lazy("schema.imagery.datasets")]
DocumentRef: TypeAlias = Annotated["Document", lazy("schema.knowledge.types")]
DrawingRef: TypeAlias = Annotated["Drawing", lazy("schema.drawings.types")]
DrawingSessionRef: TypeAlias = Annotated["DrawingSession", lazy("schema.drawings.types")]
DrawingVersionRef: TypeAlias = Annotated["DrawingVersion", lazy("schema.drawings.types")]
ImageRef: TypeAlias = Annotated["Image", lazy("schema.imagery.types")]
ProcessingJobRef: TypeAlias = Annotated["ProcessingJob", lazy("schema.jobs")]
ProjectRef: TypeAlias = Annotated["Project", lazy("schema.projects")]
UserRef: TypeAlias = Annotated["User", lazy("schema.identity.types")]
