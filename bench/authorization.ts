/**
 * What authorisation costs a call: the same call by three callers, turn about in one run. The root has no policies; a role
 * has one statement, or a typical lot (five policies of twenty statements, of which the last allows the call). The
 * difference between the root and the roles is all that a session and its policies cost, from its token to the decision.
 */
import {
  AttachRolePolicyCommand,
  CreateAccessKeyCommand,
  CreatePolicyCommand,
  CreateRoleCommand,
  CreateUserCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import type { SigningCredentials } from '../src/protocol/index.ts';
import { prepare, requestsPerSecond } from './api.ts';
import { cpuTimeMs, quantile, type Row } from './measure.ts';

const ROUNDS = 7;
const WARM_UP = 2;
const POLICIES = 5;
const STATEMENTS = 20;
const MOST_PERCENT = 10;

type Caller = Readonly<{ name: string; credentials: SigningCredentials }>;

/** `pid` is the server's: its processor time is what is compared, so that a busy machine does not count. */
export async function benchAuthorization(endpoint: string, pid: number): Promise<Row[]> {
  const calls = (await prepare(endpoint)).slice(0, 2);
  const callers = await makeCallers(endpoint);
  const rows: Row[] = [];
  for (const call of calls) {
    const costs = callers.map((): number[] => []);
    for (let round = -WARM_UP; round < ROUNDS; round++)
      for (const [index, { credentials }] of callers.entries()) {
        const from = cpuTimeMs(pid) ?? performance.now();
        const latencies: number[] = [];
        await requestsPerSecond(endpoint, call, latencies, credentials);
        const spent = (cpuTimeMs(pid) ?? performance.now()) - from;
        if (round >= 0) costs[index]?.push((spent * 1000) / latencies.length);
      }
    const [root = [], ...others] = costs;
    const own = quantile(root, 0.5);
    rows.push({ name: `${call.name}, ${callers[0]?.name}`, unit: 'µs of processor', value: own });
    for (const [index, of] of others.entries()) {
      const value = quantile(of, 0.5);
      const note = `${((value / own - 1) * 100).toFixed(1)} % more than the root`;
      const target = `≤ ${MOST_PERCENT} % more`;
      rows.push({ name: `  ${callers[index + 1]?.name}`, unit: 'µs of processor', value, target, note });
    }
  }
  return rows;
}

async function makeCallers(endpoint: string): Promise<readonly Caller[]> {
  const root = { accessKeyId: 'test', secretAccessKey: 'test' };
  const config = { endpoint, region: 'us-east-1', credentials: root };
  const iam = new IAMClient(config);
  // The root cannot assume roles.
  const UserName = 'bench-admin';
  await iam.send(new CreateUserCommand({ UserName }));
  const all = policy([{ Effect: 'Allow', Action: '*', Resource: '*' }]);
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'all', PolicyDocument: all }));
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }));
  const credentials = {
    accessKeyId: AccessKey?.AccessKeyId ?? '',
    secretAccessKey: AccessKey?.SecretAccessKey ?? '',
  };
  const sts = new STSClient({ ...config, credentials });
  const trust = policy([{ Effect: 'Allow', Principal: { AWS: '000000000000' }, Action: 'sts:AssumeRole' }]);
  const session = async (RoleName: string): Promise<SigningCredentials> => {
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: trust }));
    if (RoleName === 'bench-one')
      await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: 'all', PolicyDocument: all }));
    else
      for (let i = 0; i < POLICIES; i++) {
        const PolicyDocument = typicalPolicy(i);
        const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: `bench-${i}`, PolicyDocument }));
        await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn: Policy?.Arn }));
      }
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({ RoleArn: Role?.Arn, RoleSessionName: 'bench', DurationSeconds: 3600 }),
    );
    return {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken ?? '',
    };
  };
  return [
    { name: 'root', credentials: root },
    { name: 'role, one statement', credentials: await session('bench-one') },
    { name: `role, ${POLICIES} policies of ${STATEMENTS} statements`, credentials: await session('bench-typical') },
  ];
}

/** Statements about several services, with resources and conditions; the last of the last policy allows the calls. */
function typicalPolicy(index: number): string {
  const statements = Array.from({ length: STATEMENTS }, (_, i) => {
    const service = ['s3', 'codepipeline', 'codedeploy', 'lambda', 'kms'][i % 5] ?? 's3';
    const Condition = i % 2 === 0 ? { Condition: { StringEquals: { 'aws:RequestedRegion': `eu-west-${i}` } } } : {};
    return {
      Effect: 'Allow',
      Action: [`${service}:Get*`, `${service}:List*`],
      Resource: `arn:aws:${service}:*:*:team-${index}-${i}/*`,
      ...Condition,
    };
  });
  const last = { Effect: 'Allow', Action: ['codepipeline:*', 'codedeploy:*'], Resource: '*' };
  return policy(index === POLICIES - 1 ? [...statements.slice(1), last as never] : statements);
}

function policy(statements: readonly object[]): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: statements });
}
