"""The GraphQL documents of the clients: a mutation's field is `payload`, an event `event`."""

ERRORS = "errors { code message path }"


def mutation(field: str, input_type: str | None, selection: str, *, with_id: bool = False) -> str:
    """A mutation with an input, an ID, or both."""
    declared = [*(["$id: ID!"] if with_id else []), *([f"$input: {input_type}!"] if input_type else [])]
    passed = [*(["id: $id"] if with_id else []), *(["input: $input"] if input_type else [])]
    head = f"mutation ({', '.join(declared)})"
    return f"{head} {{ payload: {field}({', '.join(passed)}) {{ {selection} {ERRORS} }} }}"


CREATE_PROJECT = mutation("projectCreate", "ProjectCreateInput", "project { id name }")
UPDATE_PROJECT = mutation("projectUpdate", "ProjectUpdateInput", "project { id name }", with_id=True)
ARCHIVE_PROJECT = mutation("projectArchive", None, "project { id status }", with_id=True)
DELETE_PROJECT = mutation("projectDelete", None, "deletedId", with_id=True)

CREATE_DOCUMENT = mutation("documentCreate", "DocumentCreateInput", "document { id job { id } }")
UPDATE_DOCUMENT = mutation("documentUpdate", "DocumentUpdateInput", "document { id scope }", with_id=True)
REPROCESS_DOCUMENT = mutation("documentReprocess", None, "document { id job { id } }", with_id=True)
DELETE_DOCUMENT = mutation("documentDelete", None, "deletedId", with_id=True)

CREATE_CONVERSATION = mutation("conversationCreate", "ConversationCreateInput", "conversation { id title }")
SEND_MESSAGE = mutation("messageSend", "MessageSendInput", "message { id } answer { id }")
CANCEL_MESSAGE = mutation("messageCancel", None, "message { id state }", with_id=True)
SUBMIT_FEEDBACK = mutation("feedbackSubmit", "FeedbackSubmitInput", "feedback { id }")

CHECK_TEXT = mutation("textCheckCreate", "TextCheckCreateInput", "textCheck { id job { id } }")

CREATE_CRAWL = mutation("crawlJobCreate", "CrawlJobCreateInput", "crawlJob { id }")
CREATE_VALIDATION = mutation("validationJobCreate", "ValidationJobCreateInput", "validationJob { id }")
CREATE_EXPORT = mutation("exportJobCreate", "ExportJobCreateInput", "exportJob { id }")
DELETE_CRAWL = mutation("crawlJobDelete", None, "deletedId", with_id=True)

UPDATE_PROFILE = mutation("companyProfileUpdate", "CompanyProfileUpdateInput", "companyProfile { id }")
IMPORT_DATA = mutation(
    "historicalDataImport", "HistoricalDataImportInput", "historicalDataImport { id job { id } }"
)
GENERATE_REPORT = mutation("reportGenerate", "ReportGenerateInput", "report { id job { id } }")
SAVE_REPORT = mutation("savedReportCreate", "SavedReportCreateInput", "savedReport { id }")
DELETE_REPORT = mutation("savedReportDelete", None, "deletedId", with_id=True)

CREATE_PROPOSAL = mutation(
    "requirementProposalCreate", "RequirementProposalCreateInput", "requirementProposal { id job { id } }"
)
ADD_REQUIREMENT = mutation(
    "proposedRequirementCreate", "ProposedRequirementCreateInput", "proposedRequirement { id }"
)

CREATE_EVALUATION = mutation("evaluationRunCreate", "EvaluationRunCreateInput", "evaluationRun { id }")
DELETE_EVALUATION = mutation("evaluationRunDelete", None, "deletedId", with_id=True)

CREATE_SESSION = mutation("drawingSessionCreate", "DrawingSessionCreateInput", "session { id }")
START_SESSION = mutation("drawingSessionStart", None, "session { id }", with_id=True)
DELETE_SESSION = mutation("drawingSessionDelete", None, "deletedId", with_id=True)

