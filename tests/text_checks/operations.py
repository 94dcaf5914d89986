"""What tests ask of text checks."""

SENTENCE = """id number textStartIndex textEndIndex text verdict confidence reason
  differences { kind stated found }
  citation { documentTitle page snippet start end document { id } }"""
CREATE = """mutation ($input: TextCheckCreateInput!) { textCheckCreate(input: $input) {
  errors { code message path } textCheck { id state progress sentenceCount job { id jobType } } } }"""
CHECK = f"""query ($id: ID!) {{ textCheck(id: $id) {{ id state progress errorMessage text sentenceCount
  supportedCount contradictedCount notFoundCount notCheckedCount completedAt
  documents {{ id }} job {{ id status progress attempts jobType }}
  sentences(first: 100) {{ totalCount nodes {{ {SENTENCE} }} }} }} }}"""
WATCH = """subscription ($id: ID!, $after: String) { textCheckEvents(id: $id, after: $after) {
  cursor state sentences { id number verdict } textCheck { progress } } }"""
DELETE = "mutation ($id: ID!) { textCheckDelete(id: $id) { errors { code message path } deletedId } }"
LIST = """query ($filter: TextCheckFilter) { textChecks(filter: $filter) { totalCount nodes { id } } }"""
FILTERED = """query ($id: ID!, $verdict: SentenceVerdict) { textCheck(id: $id) {
  sentences(filter: {verdict: $verdict}) { totalCount nodes { number } } } }"""
START = "mutation ($id: ID!) { jobStart(id: $id) { errors { code path } job { id } } }"
CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { errors { code path } job { id } } }"
RETRY = "mutation ($id: ID!) { jobRetry(id: $id) { errors { code path } job { id } } }"
