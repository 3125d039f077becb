/**
 * What a service says of a resource by its ARN is what a call on that resource is decided by: the same owner, the same
 * policies, and no condition key that the call would not have.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Principal } from '../../src/common/index.ts';
import { resourceFacts } from '../../src/app/why/resource-facts.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { zipOf } from '../support/functions.ts';

const OTHER = '222222222222';

let sluice: TestSluice;
let root: Client;
let keyArn: string;
let secretArn: string;

beforeAll(async () => {
  sluice = await startSluice({
    services: ['kms', 's3', 'sqs', 'sns', 'lambda', 'secretsmanager', 'ssm', 'events', 'logs', 'codecommit'],
    seed: 3,
  });
  const { account, region } = sluice;
  root = sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
  const statement = (Action: string, Resource: string) => ({
    Effect: 'Allow',
    Principal: { AWS: `arn:aws:iam::${OTHER}:root` },
    Action,
    Resource,
  });
  const policy = (...statements: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });
  const own = { ...statement('kms:*', '*'), Principal: { AWS: `arn:aws:iam::${account}:root` } };
  const key = await root.call<{ KeyMetadata: { Arn: string } }>('kms', 'CreateKey', {
    Policy: policy(own, statement('kms:Decrypt', '*')),
    Tags: [{ TagKey: 'team', TagValue: 'red' }],
  });
  keyArn = key.KeyMetadata.Arn;
  await root.call('s3', 'CreateBucket', { Bucket: 'shared' });
  await root.call('s3', 'PutBucketPolicy', {
    Bucket: 'shared',
    Policy: policy(statement('s3:GetObject', 'arn:aws:s3:::shared/*')),
  });
  await root.call('s3', 'PutObject', { Bucket: 'shared', Key: 'a', Body: Buffer.from('a'), Tagging: 'team=red' });
  await root.call('sqs', 'CreateQueue', {
    QueueName: 'queue',
    Attributes: { Policy: policy(statement('sqs:SendMessage', `arn:aws:sqs:${region}:${account}:queue`)) },
  });
  await root.call('sns', 'CreateTopic', { Name: 'topic' });
  const ZipFile = await zipOf({ 'index.mjs': 'export const handler = async () => 1;' });
  const role = await root.call<{ Role: { Arn: string } }>('iam', 'CreateRole', {
    RoleName: 'function',
    AssumeRolePolicyDocument: policy({
      Effect: 'Allow',
      Principal: { Service: 'lambda.amazonaws.com' },
      Action: 'sts:AssumeRole',
    }),
    Tags: [{ Key: 'team', Value: 'red' }],
  });
  await root.call('lambda', 'CreateFunction', {
    FunctionName: 'fn',
    Role: role.Role.Arn,
    Runtime: 'nodejs20.x',
    Handler: 'index.handler',
    Code: { ZipFile },
  });
  await root.call('lambda', 'AddPermission', {
    FunctionName: 'fn',
    StatementId: 'other',
    Action: 'lambda:InvokeFunction',
    Principal: OTHER,
  });
  const secret = await root.call<{ ARN: string }>('secretsmanager', 'CreateSecret', {
    Name: 'secret',
    SecretString: 's',
  });
  secretArn = secret.ARN;
  await root.call('secretsmanager', 'PutResourcePolicy', {
    SecretId: 'secret',
    ResourcePolicy: policy(statement('secretsmanager:GetSecretValue', '*')),
  });
  await root.call('ssm', 'PutParameter', { Name: '/a/b', Type: 'String', Value: 'v' });
  await root.call('events', 'PutRule', { Name: 'rule', ScheduleExpression: 'rate(1 hour)' });
  await root.call('logs', 'CreateLogGroup', { logGroupName: 'group' });
  await root.call('codecommit', 'CreateRepository', { repositoryName: 'repository' });
});

afterAll(() => sluice?.close());

const CALLS: readonly (readonly [string, string, () => object])[] = [
  ['s3', 'GetObject', () => ({ Bucket: 'shared', Key: 'a' })],
  ['s3', 'ListObjectsV2', () => ({ Bucket: 'shared' })],
  ['kms', 'Decrypt', () => ({ KeyId: keyArn })],
  ['kms', 'DescribeKey', () => ({ KeyId: keyArn })],
  ['kms', 'DisableKey', () => ({ KeyId: keyArn })],
  ['sqs', 'SendMessage', () => ({ QueueUrl: `${sluice.url}/${sluice.account}/queue`, MessageBody: 'm' })],
  ['sns', 'Publish', () => ({ TopicArn: `arn:aws:sns:${sluice.region}:${sluice.account}:topic`, Message: 'm' })],
  ['lambda', 'Invoke', () => ({ FunctionName: `arn:aws:lambda:${sluice.region}:${sluice.account}:function:fn` })],
  ['secretsmanager', 'GetSecretValue', () => ({ SecretId: secretArn })],
  ['ssm', 'GetParameter', () => ({ Name: '/a/b' })],
  ['events', 'PutRule', () => ({ Name: 'rule', ScheduleExpression: 'rate(1 hour)' })],
  ['logs', 'CreateLogStream', () => ({ logGroupName: 'group', logStreamName: 's' })],
  ['codecommit', 'GetBranch', () => ({ repositoryName: 'repository', branchName: 'main' })],
  ['sts', 'AssumeRole', () => ({ RoleArn: `arn:aws:iam::${sluice.account}:role/function`, RoleSessionName: 'me' })],
  ['iam', 'GetRole', () => ({ RoleName: 'function' })],
];

it.each(CALLS)('%s:%s is decided by what its service says of the resource', async (service, operation, input) => {
  const { account, region } = sluice;
  for (const principal of [userOf(OTHER), userOf(account)]) {
    const { explained } = await sluice.open.door.explain({
      service,
      operation,
      input: input() as Record<string, unknown>,
      principal,
      scope: { account, region },
    });
    expect(explained.length).toBeGreaterThan(0);
    for (const { input: decided } of explained) {
      const { request } = decided;
      const facts = await resourceFacts(sluice.open, request.resource, request.action, principal);
      expect(facts, request.resource).toBeDefined();
      expect(facts?.resourceAccount).toBe(request.resourceAccount ?? account);
      expect(facts?.resourcePolicies ?? []).toEqual(request.resourcePolicies ?? []);
      expect(facts?.resourcePolicyMode).toBe(request.resourcePolicyMode);
      for (const [key, value] of Object.entries(facts?.context ?? {})) {
        if (key.includes('ResourceTag/')) continue;
        expect(decided.context[key], key).toEqual(value);
      }
    }
  }
});

it('knows nothing of what is not there', async () => {
  const { account, region } = sluice;
  const absent = [
    'arn:aws:s3:::nowhere/a',
    `arn:aws:kms:${region}:${account}:key/00000000-0000-4000-8000-000000000000`,
    `arn:aws:sqs:${region}:${account}:nothing`,
    `arn:aws:lambda:${region}:${account}:function:nothing`,
    `arn:aws:iam::${account}:role/nobody`,
    'arn:aws:iam::nonsense',
    'arn:aws:ec2:us-east-1:1:instance/i-1',
    '*',
    '',
  ];
  for (const arn of absent) expect(await resourceFacts(sluice.open, arn, 's3:GetObject'), arn).toBeUndefined();
});

function userOf(account: string): Principal {
  return { type: 'User', account, arn: `arn:aws:iam::${account}:user/ada`, userName: 'ada', userId: 'AIDAADA' };
}
