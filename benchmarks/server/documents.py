"""Operations of the shapes, in Seshat's contract and in that of stock Strawberry (`PLAIN`)."""

LIST = """query Q1 {
  projects(first: 50, orderBy: CREATED_AT_ASC) { nodes {
    id name projectNumber status description clientName archived createdAt
    user { fullName }
  } }
}"""
PLAIN_LIST = """query Q1 {
  projects(first: 50) {
    id name code status description budget archived createdAt
    owner { name }
  }
}"""

DEEP = """query Q2 {
  projects(first: 20, orderBy: CREATED_AT_ASC) { nodes {
    id name status
    sessions(first: 10, orderBy: CREATED_AT_ASC) { nodes {
      id name status createdAt
      comparisons { nodes {
        id state alignmentScore
        analysisResults { nodes { id aiModelUsed drawingName success } }
        oldDrawing { id drawingName }
        newDrawing { id drawingName }
      } }
      user { id fullName }
    } }
  } }
}"""
PLAIN_DEEP = """query Q2 {
  projects(first: 20) {
    id name status
    sessions(first: 10) {
      id name status createdAt
      comparisons {
        id status score
        analysisResults { id kind severity confidence }
        oldDrawing { id name }
        newDrawing { id name }
      }
      user { id name }
    }
  }
}"""

OBJECT = """query Q3($id: ID!) {
  comparison(id: $id) {
    id state alignmentScore changeRatio lowConfidence drawingName errorMessage changesDetected createdAt
    session { id name status errorMessage totalTime sessionMetadata createdAt updatedAt }
    oldDrawing { id drawingName filename pageNumber originalFilename state }
    newDrawing { id drawingName filename pageNumber originalFilename state }
  }
}"""
PLAIN_OBJECT = """query Q3($id: ID!) {
  comparison(id: $id) {
    id status score threshold changeCount summary options createdAt updatedAt
    session { id name status notes progress startedAt finishedAt createdAt }
    oldDrawing { id name fileUrl pageNumber width height }
    newDrawing { id name fileUrl pageNumber width height }
  }
}"""

CHAT = """query Q4($id: ID!) {
  conversation(id: $id) {
    id title
    a: messages(first: 100) { nodes { ...M } }
    b: messages(last: 100) { nodes { ...M } }
  }
}
fragment M on Message {
  id role content totalTokens createdAt
  citations { nodes { id sourceName snippet pageNumber confidence } }
}"""
PLAIN_CHAT = """query Q4($id: ID!) {
  conversation(id: $id) {
    id title
    messages(first: 200) {
      id role content tokenCount createdAt
      citations { id label quote page score }
    }
  }
}"""

NESTED = """query Q5 {
  projects(first: 20, orderBy: CREATED_AT_ASC) {
    totalCount
    nodes {
      id name
      sessions(first: 5, orderBy: CREATED_AT_ASC) {
        totalCount
        nodes { id name comparisons(first: 2) { totalCount nodes { id } } }
      }
    }
  }
}"""

RELOCATE = """mutation M1($id: ID!, $location: String!) {
  payload: projectUpdate(id: $id, input: {location: $location}) {
    project { id name location }
    errors { message }
  }
}"""
