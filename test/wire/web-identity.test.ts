/** Web identities by the official SDK: GitHub Actions gets a role, and nobody gets one by a token that lies. */
import { createHmac } from 'node:crypto';
import {
  AddClientIDToOpenIDConnectProviderCommand,
  CreateOpenIDConnectProviderCommand,
  CreateRoleCommand,
  DeleteOpenIDConnectProviderCommand,
  GetOpenIDConnectProviderCommand,
  IAMClient,
  ListOpenIDConnectProvidersCommand,
  ListOpenIDConnectProviderTagsCommand,
  PutRolePolicyCommand,
  ListRolesCommand,
  RemoveClientIDFromOpenIDConnectProviderCommand,
  TagOpenIDConnectProviderCommand,
  UntagOpenIDConnectProviderCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateOpenIDConnectProviderThumbprintCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleWithWebIdentityCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { type Issuer, startIssuer } from '../support/oidc-issuer.ts';
import { failure } from '../support/people.ts';

let sluice: TestSluice;
let issuer: Issuer;
let iam: IAMClient;
let sts: STSClient;
let providerArn: string;
let roleArn: string;

/** As GitHub's documentation has it. */
function trust(conditions: object): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: providerArn },
        Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
        Condition: conditions,
      },
    ],
  });
}

const ofMain = (): string =>
  trust({
    StringEquals: { [`${issuer.hostAndPath}:aud`]: 'sts.amazonaws.com' },
    StringLike: { [`${issuer.hostAndPath}:sub`]: 'repo:octo-org/octo-repo:*' },
  });

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts'] });
  issuer = await startIssuer();
  iam = new IAMClient({ ...sluice.clientConfig(), maxAttempts: 1 });
  sts = new STSClient({ endpoint: sluice.url, region: 'us-east-1', maxAttempts: 1 });
  const made = await iam.send(
    new CreateOpenIDConnectProviderCommand({ Url: issuer.url, ClientIDList: ['sts.amazonaws.com'] }),
  );
  providerArn = made.OpenIDConnectProviderArn ?? '';
  const AssumeRolePolicyDocument = ofMain();
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'GitHub', AssumeRolePolicyDocument }));
  roleArn = Role?.Arn ?? '';
});
afterAll(async () => {
  iam?.destroy();
  sts?.destroy();
  await issuer?.close();
  await sluice?.close();
});

async function assume(WebIdentityToken: string, rest: object = {}) {
  return sts.send(
    new AssumeRoleWithWebIdentityCommand({ RoleArn: roleArn, RoleSessionName: 'run', WebIdentityToken, ...rest }),
  );
}

