import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { Principal } from '../../common/index.ts';
import { openModels } from '../../protocol/index.ts';
import { Remotes } from './remotes.ts';
import type { RemoteSetting } from './settings.ts';

const models = openModels(fileURLToPath(new URL('../../../models', import.meta.url)));
const P: Principal = { type: 'Root', account: '111111111111', arn: 'arn:aws:iam::111111111111:root' };
const STS_ANSWER = `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIATHERE</AccessKeyId>
  <SecretAccessKey>s</SecretAccessKey><SessionToken>token-of-there</SessionToken><Expiration>2030-01-01T00:00:00Z</Expiration>
  </Credentials><AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::222222222222:assumed-role/X/s</Arn>
  </AssumedRoleUser></AssumeRoleResult></AssumeRoleResponse>`;

const servers: Server[] = [];
const open: Remotes[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((remotes) => remotes.close()));
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))));
});

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Answers one request after the other as told, and keeps what was asked. */
async function endpoint(...answers: Answer[]): Promise<{ url: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    request.resume().on('end', () => answers[Math.min(asked.length, answers.length) - 1]?.(request, response));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const json =
  (status: number, body: object): Answer =>
  (_request, response) =>
    void response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body));

function remotesOf(...settings: (Partial<RemoteSetting> & { account: string })[]): Remotes {
  const whole = settings.map((setting) => ({
    buckets: [],
    credentials: { accessKeyId: 'AKIAMAPPED', secretAccessKey: 'secret' },
    ...setting,
  }));
  const remotes = new Remotes(whole, models, () => 1_700_000_000_000);
  open.push(remotes);
  return remotes;
}

const getDeployment = (account: string, principal: Principal = P) => ({
  service: 'codedeploy',
  operation: 'GetDeployment',
  input: { deploymentId: 'd-1' },
  principal,
  scope: { account, region: 'eu-west-1' },
});

describe('Remotes', () => {
  it('signs with the credentials of the setting, and reads the answer', async () => {
    const { url, asked } = await endpoint(json(200, { deploymentInfo: { status: 'Succeeded' } }));
    const remotes = remotesOf({ account: '222222222222', regions: ['eu-west-1'], endpoint: url });
    const call = getDeployment('222222222222');
    const remote = remotes.of(call);
    expect(remote && (await remotes.call(remote, call))).toEqual({ deploymentInfo: { status: 'Succeeded' } });
    expect(asked[0]?.headers['authorization']).toMatch(
      /Credential=AKIAMAPPED\/20231114\/eu-west-1\/codedeploy\/aws4_request/,
    );
    expect(remotes.of({ ...call, scope: { account: '222222222222', region: 'us-east-1' } })).toBeUndefined();
    expect(remotes.ofRole('arn:aws:iam::222222222222:role/X', 'us-east-1')).toBe(remote);
  });

  it.each([
    ['is throttled', json(400, { __type: 'ThrottlingException', message: 'Rate exceeded' })],
    ['fails within', json(500, { __type: 'InternalFailure' })],
    ['hangs up', ((request) => void request.socket.destroy()) satisfies Answer],
  ])('asks again where it %s', async (_what, fault) => {
    const { url, asked } = await endpoint(fault, fault, json(200, { deploymentInfo: {} }));
    const remotes = remotesOf({ account: '222222222222', endpoint: url });
    const call = getDeployment('222222222222');
    const remote = remotes.of(call);
    expect(remote && (await remotes.call(remote, call))).toEqual({ deploymentInfo: {} });
    expect(asked).toHaveLength(3);
  });

  it('gives the error of the other side, at once', async () => {
    const body = {
      __type: 'com.amazonaws#DeploymentDoesNotExistException',
      message: 'The deployment d-1 could not be found',
    };
    const { url, asked } = await endpoint(json(400, body));
    const remotes = remotesOf({ account: '222222222222', endpoint: url });
    const call = getDeployment('222222222222');
    const remote = remotes.of(call);
    await expect(remote && remotes.call(remote, call)).rejects.toMatchObject({
      code: 'DeploymentDoesNotExistException',
      message: body.message,
      statusCode: 400,
    });
    expect(asked).toHaveLength(1);
  });

  it('sends a session of one endpoint to that endpoint only, and never in a circle', async () => {
    const sts: Answer = (_request, response) => void response.writeHead(200).end(STS_ANSWER);
    const first = await endpoint(sts, json(200, { deploymentInfo: {} }));
    const other = await endpoint(json(200, {}));
    const remotes = remotesOf(
      { account: '222222222222', endpoint: first.url },
      { account: '333333333333', buckets: ['elsewhere'], endpoint: other.url },
    );
    const roleArn = 'arn:aws:iam::222222222222:role/X';
    const home = remotes.ofRole(roleArn, 'eu-west-1');
    if (home === undefined) throw new Error('the role lies there');
    const session = await remotes.assumeRole(home, { by: P, roleArn, sessionName: 's', region: 'eu-west-1', now: 5 });
    expect(session.expiresAt).toBe(5 + 3_600_000);
    const read = {
      service: 's3',
      operation: 'GetObject',
      input: { Bucket: 'elsewhere', Key: 'k' },
      principal: session.principal,
      scope: { account: '222222222222', region: 'eu-west-1' },
    };
    expect(remotes.of(read)).toBe(home);
    const elsewhere = remotes.of({ ...read, principal: P });
    if (elsewhere === undefined) throw new Error('the bucket lies elsewhere');
    await expect(remotes.call(elsewhere, read)).rejects.toMatchObject({ code: 'AccessDeniedException' });
    await expect(remotes.call(home, { ...getDeployment('222222222222'), hops: 3 })).rejects.toThrow('in a circle');
    expect(other.asked).toHaveLength(0);
    await remotes.call(home, getDeployment('222222222222', session.principal));
    expect(first.asked[1]?.headers).toMatchObject({ 'x-amz-security-token': 'token-of-there', 'x-sluice-hops': '1' });
  });
});
