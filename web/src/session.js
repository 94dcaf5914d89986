// Who is signed in, and how operations are sent: queries and mutations by POST, subscriptions over one WebSocket.

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';

const endpoint = new URL('/graphql', location.href).href;

// In memory only: a page that is reloaded, or another tab, has to sign in again.
let signedIn = { token: null, name: null };
const listeners = new Set();

export function subscribeToSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const currentSession = () => signedIn;

// Any payload that carries an access token signs in, whatever its mutation is called.
function noteSignIn(result) {
  const payload = Object.values(result?.data ?? {}).find((value) => typeof value?.accessToken === 'string');
  if (!payload) return;
  signedIn = { token: payload.accessToken, name: payload.user?.username ?? signedIn.name ?? 'you' };
  listeners.forEach((listener) => listener());
}

// A header typed into the Headers tab goes before the token of the sign-in.
function withAuthorization(headers = {}) {
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  return typed || !signedIn.token ? headers : { ...headers, Authorization: `Bearer ${signedIn.token}` };
}

let socket;
let socketAuthorization;

// A socket says who it is once, in its first message, so another authorization needs another socket.
function socketFor(authorization) {
  if (!socket || authorization !== socketAuthorization) {
    socket?.dispose();
    socketAuthorization = authorization;
    socket = createClient({
      url: endpoint.replace(/^http/, 'ws'),
      connectionParams: authorization ? { Authorization: authorization } : {},
    });
  }
  return socket;
}

function parsed(query) {
  try {
    return parse(query);
  } catch {
    return null;
  }
}

// GraphiQL learns the operation's name a moment after the text: a name that the text lacks is of the tab before.
function withCurrentName(parameters, document) {
  const stale = document && parameters.operationName && !getOperationAST(document, parameters.operationName);
  return stale ? { ...parameters, operationName: getOperationAST(document)?.name?.value } : parameters;
}

// One operation that has one answer.
export async function request(parameters, headers = withAuthorization()) {
  const send = createGraphiQLFetcher({ url: endpoint, headers, enableIncrementalDelivery: false });
  const result = await send(parameters);
  noteSignIn(result);
  return result;
}

// What the editor runs: streams are given as they come, answers in parts (`@defer`) too.
export async function fetcher(given, options) {
  const headers = withAuthorization(options?.headers);
  const document = parsed(given.query);
  const parameters = withCurrentName(given, document);
  if (document && getOperationAST(document, parameters.operationName)?.operation === 'subscription') {
    return socketFor(headers.Authorization ?? headers.authorization).iterate(parameters);
  }
  if (!/@(defer|stream)\b/.test(parameters.query)) return request(parameters, headers);
  return createGraphiQLFetcher({ url: endpoint, headers })(parameters, options);
}