const refusal = async (token: Promise<string> | string, rest: object = {}): Promise<string> => {
  try {
    await assume(await token, rest);
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`;
  }
  return 'no error';
};

describe('GitHub Actions', () => {
  it('gets the role that trusts its repository', async () => {
    const answer = await assume(await issuer.token());
    expect(answer).toMatchObject({
      SubjectFromWebIdentityToken: 'repo:octo-org/octo-repo:ref:refs/heads/main',
      Audience: 'sts.amazonaws.com',
      Provider: issuer.url,
    });
    const { AccessKeyId = '', SecretAccessKey = '', SessionToken = '' } = answer.Credentials ?? {};
    const credentials = { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
    const session = new STSClient(sluice.clientConfig({ credentials }));
    expect((await session.send(new GetCallerIdentityCommand({}))).Arn).toBe(
      `arn:aws:sts::${sluice.account}:assumed-role/GitHub/run`,
    );
    session.destroy();
  });

  it('is refused for another repository, or another audience', async () => {
    expect(await refusal(issuer.token({ sub: 'repo:evil-org/octo-repo:ref:refs/heads/main' }))).toBe(
      'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity',
    );
    expect(await refusal(issuer.token({ aud: 'https://github.com/octo-org' }))).toBe(
      'InvalidIdentityTokenException: Incorrect token audience',
    );
    await iam.send(
      new AddClientIDToOpenIDConnectProviderCommand({ OpenIDConnectProviderArn: providerArn, ClientID: 'other' }),
    );
    expect(await refusal(issuer.token({ aud: 'other' }))).toContain('AccessDenied');
    // What counts is for whom it was made.
    expect(await refusal(issuer.token({ azp: 'other' }))).toContain('AccessDenied');
    expect(await refusal(issuer.token({ aud: ['sts.amazonaws.com', 'other'] }))).toContain('Incorrect token audience');
  });

  it('is refused for a role that does not exist, in the same words', async () => {
    const RoleArn = `arn:aws:iam::${sluice.account}:role/Nobody`;
    expect(await refusal(issuer.token(), { RoleArn })).toBe(
      'AccessDenied: Not authorized to perform sts:AssumeRoleWithWebIdentity',
    );
    const elsewhere = 'arn:aws:iam::111122223333:role/Nobody';
    expect(await refusal(issuer.token(), { RoleArn: elsewhere })).toBe(
      `InvalidIdentityTokenException: No OpenIDConnect provider found in your account for ${issuer.url}`,
    );
  });

  it('is told of its claims in every later decision, and of nothing that a claim only looks like', async () => {
    const key = `${issuer.hostAndPath}:repository`;
    const Statement = [
      {
        Effect: 'Allow',
        Action: 'iam:ListRoles',
        Resource: '*',
        Condition: { StringEquals: { [key]: 'octo-org/octo-repo' } },
      },
    ];
    const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement });
    await iam.send(new PutRolePolicyCommand({ RoleName: 'GitHub', PolicyName: 'list', PolicyDocument }));
    const listed = async (claims: object): Promise<string> => {
      const { Credentials } = await assume(await issuer.token(claims as never));
      const client = new IAMClient({
        ...sluice.clientConfig({
          credentials: {
            accessKeyId: Credentials?.AccessKeyId ?? '',
            secretAccessKey: Credentials?.SecretAccessKey ?? '',
            sessionToken: Credentials?.SessionToken ?? '',
          },
        }),
        maxAttempts: 1,
      });
      const outcome = await failure(client.send(new ListRolesCommand({})));
      client.destroy();
      return outcome;
    };
    expect(await listed({})).toBe('no error');
    expect(await listed({ repository: 'other' })).toBe('AccessDenied');
    expect(await refusal(issuer.token({ sub: 'repo:evil:x', SUB: 'repo:octo-org/octo-repo:x' }))).toContain(
      'AccessDenied',
    );
  });

  it('passes tags and source identity, which the role must allow', async () => {
    const tags = { principal_tags: { Team: ['delivery'] }, transitive_tag_keys: ['Team'] };
    const tagged = { 'https://aws.amazon.com/tags': tags };
    expect((await assume(await issuer.token(tagged))).PackedPolicySize).toBeGreaterThan(0);
    expect(await refusal(issuer.token({ 'https://aws.amazon.com/source_identity': 'octocat' }))).toBe(
      'AccessDenied: Not authorized to perform sts:SetSourceIdentity',
    );
    expect(await refusal(issuer.token({ 'https://aws.amazon.com/tags': 'x' }))).toContain('InvalidIdentityToken');
    const several = { 'https://aws.amazon.com/tags/principal_tags/Team': ['a', 'b'] };
    expect(await refusal(issuer.token(several))).toContain('InvalidIdentityToken');
    await iam.send(
      new UpdateAssumeRolePolicyCommand({
        RoleName: 'GitHub',
        PolicyDocument: ofMain().replace('"sts:TagSession"', '"sts:SetSourceIdentity"'),
      }),
    );
    const answer = await assume(await issuer.token({ 'https://aws.amazon.com/source_identity': 'octocat' }));
    expect(answer.SourceIdentity).toBe('octocat');
    expect(await refusal(issuer.token(tagged))).toBe('AccessDenied: Not authorized to perform sts:TagSession');
    await iam.send(new UpdateAssumeRolePolicyCommand({ RoleName: 'GitHub', PolicyDocument: ofMain() }));
  });

  it('is not let in for longer than the role says', async () => {
    expect(await refusal(issuer.token(), { DurationSeconds: 7200 })).toContain('MaxSessionDuration');
    expect(await refusal('', {})).toContain('ValidationError');
    expect(await refusal(issuer.token(), { ProviderId: 'graph.facebook.com' })).toContain('not implemented by Sluice');
  });
});

describe('a token', () => {
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const seconds = (): number => Math.floor(sluice.house.config.wallNow() / 1000);

  it('must be of today', async () => {
    expect(await refusal(issuer.token({ exp: seconds() - 60 }))).toContain('ExpiredTokenException: Token expired');
    expect(await refusal(issuer.token({ nbf: seconds() + 600 }))).toContain('InvalidIdentityToken');
    expect(await refusal(issuer.token({ exp: undefined }))).toContain('Missing a required claim: exp');
    expect(await refusal(issuer.token({ sub: undefined }))).toContain('Missing a required claim: sub');
    expect(await refusal(issuer.token({ iss: 'https://token.actions.githubusercontent.com' }))).toContain(
      'No OpenIDConnect provider found in your account',
    );
  });

  it('is signed by its provider, and in no other way', async () => {
    const good = await issuer.token();
    const [head = '', payload = '', signature = ''] = good.split('.');
    const none = `${encoded({ alg: 'none' })}.${payload}.`;
    expect(await refusal(none)).toContain('not a valid JWT');
    expect(await refusal(`${encoded({ alg: 'none' })}.${payload}.${signature}`)).toContain('InvalidIdentityToken');
    // The public key as the secret of an HMAC.
    const body = `${encoded({ alg: 'HS256', kid: 'key-1' })}.${payload}`;
    const hmac = createHmac('sha256', await issuer.publicKey())
      .update(body)
      .digest('base64url');
    expect(await refusal(`${body}.${hmac}`)).toContain('InvalidIdentityToken');
    const other = encoded({
      ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object),
      sub: 'repo:octo-org/octo-repo:x',
    });
    expect(await refusal(`${head}.${other}.${signature}`)).toContain('The signature of the token is not valid');
    const elsewhere = await startIssuer();
    expect(await refusal(elsewhere.token({ iss: issuer.url }))).toContain('The signature of the token is not valid');
    // A header that says where to find the key is not listened to.
    const before = elsewhere.asked.length;
    for (const header of [{ jku: `${elsewhere.url}/keys`, kid: 'x' }, { kid: '../../../../etc/passwd' }, { kid: '' }]) {
      expect(await refusal(elsewhere.token({ iss: issuer.url }, header))).toContain('InvalidIdentityToken');
    }
    expect(elsewhere.asked.length).toBe(before);
    await elsewhere.close();
    expect(await refusal(issuer.token({ padding: 'x'.repeat(30_000) }))).not.toBe('no error');
    expect((await assume(good)).Credentials?.AccessKeyId).toMatch(/^ASIA/);
  });

  it('is never a fault of ours, nor a way in, however it is broken', async () => {
    const good = await issuer.token({ sub: 'repo:octo-org/octo-repo:good' });
    const nested = `${'['.repeat(3000)}${']'.repeat(3000)}`;
    const part = fc.oneof(
      fc.base64String({ maxLength: 200 }).map((text) => text.replace(/[+/=]/g, '_')),
      fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text).toString('base64url')),
      fc.constantFrom(...good.split('.'), Buffer.from(nested).toString('base64url'), ''),
      fc
        .record(
          {
            alg: fc.constantFrom('none', 'HS256', 'RS256', 'PS256', 'ES256', 'dir', ''),
            kid: fc.oneof(fc.string(), fc.constantFrom('key-1', '__proto__', '../key')),
            crit: fc.constantFrom(['b64'], ['exp'], [], 'x'),
            b64: fc.boolean(),
            jwk: fc.constant({ kty: 'oct', k: 'AAAA' }),
          },
          { requiredKeys: [] },
        )
        .map(encoded),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
        const token = parts.join('.');
        fc.pre(token !== good && token.length >= 4 && token.length <= 20_000);
        expect(await refusal(token)).toMatch(/^(?:InvalidIdentityToken|ValidationError|ExpiredToken)/);
      }),
      { numRuns: 60, seed: 20261124 },
    );
  });
});

describe('a provider', () => {
  it('with new keys is asked again, and with none is not believed', async () => {
    await issuer.rotate();
    // It is not asked again at once: a stranger could make us ask as often as they like.
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toBe('no error');
    await issuer.rotate();
    issuer.instead((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/elsewhere' }).end());
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toContain('it redirects elsewhere');
    issuer.instead((_, response) => response.end('x'.repeat(300_000)));
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toContain('is longer than');
    issuer.instead((_, response) => response.writeHead(503).end());
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toContain('IDPCommunicationError');
    issuer.instead((_, response) => response.writeHead(403).end());
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toContain('IDPRejectedClaim');
    issuer.instead((_, response) => response.end(JSON.stringify({ issuer: 'https://example.com', jwks_uri: 'x' })));
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toContain('another issuer');
    issuer.instead(undefined);
    await expect.poll(async () => refusal(issuer.token()), { timeout: 10_000 }).toBe('no error');
  });

  it('is kept, changed, tagged, listed and deleted', async () => {
    const Url = 'https://token.actions.githubusercontent.com';
    const thumbprint = '6938FD4D98BAB03FAADB97B34396831E3780AEA1';
    const input = {
      Url,
      ClientIDList: ['sts.amazonaws.com'],
      ThumbprintList: [thumbprint],
      Tags: [{ Key: 'a', Value: 'b' }],
    };
    const { OpenIDConnectProviderArn } = await iam.send(new CreateOpenIDConnectProviderCommand(input));
    expect(OpenIDConnectProviderArn).toBe(
      `arn:aws:iam::${sluice.account}:oidc-provider/token.actions.githubusercontent.com`,
    );
    expect(await failure(iam.send(new CreateOpenIDConnectProviderCommand(input)))).toBe('EntityAlreadyExistsException');
    const on = { OpenIDConnectProviderArn };
    await iam.send(new UpdateOpenIDConnectProviderThumbprintCommand({ ...on, ThumbprintList: ['a'.repeat(40)] }));
    await iam.send(new AddClientIDToOpenIDConnectProviderCommand({ ...on, ClientID: 'other' }));
    await iam.send(new RemoveClientIDFromOpenIDConnectProviderCommand({ ...on, ClientID: 'sts.amazonaws.com' }));
    await iam.send(new TagOpenIDConnectProviderCommand({ ...on, Tags: [{ Key: 'c', Value: 'd' }] }));
    await iam.send(new UntagOpenIDConnectProviderCommand({ ...on, TagKeys: ['a'] }));
    expect(await iam.send(new GetOpenIDConnectProviderCommand(on))).toMatchObject({
      Url: 'token.actions.githubusercontent.com',
      ClientIDList: ['other'],
      ThumbprintList: ['a'.repeat(40)],
      Tags: [{ Key: 'c', Value: 'd' }],
    });
    expect((await iam.send(new ListOpenIDConnectProviderTagsCommand(on))).Tags).toHaveLength(1);
    expect((await iam.send(new ListOpenIDConnectProvidersCommand({}))).OpenIDConnectProviderList).toHaveLength(2);
    await iam.send(new DeleteOpenIDConnectProviderCommand(on));
    await iam.send(new DeleteOpenIDConnectProviderCommand(on));
    expect(await failure(iam.send(new GetOpenIDConnectProviderCommand(on)))).toBe('NoSuchEntityException');
    for (const bad of [
      'http://example.com',
      'https://example.com:8443',
      'https://aws',
      'ftp://x.y',
      'https://a.b?c=d',
      'x',
    ]) {
      expect(await failure(iam.send(new CreateOpenIDConnectProviderCommand({ Url: bad })))).toBe(
        'InvalidInputException',
      );
    }
  });
});
