/**
 * The rules of the reference, case by case: each row names its section. The tables are data, in `test/support/policy-cases`;
 * here is how they are read.
 */
import { describe, expect, it } from 'vitest';
import { A, B, CALLERS, type CallerName } from '../../../test/support/policy-cases/callers.ts';
import { BLOCK_CASES, CONDITION_CASES, KEY_CASES } from '../../../test/support/policy-cases/conditions.ts';
import {
  EVALUATION_CASES,
  type EvaluationCase,
  KEY_POLICY_CASES,
  MESSAGE_CASES,
  TRUST_CASES,
} from '../../../test/support/policy-cases/evaluation.ts';
import { CONTROL_POLICY_CASES, GRAMMAR_CASES } from '../../../test/support/policy-cases/grammar.ts';
import { ACTION_CASES, RESOURCE_CASES, VARIABLE_CASES } from '../../../test/support/policy-cases/matching.ts';
import { NOT_PRINCIPAL_CASES, PRINCIPAL_CASES } from '../../../test/support/policy-cases/principals.ts';
import type { AccessRequest, RequestContext } from '../../common/index.ts';
import {
  type Caller,
  decide,
  type DecisionInput,
  denialMessage,
  type NamedPolicy,
  validateControlPolicy,
  validatePolicyDocument,
} from './index.ts';

type Json = Readonly<Record<string, unknown>>;

const policy = (name: string, statements: readonly Json[], version = '2012-10-17'): NamedPolicy => ({
  name,
  document: JSON.stringify({ Version: version, Statement: statements }),
});
const text = (value: unknown): string => JSON.stringify(value);

/** Whether an identity policy of this one statement allows the request. */
function allows(
  statement: Json,
  {
    action = 's3:GetObject',
    resource = '*',
    context = {},
    version = '2012-10-17',
  }: Readonly<{
    action?: string;
    resource?: string;
    context?: RequestContext;
    version?: string;
  }>,
): boolean {
  const written = { Effect: 'Allow', ...statement };
  return decide({
    principal: CALLERS.role,
    scope: { account: A, region: 'us-east-1' },
    request: { action, resource },
    context,
    policies: { identity: [policy('identity', [written], version)] },
  }).allowed;
}

describe('§3.2 actions', () => {
  it.each(ACTION_CASES.map((row) => [text(row[0]), ...row] as const))('%s and %s', (_, element, action, expected) => {
    expect(allows({ Resource: '*', ...element }, { action: String(action) })).toBe(expected);
  });
});

describe('§3.2 resources', () => {
  it.each(
    RESOURCE_CASES.map(([element, resource, matches]) => ({
      name: `${text(element)} and ${resource}`,
      element,
      resource,
      matches,
    })),
  )('$name', ({ element, resource, matches }) => {
    expect(allows({ Action: '*', ...element }, { resource })).toBe(matches);
  });
});

describe('§3.2 variables', () => {
  it.each(
    VARIABLE_CASES.map(([element, resource, context, matches, version]) => ({
      name: `${text(element)}, ${resource}, ${text(context)} ${version ?? ''}`,
      run: () => allows({ Action: '*', ...element }, { resource, context, ...(version !== undefined && { version }) }),
      matches,
    })),
  )('$name', ({ run, matches }) => {
    expect(run()).toBe(matches);
  });
});

describe('§3.3 operators', () => {
  it.each(
    CONDITION_CASES.map(([operator, wanted, found, holds]) => ({
      name: `${operator} ${text(wanted)} of ${found === undefined ? 'no value' : text(found)}`,
      statement: { Action: '*', Resource: '*', Condition: { [operator]: { 'aws:key': wanted } } },
      context: (found === undefined ? {} : { 'aws:key': found }) as RequestContext,
      holds,
    })),
  )('$name', ({ statement, context, holds }) => {
    expect(allows(statement, { context })).toBe(holds);
  });
});

describe('§3.3 blocks', () => {
  it.each(
    BLOCK_CASES.map(([block, context, holds]) => ({
      name: `${text(block)} of ${text(context)}`,
      block,
      context,
      holds,
    })),
  )('$name', ({ block, context, holds }) => {
    expect(allows({ Action: '*', Resource: '*', Condition: block }, { context })).toBe(holds);
  });
});

describe('§3.4 keys', () => {
  it.each(KEY_CASES)('%s by %s', (key, operator, wanted, found) => {
    const statement = { Action: '*', Resource: '*', Condition: { [operator]: { [key]: wanted } } };
    expect(allows(statement, { context: { [key]: found } })).toBe(true);
    expect(allows(statement, { context: { [key.toUpperCase()]: found } })).toBe(true);
    expect(allows(statement, { context: {} })).toBe(false);
  });
});

