"""What the tests ask about crawls."""

CREATE = """mutation ($input: CrawlJobCreateInput!) { crawlJobCreate(input: $input) {
  errors { code message path } crawlJob { id status sources { kind addresses maxPages maxDepth } } } }"""

COUNTERS = """status phase progress errorMessage totalImages downloadedImages validImages
  totalChunks activeChunks completedChunks failedChunks"""

OUTCOME = "outcome { seen stored duplicates refused bounded waiting refusedPages boundedPages }"

CRAWL = f"""query ($id: ID!) {{ crawlJob(id: $id) {{ id {COUNTERS} {OUTCOME}
  problems {{ code message count url }} warnings {{ code message setting count url }}
  candidates(first: 1) {{ totalCount }} }} }}"""

CANDIDATES = """query ($filter: CrawlCandidateFilter, $after: String) {
  crawlCandidates(filter: $filter, first: 100, after: $after) { totalCount
    pageInfo { endCursor hasNextPage }
    nodes { url pageUrl kind state code message attempts retryAt image { filename } } } }"""

IMAGES = """query ($id: ID!, $filter: ImageFilter) { crawlJob(id: $id) { images(first: 100, filter: $filter) {
  totalCount nodes { id originalUrl filename width height fileSize format hash perceptualHash pageUrl licence
  caption duplicateGroup fileUrl thumbnailUrl } } } }"""

WATCH = f"subscription ($id: ID!) {{ jobProgress(id: $id) {{ ... on CrawlJob {{ id {COUNTERS} }} }} }}"

GALLERY = """subscription ($id: ID!, $after: String) { imagesAdded(crawlJobId: $id, after: $after) {
  cursor images { id filename } } }"""

START = "mutation ($id: ID!) { jobStart(id: $id) { errors { code message path } job { id status } } }"
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { errors { code message path } job { id status } } }"
RETRY = "mutation ($id: ID!) { jobRetry(id: $id) { errors { code message path } job { id status } } }"
DELETE = "mutation ($id: ID!) { crawlJobDelete(id: $id) { errors { code message path } deletedId } }"
DELETE_IMAGE = "mutation ($id: ID!) { imageDelete(id: $id) { errors { code message path } deletedId } }"
CRAWL_RETRY = """mutation ($id: ID!, $what: RetryScope!) { crawlRetry(id: $id, what: $what) {
  errors { code message path } crawlJob { id status } } }"""
CRAWL_REPEAT = """mutation ($id: ID!) { crawlRepeat(id: $id) {
  errors { code message path } crawlJob { id status name } } }"""
RAISE = """mutation ($id: ID!, $input: CrawlJobUpdateInput!) { crawlJobUpdate(id: $id, input: $input) {
  errors { code message path } crawlJob { maxImages } } }"""
