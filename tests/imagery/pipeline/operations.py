"""What the tests ask about crawls."""

CREATE = """mutation ($input: CrawlJobCreateInput!) { crawlJobCreate(input: $input) {
  errors { code message path } crawlJob { id status sources { kind addresses maxPages maxDepth } } } }"""

COUNTERS = """status phase progress errorMessage totalImages downloadedImages validImages
  totalChunks activeChunks completedChunks failedChunks"""

CRAWL = f"query ($id: ID!) {{ crawlJob(id: $id) {{ id {COUNTERS} problems {{ code message count url }} }} }}"

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