CREATE_COMPANY = mutation("companyCreate", "CompanyCreateInput", "company { id }")
UPDATE_COMPANY = mutation("companyUpdate", "CompanyUpdateInput", "company { id isActive }", with_id=True)
PLACE_COMPANY = mutation("companyPlace", "CompanyPlaceInput", "job { id }", with_id=True)
DELETE_COMPANY = mutation("companyDelete", None, "deletedId", with_id=True)
CREATE_USER = mutation("userCreate", "UserCreateInput", "user { id }")
CREATE_MODEL = mutation("embeddingModelCreate", "EmbeddingModelCreateInput", "embeddingModel { id }")
ACTIVATE_MODEL = mutation("embeddingModelActivate", None, "embeddingModel { id isActive }", with_id=True)

MODELS = "{ embeddingModels(first: 10) { nodes { id name isActive } } }"
JOB = """query ($id: ID!) { node(id: $id) { ... on ProcessingJob { status } ... on CrawlJob { status }
  ... on ValidationJob { status } ... on ExportJob { status } ... on EvaluationRun { status } } }"""
ANSWER = "query ($id: ID!) { message(id: $id) { state content } }"
SAVED_FILES = "query ($id: ID!) { savedReport(id: $id) { files { name url } } }"
EXPORTED = "query ($id: ID!) { exportJob(id: $id) { exportedImages fileSize downloadUrl } }"
SESSION = "query ($id: ID!) { drawingSession(id: $id) { status } }"
NODES = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"

WATCH_JOB = """subscription ($id: ID!) { event: jobProgress(id: $id) { id status phase progress } }"""
WATCH_SESSION = "subscription ($id: ID!) { event: sessionProgress(id: $id) { id status progress } }"
WATCH_CONVERSATION = """subscription ($id: ID!, $after: String) {
  event: conversationEvents(id: $id, after: $after) { kind: __typename
    ... on MessageCreated { cursor messageOf: message { id } }
    ... on RunStep { cursor messageId agent action state }
    ... on MessageDelta { cursor messageId offset text }
    ... on CitationsAdded { cursor messageId }
    ... on MessageCompleted { cursor messageOf: message { id } }
    ... on MessageFailed { cursor messageId reason }
    ... on MessageReset { cursor messageId } } }"""
WATCH_IMAGES = """subscription ($id: ID!, $after: String) {
  event: imagesAdded(crawlJobId: $id, after: $after) {
  cursor images { id } } }"""
WATCH_REPORT = """subscription ($id: ID!, $after: String) { event: reportProgress(id: $id, after: $after) {
  cursor kind step } }"""
WATCH_PROPOSAL = """subscription ($id: ID!, $after: String) {
  event: requirementProposed(proposalId: $id, after: $after) { cursor stage requirements { id } } }"""
WATCH_ACTIVITY = """subscription ($after: String) { event: companyActivity(after: $after) {
  cursor activity { id action resourceId } } }"""

READS = (
    "{ projects(first: 50) { totalCount nodes { id name status imageCount } } }",
    "{ documents(first: 25) { totalCount nodes { id title scope chunks(first: 5) { nodes { content } } } } }",
    """{ conversations(first: 10) { nodes { id title messageCount
      messages(first: 20) { nodes { id content state
        citations(first: 5) { nodes { snippet sourceName } } } } } } }""",
    "{ crawlJobs(first: 10) { nodes { id name images(first: 20) { totalCount nodes { id filename } } } } }",
    "{ processingJobs(first: 50) { totalCount nodes { id status subject requestedBy { fullName } } } }",
    "{ activity(first: 50) { nodes { id action resourceId user { email } } } }",
    "{ users(first: 50) { nodes { id email fullName } } }",
    "{ savedReports(first: 9) { nodes { id title generatedText user { fullName } } } }",
    "{ requirementProposals(first: 9) { nodes { description requirements(first: 9) { nodes { name } } } } }",
    "{ evaluationRuns(first: 10) { nodes { id name cases(first: 10) { nodes { question answer } } } } }",
    "{ drawingSessions(first: 9) { nodes { name status comparisons(first: 5) { nodes { drawingName } } } } }",
    """{ documentSearch(query: "When does the gate of the hall open?") { score chunk { content
      document { title } } } }""",
    "{ tokenUsages(first: 50) { nodes { operationId totalTokens } } companyProfile { industry location } }",
)
"""Queries whose answers may hold rows of the viewer's company only."""
