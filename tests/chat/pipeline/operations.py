"""What is sent."""

CREATE = """mutation ($input: DocumentCreateInput!) { documentCreate(input: $input) {
  document { id title scope processingStatus } errors { code message path } } }"""

REPROCESS = """mutation ($id: ID!) { documentReprocess(id: $id) {
  document { id processingStatus } errors { code message path } } }"""

DELETE = """mutation ($id: ID!) { documentDelete(id: $id) { deletedId errors { code message path } } }"""

UPDATE = """mutation ($id: ID!, $input: DocumentUpdateInput!) { documentUpdate(id: $id, input: $input) {
  document { id scope } errors { code message path } } }"""

DOCUMENT = """query ($id: ID!) { document(id: $id) { id title processingStatus errorMessage chunkCount
  extractedText summary keywords topics warnings embeddingModel mimeType
  job { jobType status progress attempts }
  chunks { totalCount nodes { id chunkIndex content pageNumber tokenCount vectorId } } } }"""

SEARCH = """query ($query: String!, $filter: DocumentSearchFilter, $first: Int! = 10) {
  documentSearch(query: $query, filter: $filter, first: $first) {
    score similarity chunk { content document { id title } } } }"""

CONVERSE = """mutation ($input: ConversationCreateInput!) { conversationCreate(input: $input) {
  conversation { id } errors { code message path } } }"""

ADJUST = """mutation ($id: ID!, $input: ConversationUpdateInput!) {
  conversationUpdate(id: $id, input: $input) {
  conversation { id } errors { code message path } } }"""

SEND = """mutation ($input: MessageSendInput!) { messageSend(input: $input) {
  message { id content parentMessage { id } } answer { id state content parentMessage { id } }
  errors { code message path } } }"""

CANCEL = """mutation ($id: ID!) { messageCancel(id: $id) {
  message { id state } errors { code message path } } }"""

REGENERATE = """mutation ($id: ID!) { messageRegenerate(id: $id) {
  answer { id state parentMessage { id } } errors { code message path } } }"""

MESSAGE = """query ($id: ID!) { message(id: $id) { id role state content errorCode model confidence
  lowConfidenceWarning totalTokens
  sources { index name pageNumber snippet similarity document { id } }
  reasoningChain { agent action detail confidence }
  citations { nodes { sourceIndex sourceName pageNumber snippet confidence textStartIndex textEndIndex
    inlineNumber } }
  agentLogs { nodes { agentType operation } } } }"""

COUNCIL = """query ($id: ID!) {
  message(id: $id) { state content mode councilStrategy councilRounds confidence lowConfidenceWarning
    totalTokens
    confidenceParts { similarity citation certainty quality grounding votes }
    council { basis voices speaker failed confidence average lowest highest variance agreement consensus
      agreed }
    citations { nodes { snippet textStartIndex textEndIndex } }
    reasoningChain { agent action detail }
    agentLogs(first: 100) { nodes { agentType operation isCouncilVote } } }
  councilVotes(messageId: $id) { agentType operation confidence executionTimeMs
    voteData { agent round temperature vote confidence reasoning } } }"""

CONVERSATION = """query ($id: ID!) { conversation(id: $id) { messageCount totalTokensUsed
  messages(first: 100) { nodes { id role state content } } } }"""

EVENTS = """subscription ($id: ID!, $after: String) { conversationEvents(id: $id, after: $after) {
  __typename
  ... on MessageCreated { cursor message { id role state } }
  ... on RunStep { cursor messageId agent action state detail }
  ... on MessageDelta { cursor messageId offset text }
  ... on CitationsAdded { cursor messageId citations { snippet textStartIndex textEndIndex } }
  ... on MessageCompleted { cursor message { id state content } }
  ... on MessageFailed { cursor messageId code reason }
  ... on MessageReset { cursor messageId } } }"""
