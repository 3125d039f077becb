/** Policies of the largest size that a service keeps, made to be slow, with the requests that make them so. */
import type { DecisionInput, NamedPolicy } from '../../src/core/policy/index.ts';

export type HostileDecision = Readonly<{ name: string; input: DecisionInput }>;

const ACCOUNT = '111111111111';
/** Source: reference of the limits, "Sizes": bucket policies 20480 bytes, key policies 32768, managed policies 6144. */
const BUCKET = 20_480;
const KEY = 32_768;
const MANAGED = 6_144;
/** An S3 key has at most 1024 bytes, a tag value 256 characters. */
const LONGEST_KEY = 1024;
const LONGEST_TAG = 256;

export function hostileDecisions(): readonly HostileDecision[] {
  const object = `arn:aws:s3:::b/${'a'.repeat(LONGEST_KEY)}`;
  const tags = { 'aws:PrincipalTag/t': 'a'.repeat(LONGEST_TAG), 's3:prefix': 'a'.repeat(LONGEST_KEY / 2) };
  const agent = { 'aws:UserAgent': 'a'.repeat(2048), ...tags };
  const bucket = (name: string, pattern: string): HostileDecision => ({
    name: `bucket policy of ${name}`,
    input: onBucket(object, tags, filled(BUCKET, allow({ Principal: '*' }), 'Resource', pattern)),
  });
  return [
    bucket('stars', `arn:aws:s3:::b/${'*a'.repeat(400)}b`),
    bucket('question marks', `arn:aws:s3:::b/*${'a?'.repeat(400)}b*c`),
    bucket('short stars', 'arn:aws:s3:::b/*a*b'),
    bucket('short question marks', 'arn:aws:s3:::b/*a?b*'),
    bucket('variables', 'arn:aws:s3:::b/*${aws:PrincipalTag/t}b*'),
    bucket('variables in front', 'arn:aws:s3:::b/${s3:prefix}*b'),
    bucket('variables and question marks', 'arn:aws:s3:::b/*${s3:prefix}?b*'),
    bucket('one pattern of variables', `arn:aws:s3:::b/*${'${s3:prefix}'.repeat(1500)}`),
    {
      name: 'key policy of conditions',
      input: onKey(agent, filled(KEY, conditional('StringLike', 'aws:UserAgent'), 'values', '*a?b*')),
    },
    {
      name: 'key policy of conditions with variables',
      input: onKey(
        agent,
        filled(KEY, conditional('StringLike', 'aws:UserAgent'), 'values', '*${aws:PrincipalTag/t}?b*'),
      ),
    },
    {
      name: 'key policy of tag keys',
      input: onKey(
        { 'aws:TagKeys': Array.from({ length: 50 }, (_, i) => `${'k'.repeat(125)}${i}`) },
        filled(KEY, conditional('ForAnyValue:StringLike', 'aws:TagKeys'), 'values', '*k?l'),
      ),
    },
    {
      name: 'managed policies of statements',
      input: {
        ...onBucket(object, tags, { Version: '2012-10-17', Statement: [] }),
        policies: {
          identity: Array.from({ length: 10 }, (_, i) => named(`p${i}`, manyStatements(MANAGED))),
        },
      },
    },
  ];
}

type Statement = Record<string, unknown>;

function allow(rest: Statement): Statement {
  return { Effect: 'Allow', Action: '*', Resource: '*', ...rest };
}

function conditional(operator: string, key: string): Statement {
  return allow({ Principal: '*', Condition: { [operator]: { [key]: [] } } });
}

/** The statement with as many patterns, each a little different, as the size allows. */
function filled(size: number, statement: Statement, member: 'Resource' | 'values', pattern: string): Statement {
  const document = (patterns: readonly string[]): Statement => ({
    Version: '2012-10-17',
    Statement: [member === 'Resource' ? { ...statement, Resource: patterns } : withValues(statement, patterns)],
  });
  const room = size - JSON.stringify(document([])).length;
  // Each ends in a star: a number at the end would be seen to differ at once.
  const each = pattern.length + 7;
  return document(
    Array.from({ length: Math.max(1, Math.floor(room / each)) }, (_, i) => `${pattern}${i.toString(36)}*`),
  );
}

function withValues(statement: Statement, values: readonly string[]): Statement {
  const [[operator, keys] = ['', {}]] = Object.entries(statement['Condition'] as Record<string, object>);
  return { ...statement, Condition: { [operator]: { [Object.keys(keys)[0] ?? '']: values } } };
}

function manyStatements(size: number): Statement {
  const statement = (i: number): Statement => allow({ Action: 's3:*', Resource: `arn:aws:s3:::b/*a?${i}` });
  const each = JSON.stringify(statement(1)).length + 3;
  return {
    Version: '2012-10-17',
    Statement: Array.from({ length: Math.floor((size - 40) / each) }, (_, i) => statement(i)),
  };
}

function named(name: string, document: Statement): NamedPolicy {
  return { name, document: JSON.stringify(document) };
}

function onBucket(resource: string, context: DecisionInput['context'], document: Statement): DecisionInput {
  return {
    principal: role(),
    scope: { account: ACCOUNT, region: 'us-east-1' },
    context,
    request: { action: 's3:GetObject', resource, resourcePolicies: [named('bucket policy of b', document)] },
    policies: { identity: [] },
  };
}

function onKey(context: DecisionInput['context'], document: Statement): DecisionInput {
  const resource = `arn:aws:kms:us-east-1:${ACCOUNT}:key/k`;
  return {
    ...onBucket(resource, context, document),
    request: {
      action: 'kms:Decrypt',
      resource,
      resourcePolicyMode: 'Only',
      resourcePolicies: [named(`key policy of ${resource}`, document)],
    },
  };
}

function role(): DecisionInput['principal'] {
  return {
    type: 'AssumedRole',
    account: ACCOUNT,
    arn: `arn:aws:sts::${ACCOUNT}:assumed-role/R/s`,
    roleArn: `arn:aws:iam::${ACCOUNT}:role/R`,
    roleName: 'R',
    roleId: 'AROAR',
    sessionName: 's',
    issuedAt: 0,
    expiresAt: 1,
  };
}
