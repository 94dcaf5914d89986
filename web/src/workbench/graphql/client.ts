// The GraphQL client: queries and mutations over POST, subscriptions over one WebSocket.

import { cacheExchange, Client, fetchExchange, subscriptionExchange } from '@urql/core';
import { createClient as createSocket } from 'graphql-ws';
import { freshToken, onSessionChange, refresh, sessionState } from '../session/tokens';

const ENDPOINT = '/graphql';

async function authorizedFetch(address: RequestInfo | URL, options: RequestInit = {}): Promise<Response> {
  const send = (token: string | null) => {
    const headers = new Headers(options.headers);
    if (token) headers.set('Authorization', `Bearer ${token}`);
    return fetch(address, { ...options, headers });
  };
  const response = await send(await freshToken());
  if (response.status !== 401 || sessionState() !== 'signed-in') return response;
  const token = await refresh(); // the session may have been ended elsewhere
  return token ? send(token) : response;
}

function open() {
  const socket = createSocket({
    url: new URL(ENDPOINT, location.href).href.replace(/^http/, 'ws'),
    lazyCloseTimeout: 5_000,
    retryAttempts: 20,
    shouldRetry: () => sessionState() === 'signed-in',
    connectionParams: async () => {
      const token = await freshToken();
      return token ? { authorization: `Bearer ${token}` } : {};
    },
  });
  return new Client({
    url: ENDPOINT,
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: authorizedFetch,
    exchanges: [
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query, variables, operationName }) => ({
          subscribe: (sink) => ({
            unsubscribe: socket.subscribe({ query: query ?? '', variables, operationName }, {
              next: (result) => sink.next(result as Parameters<typeof sink.next>[0]),
              error: (error) => sink.error(error),
              complete: () => sink.complete(),
            }),
          }),
        }),
      }),
    ],
  });
}

let current = open();

// Another user must not see what the last one has read.
onSessionChange(() => {
  if (sessionState() === 'signed-out') current = open();
});

export const currentClient = () => current;
