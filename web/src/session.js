// The signed-in user and the GraphQL transport: queries and mutations over POST, subscriptions over one WebSocket.

import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { getOperationAST, parse } from 'graphql';
import { createClient } from 'graphql-ws';

const endpoint = new URL('/graphql', location.href).href;

// Kept in memory only. After a reload, or in another browser tab, the user signs in again.
let signedIn = { token: null, name: null };
const listeners = new Set();

export function subscribeToSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export const currentSession = () => signedIn;

// Any payload with an access token signs the user in, regardless of the mutation's name.
function noteSignIn(result) {
  const payload = Object.values(result?.data ?? {}).find((value) => typeof value?.accessToken === 'string');
  if (!payload) return;
  signedIn = { token: payload.accessToken, name: payload.user?.username ?? signedIn.name ?? 'you' };
  listeners.forEach((listener) => listener());
}

// An Authorization header in the Headers tab takes precedence over the access token of the sign-in.
function withAuthorization(headers = {}) {
  const typed = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization');
  return typed || !signedIn.token ? headers : { ...headers, Authorization: `Bearer ${signedIn.token}` };
}

let socket;
let socketAuthorization;

// A socket is authenticated once, by its first message. A different authorization needs a new socket.
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

// GraphiQL updates the operation name after the text. A name that the text lacks belongs to the previous tab.
function withCurrentName(parameters, document) {
  const stale = document && parameters.operationName && !getOperationAST(document, parameters.operationName);
  return stale ? { ...parameters, operationName: getOperationAST(document)?.name?.value } : parameters;
}

// Sends an operation that has a single response.
export async function request(parameters, headers = withAuthorization()) {
  const send = createGraphiQLFetcher({ url: endpoint, headers, enableIncrementalDelivery: false });
  const result = await send(parameters);
  noteSignIn(result);
  return result;
}

// The fetcher of the editor. Subscriptions and incremental responses (`@defer`) are streamed.
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
