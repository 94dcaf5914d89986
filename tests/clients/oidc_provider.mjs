// An OpenID provider that signs everybody in as Ada. Prints its issuer, and answers each line of standard input,
// the ID of a key, with that line when its only key is a new one of this ID.
// node oidc_provider.mjs REDIRECT_URI CLIENT_SECRET CLIENT_ID...

import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { Provider } from 'oidc-provider';

const [redirectUri, secret, ...clientIds] = process.argv.slice(2);
const clients = clientIds.map((id) => ({ client_id: id, client_secret: secret, redirect_uris: [redirectUri] }));

console.info = console.error; // notices of the provider

let answer;
const server = createServer((request, response) => answer(request, response));

function createKey(kid) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
}

function provide(issuer, key) {
  const provider = new Provider(issuer, {
    clients,
    jwks: { keys: [key] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups'] },
    cookies: { keys: ['test'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_, id) => ({
      accountId: id,
      claims: () => ({ sub: id, email: `${id}@example.com`, email_verified: true, groups: ['engineers'] }),
    }),
    async loadExistingGrant({ oidc }) {
      const grant = new provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  const handle = provider.callback();
  const signIn = { login: { accountId: 'ada' } };
  answer = (request, response) =>
    request.url.startsWith('/sign-in/') ? provider.interactionFinished(request, response, signIn) : handle(request, response);
}

server.listen(0, '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`;
  provide(issuer, createKey('first'));
  console.log(issuer);
  createInterface({ input: process.stdin })
    .on('line', (kid) => {
      provide(issuer, createKey(kid));
      console.log(kid);
    })
    .on('close', () => process.exit());
});
