// Watches a company's activity with a stock client, and prints one line for each event and for the end.
// node watch.mjs CLIENT ADDRESS ACCESS_TOKEN REFRESH_TOKEN

import { ApolloClient, InMemoryCache, gql } from '@apollo/client/core/index.js';
import { GraphQLWsLink } from '@apollo/client/link/subscriptions/index.js';
import { createClient as createEvents } from 'graphql-sse';
import { createClient as createSocket } from 'graphql-ws';
import WebSocket from 'ws';

const [kind, address, ...tokens] = process.argv.slice(2);
let [accessToken, refreshToken] = tokens;

const QUERY = 'subscription { companyActivity { activity { action } } }';
const REFRESH = `mutation ($token: String!) {
  tokenRefresh(input: {refreshToken: $token}) { accessToken refreshToken } }`;

const expiry = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url')).exp * 1000;

async function refresh() {
  const response = await fetch(`http://${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: REFRESH, variables: { token: refreshToken } }),
  });
  const payload = (await response.json()).data.tokenRefresh;
  if (payload.accessToken) ({ accessToken, refreshToken } = payload);
  return `Bearer ${accessToken}`;
}

const authorization = async () =>
  expiry(accessToken) - Date.now() < 1000 ? refresh() : `Bearer ${accessToken}`;

function report(name, detail = '') {
  process.stdout.write(`${name} ${detail}\n`);
}

const sink = {
  next: (result) => (result.errors ? report('errors', result.errors[0].extensions?.code) : report('event')),
  complete: () => (report('complete'), process.exit()),
  error: (error) => (report('error', error?.code ?? error), process.exit()),
};

let socket;
const renew = {
  opened: (opened) => (socket = opened),
  ping: async (received, payload) => {
    if (received && payload?.expiresAt)
      socket.send(JSON.stringify({ type: 'pong', payload: { authorization: await refresh() } }));
  },
};

function sockets(on) {
  const closed = (event) => report('closed', event.code);
  return createSocket({
    url: `ws://${address}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ authorization: await authorization() }),
    on: { closed, connected: () => report('connected'), ...on },
  });
}

if (kind === 'graphql-sse') {
  const events = createEvents({
    url: `http://${address}/graphql`,
    headers: async () => ({ authorization: await authorization() }),
  });
  events.subscribe({ query: QUERY }, sink, { connected: () => report('connected') });
} else if (kind === 'apollo') {
  const apollo = new ApolloClient({ cache: new InMemoryCache(), link: new GraphQLWsLink(sockets()) });
  apollo.subscribe({ query: gql(QUERY) }).subscribe(sink);
} else {
  sockets(kind === 'renewing' ? renew : undefined).subscribe({ query: QUERY }, sink);
}