describe('§3.5 principals', () => {
  const nothing = policy('boundary', []);
  const everything = policy('identity', [{ Effect: 'Allow', Action: '*', Resource: '*' }]);
  it.each(
    PRINCIPAL_CASES.map(([element, caller, grip]) => ({
      name: `${text(element)} for ${caller}`,
      element,
      caller,
      grip,
    })),
  )('$name: $grip', ({ element, caller, grip }) => {
    const principal: Caller = CALLERS[caller];
    // In the caller's own account, where the policy alone decides: what it lets pass tells the grip.
    const account = 'account' in principal ? (principal.account ?? A) : A;
    const ask = (policies: DecisionInput['policies']): boolean =>
      decide({
        principal,
        scope: { account, region: 'us-east-1' },
        context: {},
        request: {
          action: 's3:GetObject',
          resource: 'arn:aws:s3:::b/k',
          resourcePolicyMode: 'Only',
          resourcePolicies: [
            policy('bucket policy', [{ Effect: 'Allow', Principal: element, Action: '*', Resource: '*' }]),
          ],
        },
        policies,
      }).allowed;
    const full = { identity: [everything], session: [everything] };
    const found = !ask(full)
      ? 'none'
      : ask({ identity: [], boundary: nothing, session: [nothing] })
        ? 'direct'
        : principal.type !== 'Root' && ask({ ...full, identity: [] })
          ? 'role'
          : 'account';
    expect(found).toBe(grip);
  });

  it.each(
    NOT_PRINCIPAL_CASES.map(([names, caller, denied]) => ({
      name: `${text(names)} and ${caller}`,
      names,
      caller,
      denied,
    })),
  )('NotPrincipal $name: $denied', ({ names, caller, denied }) => {
    const decision = decide({
      principal: CALLERS[caller],
      scope: { account: A, region: 'us-east-1' },
      context: {},
      request: {
        action: 's3:GetObject',
        resource: 'arn:aws:s3:::b/k',
        resourcePolicies: [
          policy('bucket policy', [{ Effect: 'Deny', NotPrincipal: { AWS: names }, Action: '*', Resource: '*' }]),
        ],
      },
      policies: { identity: [everything], session: [everything] },
    });
    expect(!decision.allowed && decision.reason.kind === 'explicit').toBe(denied);
  });
});

// --- whole decisions ---

const SIGNS: Readonly<Record<string, readonly string[]>> = {
  '+': ['Allow'],
  '-': ['Deny'],
  '±': ['Allow', 'Deny'],
  '0': [],
};

/** Reads `trust in B i+ r+role scp+0`; see `evaluation.ts`. */
function inputOf(callerName: CallerName, words: string): DecisionInput {
  const principal: Caller = CALLERS[callerName];
  const has = (word: string): boolean => ` ${words} `.includes(` ${word} `);
  const owner = has('in B') ? B : A;
  const signs = (type: string): string[] | undefined =>
    new RegExp(`(?:^| )${type}([+±0-]+)(?: |$)`).exec(words)?.[1]?.split('');
  const named = (name: string, sign: string, rest: Json = {}): NamedPolicy => ({
    ...policy(
      name,
      (SIGNS[sign] ?? []).map((Effect) => ({ Effect, Action: '*', Resource: '*', ...rest })),
    ),
    ...(has('arns') && { arn: `arn:aws:iam::${A}:policy/${name}` }),
  });
  const one = (type: string, name: string): NamedPolicy | undefined => {
    const [sign] = signs(type) ?? [];
    return sign === undefined ? undefined : named(name, sign);
  };
  const levels = (type: string): NamedPolicy[][] | undefined => signs(type)?.map((sign) => [named(type, sign)]);
  const identity = one('i', 'identity');
  const boundary = one('b', 'boundary');
  const session = one('s', 'session');
  const endpoint = one('e', 'endpoint');
  const serviceControl = levels('scp');
  const resourceControl = levels('rcp');
  return {
    principal,
    scope: { account: owner, region: 'us-east-1' },
    context: {},
    request: {
      ...requestOf(has, owner, principal),
      resourceAccount: owner,
      ...(has('granted') && { grantedBy: 'grant 1' }),
      ...(has('exempt') && { exemptFromResourceControl: true }),
      ...resourcePoliciesOf(words, principal, has('trust')),
    },
    policies: {
      identity: identity === undefined ? [] : [identity],
      ...(boundary && { boundary }),
      ...(session && { session: [session] }),
      ...(endpoint && { endpoint }),
      ...(serviceControl && { serviceControl }),
      ...(resourceControl && { resourceControl }),
    },
  };
}

function requestOf(has: (word: string) => boolean, owner: string, principal: Caller): AccessRequest {
  if (has('trust')) {
    const own = has('itself') && principal.type === 'AssumedRole' ? principal.roleArn : undefined;
    const action = ['TagSession', 'SetSourceIdentity'].find(has) ?? 'AssumeRole';
    return {
      action: `sts:${action}`,
      resource: own ?? `arn:aws:iam::${owner}:role/X`,
      resourcePolicyMode: 'Only',
    };
  }
  if (has('key')) {
    return {
      action: 'kms:Decrypt',
      resource: `arn:aws:kms:us-east-1:${owner}:key/k`,
      resourcePolicyMode: 'Only',
    };
  }
  if (has('iam')) return { action: 'iam:CreateUser', resource: `arn:aws:iam::${owner}:user/new` };
  if (has('PassRole')) return { action: 'iam:PassRole', resource: `arn:aws:iam::${owner}:role/X` };
  if (has('sts')) return { action: 'sts:GetAccessKeyInfo', resource: '*' };
  if (has('list')) return { action: 's3:ListAllMyBuckets', resource: '*' };
  if (has('codedeploy')) {
    return { action: 'codedeploy:GetApplication', resource: `arn:aws:codedeploy:us-east-1:${owner}:application/p` };
  }
  if (has('sqs')) return { action: 'sqs:SendMessage', resource: `arn:aws:sqs:us-east-1:${owner}:q` };
  return { action: 's3:GetObject', resource: 'arn:aws:s3:::artifacts/build.zip' };
}

