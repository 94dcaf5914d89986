// Default tabs, one operation per tab: sign in, upload two revisions, compare, watch the progress, read the changes,
// check a text against documents.

const signIn = `# Sign in. This page then sends the access token with every operation until you reload it.
mutation SignIn($login: String!, $password: String!) {
  userSignIn(input: { login: $login, password: $password }) {
    accessToken
    refreshToken
    user {
      id
      username
    }
    errors {
      code
      message
      path
    }
  }
}`;

const uploadCreate = `# Create an upload, then send the file with PUT to the URL, with the returned headers.
# The Files panel on the left does both and shows the upload ID.
mutation UploadCreate($input: UploadCreateInput!) {
  uploadCreate(input: $input) {
    upload {
      id
      url
      headers {
        name
        value
      }
      expiresAt
    }
    errors {
      code
      message
      path
    }
  }
}`;

const sessionCreate = `# Create a session from the upload IDs of the two revisions to compare.
mutation SessionCreate($input: DrawingSessionCreateInput!) {
  drawingSessionCreate(input: $input) {
    session {
      id
      status
    }
    errors {
      code
      message
      path
    }
  }
}`;

const sessionStart = `# Start the comparison. Open the next tab to watch its progress.
mutation SessionStart($id: ID!) {
  drawingSessionStart(id: $id) {
    session {
      id
      status
    }
    errors {
      code
      message
      path
    }
  }
}`;

const watchSession = `# Returns the current state of the session, then every change until the session ends.
subscription WatchSession($id: ID!) {
  sessionProgress(id: $id) {
    status
    progress
    errorMessage
  }
}`;

const readComparison = `# List the changes by sheet. Each overlayUrl opens the overlay image of a sheet.
query ReadComparison($id: ID!) {
  drawingSession(id: $id) {
    name
    status
    comparisons(first: 25) {
      nodes {
        drawingName
        alignmentScore
        changesDetected
        overlayUrl
        changes {
          kind
          description
          area
          box {
            x
            y
            width
            height
          }
          words {
            removed
            added
          }
        }
      }
    }
  }
}`;

const textCheckCreate = `# Check each sentence of a text against your documents. Open the next tab to read the findings.
mutation TextCheckCreate($input: TextCheckCreateInput!) {
  textCheckCreate(input: $input) {
    textCheck {
      id
      sentenceCount
    }
    errors {
      code
      message
      path
    }
  }
}`;

const watchTextCheck = `# Returns each sentence as soon as it is checked, with the passage that supports or contradicts it.
subscription WatchTextCheck($id: ID!) {
  textCheckEvents(id: $id) {
    cursor
    state
    sentences {
      number
      text
      verdict
      confidence
      differences {
        kind
        stated
        found
      }
      citation {
        documentTitle
        page
        snippet
      }
    }
  }
}`;

const json = (value) => JSON.stringify(value, null, 2);
const session = json({ id: '' });

export const examples = [
  { query: signIn, variables: json({ login: '', password: '' }) },
  {
    query: uploadCreate,
    variables: json({ input: { filename: 'A-101.pdf', mimeType: 'application/pdf', size: 0, sha256: '' } }),
  },
  {
    query: sessionCreate,
    variables: json({ input: { projectId: null, oldUploadId: '', newUploadId: '', name: 'First comparison' } }),
  },
  { query: sessionStart, variables: session },
  { query: watchSession, variables: session },
  { query: readComparison, variables: session },
  { query: textCheckCreate, variables: json({ input: { text: '', documentIds: null } }) },
  { query: watchTextCheck, variables: session },
];

// The mutation that the Files panel sends for each file.
export const announceFile = uploadCreate;
