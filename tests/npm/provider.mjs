// An OpenID provider on loopback. Standard input: {"port", "alg", "jwks" (private), "audience"}. Says "ready".
import Provider from 'oidc-provider';

let input = '';
for await (const part of process.stdin) input += part;
const { port, alg, jwks, audience } = JSON.parse(input);
const issuer = `http://127.0.0.1:${port}`;

const provider = new Provider(issuer, {
  jwks,
  clients: [
    {
      client_id: 'web',
      client_secret: 'web-secret',
      redirect_uris: ['http://127.0.0.1/callback'],
      grant_types: ['authorization_code'],
      id_token_signed_response_alg: alg,
    },
    {
      client_id: 'tool',
      client_secret: 'tool-secret',
      redirect_uris: [],
      response_types: [],
      grant_types: ['client_credentials'],
      id_token_signed_response_alg: alg,
    },
  ],
  cookies: { keys: ['test'] },
  extraTokenClaims: (_, token) => (token.kind === 'ClientCredentials' ? { idtyp: 'app' } : undefined),
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  scopes: ['openid', 'read:current_user', 'read:users'],
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => audience,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: 'read:current_user read:users',
        audience,
        accessTokenFormat: 'jwt',
        accessTokenTTL: 3600,
        jwt: { sign: { alg } },
      }),
    },
  },
});
provider.listen(port, '127.0.0.1', () => console.log('ready'));