function resourcePoliciesOf(words: string, caller: Caller, trust: boolean): Partial<AccessRequest> {
  const [, sign, whom = 'everybody'] = /(?:^| )r([+0-])(\w*)/.exec(words) ?? [];
  if (sign === undefined) return {};
  const statement = {
    Effect: sign === '-' ? 'Deny' : 'Allow',
    Principal: sign === '-' ? '*' : principalNamed(whom, caller),
    Action: '*',
    ...(trust ? {} : { Resource: '*' }),
  };
  return { resourcePolicies: [policy('resource policy', sign === '0' ? [] : [statement])] };
}

function principalNamed(whom: string, caller: Caller): unknown {
  if (whom === 'everybody') return '*';
  if (whom === 'account') return { AWS: ('account' in caller ? caller.account : undefined) ?? A };
  if (whom === 'role' && caller.type === 'AssumedRole') return { AWS: caller.roleArn };
  if (whom === 'user' && caller.type === 'FederatedUser') return { AWS: caller.userArn };
  if (caller.type === 'Service') return { Service: caller.service };
  if (caller.type === 'Federated') return { Federated: caller.provider };
  if ('arn' in caller) return { AWS: caller.arn };
  throw new Error(`${whom} of ${caller.type}`);
}

describe.each<[string, readonly EvaluationCase[]]>([
  ['§4.1, §4.2 evaluation', EVALUATION_CASES],
  ['§2.3 AssumeRole', TRUST_CASES],
  ['§5.1 keys', KEY_POLICY_CASES],
])('%s', (_, cases) => {
  it.each(cases)('§%s %s: %s', (__, caller, words, expected) => {
    const decision = decide(inputOf(caller, words));
    expect(decision.allowed ? 'allowed' : `${decision.reason.kind} ${decision.reason.policyType}`).toBe(expected);
  });
});

describe('§4.2 messages', () => {
  const messageOf = (caller: CallerName, words: string): string => {
    const input = inputOf(caller, words);
    const decision = decide(input);
    if (decision.allowed) throw new Error('allowed');
    const organization = words.includes('organization') ? 'o-1' : 'o-2';
    return denialMessage(input.principal, input.request, decision, {
      'aws:PrincipalOrgID': 'o-1',
      'aws:ResourceOrgID': organization,
    });
  };
  it.each(MESSAGE_CASES)('%s: %s', (caller, words, message) => {
    expect(messageOf(caller, words)).toBe(message);
  });

  it('transitive', () => {
    const input = inputOf('role', 'i+ e-');
    const decision = decide(input);
    if (decision.allowed || decision.reason.kind === 'implicit') throw new Error('not denied');
    const through = { ...decision, reason: { ...decision.reason, through: 'service control policy' as const } };
    expect(denialMessage(input.principal, input.request, through)).toMatch(
      /with an explicit deny in a VPC endpoint policy transitively through a service control policy$/,
    );
  });
});

describe('§3.1 grammar', () => {
  it.each(
    GRAMMAR_CASES.map(([kind, document, message]) => ({
      name: `${kind} ${text(document).slice(0, 160)}`,
      kind,
      document,
      message,
    })),
  )('$name', ({ kind, document, message }) => {
    const check = validatePolicyDocument(typeof document === 'string' ? document : text(document), kind);
    expect(check.ok ? undefined : check.message).toBe(message);
  });

  it.each(
    CONTROL_POLICY_CASES.map(([kind, document, valid]) => ({
      name: `${kind} ${text(document)}`,
      kind,
      document,
      valid,
    })),
  )('$name', ({ kind, document, valid }) => {
    expect(validateControlPolicy(typeof document === 'string' ? document : text(document), kind).ok).toBe(valid);
  });
});

describe('the tables', () => {
  it('hold at least four hundred cases', () => {
    const tables = [
      ACTION_CASES,
      RESOURCE_CASES,
      VARIABLE_CASES,
      CONDITION_CASES,
      BLOCK_CASES,
      KEY_CASES,
      PRINCIPAL_CASES,
      NOT_PRINCIPAL_CASES,
      EVALUATION_CASES,
      TRUST_CASES,
      KEY_POLICY_CASES,
      MESSAGE_CASES,
      GRAMMAR_CASES,
      CONTROL_POLICY_CASES,
    ];
    expect(tables.reduce((sum, table) => sum + table.length, 0)).toBeGreaterThanOrEqual(400);
  });
});
