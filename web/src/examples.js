// The main job, one operation a tab: sign in, hand in two revisions, compare them, watch, read what changed.

const signIn = `# Sign in. The access token is then sent with every operation of this page, until it is reloaded.
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

const uploadCreate = `# Announce a file, then PUT its bytes to the url with these headers.
# The Files panel, on the left, does both and shows the upload's id.
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

const sessionCreate = `# Name the two revisions to compare, by the ids of their uploads.
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

const sessionStart = `# Start the comparison. Open the next tab to watch it.
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

const watchSession = `# The session's state now, then each time it changes, until it is done.
subscription WatchSession($id: ID!) {
  sessionProgress(id: $id) {
    status
    progress
    errorMessage
  }
}`;

const readComparison = `# What changed, sheet by sheet; the links open the overlay pictures.
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
];

// What the Files panel sends for each file.
export const announceFile = uploadCreate;
