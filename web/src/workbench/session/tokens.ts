// The session of the browser. The refresh token is in a cookie that scripts cannot read; the access token is in this
// module only. Nothing of either is in any storage.

const PATH = '/auth/session';
const HEADERS = { 'X-Seshat-Session': '1', 'Content-Type': 'application/json' };
const MARGIN_SECONDS = 30;

let accessToken: string | null = null;
let refreshing: Promise<string | null> | null = null;
const listeners = new Set<() => void>();

export type SessionState = 'unknown' | 'signed-out' | 'signed-in' | 'unreachable';
let state: SessionState = 'unknown';

function become(next: SessionState, token: string | null) {
  accessToken = token;
  if (state === next) return;
  state = next;
  listeners.forEach((listener) => listener());
}

export const sessionState = () => state;

export function onSessionChange(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function expiresInSeconds(token: string): number {
  const claims = JSON.parse(atob(token.split('.')[1]!.replace(/-/g, '+').replace(/_/g, '/'))) as { exp: number };
  return claims.exp - Date.now() / 1000;
}

async function exchange(refreshToken?: string): Promise<string | null> {
  let response: Response;
  try {
    const body = refreshToken ? JSON.stringify({ refreshToken }) : undefined;
    response = await fetch(PATH, { method: 'POST', headers: HEADERS, body, keepalive: true });
  } catch {
    if (state === 'unknown') become('unreachable', null);
    throw new Error('offline');
  }
  if (response.status === 401) {
    become('signed-out', null);
    return null;
  }
  if (!response.ok) {
    if (state === 'unknown') become('unreachable', null);
    throw new Error(`The session could not be continued (${response.status}).`);
  }
  const { accessToken: token } = (await response.json()) as { accessToken: string | null };
  become(token ? 'signed-in' : 'signed-out', token);
  return token;
}

// One exchange at a time: the requests of a page share it.
export function refresh(refreshToken?: string): Promise<string | null> {
  if (refreshToken) return exchange(refreshToken);
  refreshing ??= exchange().finally(() => (refreshing = null));
  return refreshing;
}

// A token that is valid for a while, or null if nobody is signed in.
export async function freshToken(): Promise<string | null> {
  if (accessToken && expiresInSeconds(accessToken) > MARGIN_SECONDS) return accessToken;
  return state === 'signed-out' ? null : refresh();
}

// Whether the session has ended. Without a connection it goes on, and the page must not pretend otherwise.
export async function signOut(): Promise<boolean> {
  const response = await fetch(PATH, { method: 'DELETE', headers: HEADERS, keepalive: true }).catch(() => null);
  if (!response?.ok) return false;
  become('signed-out', null);
  return true;
}

export async function startSession(): Promise<void> {
  await refresh().catch(() => null); // the state says that the server was not reached
}
