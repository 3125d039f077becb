/** An OpenID Connect provider on this machine, as GitHub's is: it publishes its keys and signs whatever it is told to. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

export type Issuer = Readonly<{
  url: string;
  hostAndPath: string;
  /** Of the key in use, as PEM. */
  publicKey: () => Promise<string>;
  /** The paths that were asked for. */
  asked: string[];
  /** `header` and `claims` are laid over what a good token has; undefined removes. */
  token: (claims?: JWTPayload, header?: Record<string, unknown>) => Promise<string>;
  /** New keys; the old are no longer published. */
  rotate: () => Promise<void>;
  /** Answers instead of the provider, once it is set. */
  instead: (answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined) => void;
  close: () => Promise<void>;
}>;

export async function startIssuer(path = '', now: () => number = Date.now): Promise<Issuer> {
  let key = await newKey(1);
  let instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    if (instead !== undefined) {
      instead(request, response);
      return;
    }
    const answers: Record<string, unknown> = {
      [`${path}/.well-known/openid-configuration`]: { issuer: url, jwks_uri: `${url}/keys` },
      [`${path}/keys`]: { keys: [key.jwk] },
    };
    const answer = answers[request.url ?? ''];
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hostAndPath = `127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  const url = `http://${hostAndPath}`;
  return {
    url,
    hostAndPath,
    asked,
    publicKey: () => exportSPKI(key.publicKey),
    token: async (claims = {}, header = {}) => {
      const second = Math.floor(now() / 1000);
      const whole = {
        iss: url,
        aud: 'sts.amazonaws.com',
        sub: 'repo:octo-org/octo-repo:ref:refs/heads/main',
        iat: second,
        nbf: second - 60,
        exp: second + 300,
        repository: 'octo-org/octo-repo',
        repository_owner: 'octo-org',
        ref: 'refs/heads/main',
        workflow: 'deploy',
        actor: 'octocat',
        run_id: '1234567890',
        job_workflow_ref: 'octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main',
        ...claims,
      };
      return new SignJWT(whole)
        .setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid: key.kid, ...header })
        .sign(key.privateKey);
    },
    rotate: async () => {
      key = await newKey(Number(key.kid.slice(4)) + 1);
    },
    instead: (answer) => {
      instead = answer;
    },
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function newKey(number: number) {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = `key-${number}`;
  return { publicKey, privateKey, kid, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'RS256', use: 'sig' } };
}
