"""The operations that these tests send."""

REGISTER = """
mutation ($email: String!, $password: String!) {
  userRegister(input: {email: $email, password: $password}) {
    accessToken
    user { id company { id } }
    errors { code message path }
  }
}
"""

SIGN_IN = """
mutation ($login: String!, $password: String!) {
  userSignIn(input: {login: $login, password: $password}) { accessToken errors { code message path } }
}
"""

COLLEAGUE = """
mutation ($email: String!, $password: String!) {
  userCreate(input: {email: $email, password: $password, role: MANAGER}) {
    user { id }
    errors { code message path }
  }
}
"""

SUSPEND = "mutation ($id: ID!) { userSuspend(id: $id) { user { status } errors { code message path } } }"

PROJECT = """
mutation ($name: String!) {
  projectCreate(input: {name: $name}) { project { id } errors { code message path } }
}
"""

DELETE_PROJECT = "mutation ($id: ID!) { projectDelete(id: $id) { deletedId errors { code message path } } }"

ANNOUNCE = """
mutation ($filename: String!, $size: BigInt!, $sha256: String!) {
  uploadCreate(input: {filename: $filename, mimeType: "application/pdf", size: $size, sha256: $sha256}) {
    upload { id url headers { name value } }
    errors { code message path }
  }
}
"""

CREATE = """
mutation ($old: ID!, $new: ID!, $project: ID) {
  drawingSessionCreate(input: {oldUploadId: $old, newUploadId: $new, projectId: $project}) {
    session { id status }
    errors { code message path }
  }
}
"""

START = """
mutation ($id: ID!) { drawingSessionStart(id: $id) { session { id status } errors { code message path } } }
"""

DELETE = "mutation ($id: ID!) { drawingSessionDelete(id: $id) { deletedId errors { code message path } } }"

CANCEL = "mutation ($id: ID!) { jobCancel(id: $id) { job { status } errors { code message path } } }"

RETRY = "mutation ($id: ID!) { jobRetry(id: $id) { job { status } errors { code message path } } }"

STATE = """
query ($id: ID!) {
  drawingSession(id: $id) {
    status
    errorMessage
    progress
    jobs(orderBy: CREATED_AT_ASC) { nodes { id jobType status progress attempts errorMessage } }
    comparisons { nodes { drawingName state errorMessage } }
    drawings(first: 100) { nodes { drawingType pageNumber state } }
  }
}
"""

WHOLE = """
query ($id: ID!) {
  drawingSession(id: $id) {
    id
    name
    status
    errorMessage
    progress
    onlyInOld
    onlyInNew
    summary { totalComparisons successfulAnalyses changedComparisons failedComparisons avgAlignmentScore }
    comparisonCounts { changesDetected total }
    jobs(orderBy: CREATED_AT_ASC) { nodes { id jobType status progress attempts errorMessage } }
    drawings(first: 100) {
      nodes {
        id drawingType pageNumber drawingName filename originalFilename state errorMessage drawingMetadata
        warnings pairReason
        fileUrl thumbnailUrl
        versions { nodes { id versionNumber drawingName } }
      }
    }
    comparisons(first: 100) {
      nodes {
        id drawingName state errorMessage alignmentScore lowConfidence changeRatio changesDetected
        oldDrawing { id } newDrawing { id }
        overlayUrl overlayPreviewUrl oldImageUrl newImageUrl
        overlayTiles { descriptor urlTemplate width height tileSize maxLevel }
        changes { kind area description box { x y width height } words { removed added } }
        words { removed added }
        analysisResults {
          nodes {
            id drawingName success errorMessage changesFound criticalChange analysisSummary recommendations
            aiModelUsed
          }
        }
      }
    }
  }
}
"""

WATCH_JOB = (
    "subscription ($id: ID!) { jobProgress(id: $id) { id status progress phase attempts errorMessage } }"
)

WATCH_SESSION = """
subscription ($id: ID!) {
  sessionProgress(id: $id) { id status progress errorMessage drawings(first: 100) { nodes { state } } }
}
"""
