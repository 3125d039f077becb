/** Bad input: nothing throws, nothing that cannot be read lets anybody in, nothing is slow. Seeded, so that a failure repeats. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyDecision, identityPolicy, resourcePolicy } from '../../../test/support/any-policy.ts';
import { hostileDecisions } from '../../../test/support/hostile-policies.ts';
import { allowsAction, deniesAction, isPublicPolicy, resourcePolicyProblem } from '../resource-policy/index.ts';
import {
  decide,
  type DecisionInput,
  denialMessage,
  parsePolicy,
  policySize,
  smallestMend,
  validateControlPolicy,
  validatePolicyDocument,
} from './index.ts';

const SEED = { seed: 20261124 };

/** Characters that a policy is made of, and some that it is not. */
const CRUMBS =
  `{ } [ ] " : , * ? \${ ' \\ 0 true null Version Statement Effect Allow Deny Action NotAction Resource Principal Condition
  2012-10-17 s3:* arn:aws:s3:::b/* StringLike ForAnyValue: IfExists __proto__ constructor \u0000 \ud800 é`.split(
    /[ \n]+/,
  );
const crumbs = fc.constantFrom(' ', ...CRUMBS);
const noise = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.array(crumbs, { maxLength: 40 }).map((parts) => parts.join('')),
  fc.json({ maxDepth: 4 }),
);

/** Something in it is another thing than it was. */
const spoiled = fc
  .tuple(
    fc.oneof(identityPolicy, resourcePolicy),
    fc.nat(),
    fc.constantFrom<unknown[]>(undefined, null, 5, true, '', '*', [], {}, [[]], { a: 1 }, 'Allow', ['*'], {
      AWS: [null],
    }),
  )
  .map(([policy, at, value]) => {
    const document = JSON.parse(policy.document) as unknown;
    const places: (() => void)[] = [];
    const walk = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      for (const key of Object.keys(node)) {
        places.push(() => ((node as Record<string, unknown>)[key] = value));
        places.push(() => {
          const holder = node as Record<string, unknown>;
          holder[`${key}s`] = holder[key];
          Reflect.deleteProperty(holder, key);
        });
        walk((node as Record<string, unknown>)[key]);
      }
    };
    walk(document);
    places[at % Math.max(1, places.length)]?.();
    return JSON.stringify(document) ?? '';
  });
const cut = fc
  .tuple(fc.oneof(identityPolicy, resourcePolicy), fc.nat(), fc.nat({ max: 3 }), noise)
  .map(([{ document }, at, gone, more]) => {
    const from = at % document.length;
    return document.slice(0, from) + more.slice(0, gone) + document.slice(from + gone);
  });

const bad = fc.oneof(noise, spoiled, cut);

describe('bad policies', { timeout: 30_000 }, () => {
  it('are refused without a fault', () => {
    fc.assert(
      fc.property(bad, (text) => {
        for (const kind of ['identity', 'trust', 'resource'] as const) validatePolicyDocument(text, kind);
        validateControlPolicy(text, 'SERVICE_CONTROL_POLICY');
        validateControlPolicy(text, 'RESOURCE_CONTROL_POLICY');
        parsePolicy(text);
        policySize(text);
        if (resourcePolicyProblem(text) !== undefined) return;
        isPublicPolicy(text);
        allowsAction(text, 's3:GetObject', ['*']);
        deniesAction(text, 's3:GetObject', ['*']);
      }),
      { ...SEED, numRuns: 1_000 },
    );
  });

  it('let nobody in that they could not be read to let in', () => {
    fc.assert(
      fc.property(anyDecision, bad, fc.constantFrom('identity', 'resource', 'boundary'), (input, text, where) => {
        const policy = { name: 'bad', document: text };
        const { request, policies } = input;
        const asked: DecisionInput = {
          ...input,
          request: where === 'resource' ? { ...request, resourcePolicies: [policy] } : request,
          policies: {
            ...policies,
            ...(where === 'identity' && { identity: [policy] }),
            ...(where === 'boundary' && { boundary: policy }),
          },
        };
        const decision = decide(asked);
        const applies = where !== 'identity' || ['User', 'AssumedRole', 'FederatedUser'].includes(input.principal.type);
        if (applies && !isReadable(text)) {
          expect(decision).toMatchObject({ allowed: false, reason: { kind: 'explicit' } });
        }
        if (!decision.allowed) denialMessage(asked.principal, asked.request, decision);
        JSON.stringify(smallestMend(asked, decision));
      }),
      { ...SEED, numRuns: 500 },
    );
  });

  it.each([
    ['a statement without an Effect', { Action: '*', Resource: '*' }],
    ['an unknown element', { Effect: 'Allow', Action: '*', Resource: '*', Conditions: {} }],
    ['a condition that is a number', { Effect: 'Allow', Action: '*', Resource: '*', Condition: 5 }],
    ['keys that are a number', { Effect: 'Allow', Action: '*', Resource: '*', Condition: { Bool: 5 } }],
    ['a condition that is a list', { Effect: 'Allow', Action: '*', Resource: '*', Condition: [] }],
    ['an operator of another object', { Effect: 'Allow', Action: '*', Resource: '*', Condition: { constructor: {} } }],
    ['an unknown operator', { Effect: 'Allow', Action: '*', Resource: '*', Condition: { IsEqual: { a: 'b' } } }],
    ['Action and NotAction', { Effect: 'Allow', Action: '*', NotAction: 'iam:*', Resource: '*' }],
    ['Resource and NotResource', { Effect: 'Allow', Action: '*', Resource: '*', NotResource: '*' }],
    ['no Action', { Effect: 'Allow', Resource: '*' }],
    ['an Action that is a number', { Effect: 'Allow', Action: 5, Resource: '*' }],
    ['a Resource that is an object', { Effect: 'Allow', Action: '*', Resource: {} }],
    ['a statement that is text', 'Allow'],
    ['a statement that is null', null],
  ])('deny: %s', (_, statement) => {
    const text = JSON.stringify({ Version: '2012-10-17', Statement: [statement] });
    expect(isReadable(text)).toBe(false);
  });

  it.each([
    ['no name', 5],
    ['a list', ['*']],
    ['a name that is none', { AWS: [null] }],
    ['an unknown kind', { Everybody: '*' }],
  ])('deny: a Principal that is %s', (_, Principal) => {
    const text = JSON.stringify({ Statement: { Effect: 'Deny', Principal, Action: 'ec2:*', Resource: '*' } });
    expect(isReadable(text)).toBe(false);
  });

  it('may be nested as deep as they like', () => {
    for (const depth of [1_000, 50_000]) {
      const nested = `${'['.repeat(depth)}${']'.repeat(depth)}`;
      for (const text of [
        nested,
        `{"Statement":${nested}}`,
        `{"Statement":{"Effect":"Allow","Action":${nested},"Resource":"*"}}`,
        `{"Statement":{"Effect":"Allow","Principal":{"AWS":${nested}},"Action":"*","Resource":"*"}}`,
        `{"Statement":{"Effect":${nested},"Principal":"*","Action":"*","Resource":"*"}}`,
        `{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:a":${nested}}}}}`,
      ]) {
        for (const kind of ['identity', 'trust', 'resource'] as const) {
          expect(validatePolicyDocument(text, kind).ok).toBe(false);
        }
        expect(resourcePolicyProblem(text)).toBeTypeOf('string');
        expect(isReadable(text)).toBe(false);
      }
    }
  });
});

/** Alone, as the identity policy of a role, does the decision take it for one that cannot be read? */
function isReadable(document: string): boolean {
  const decision = decide({
    principal: {
      type: 'AssumedRole',
      account: '111111111111',
      arn: 'arn:aws:sts::111111111111:assumed-role/R/s',
      roleArn: 'arn:aws:iam::111111111111:role/R',
      roleName: 'R',
      roleId: 'AROAR',
      sessionName: 's',
      issuedAt: 0,
      expiresAt: 1,
    },
    scope: { account: '111111111111', region: 'us-east-1' },
    context: {},
    request: { action: 'none:Such', resource: 'arn:aws:none:::such' },
    policies: { identity: [{ name: 'p', document }] },
  });
  return !(!decision.allowed && decision.reason.kind === 'explicit' && decision.reason.by.sid === 'UnreadablePolicy');
}

describe('policies made to be slow', { timeout: 30_000 }, () => {
  // The bench has the figures (under 5 ms each); here is only that none blows up, however busy the machine.
  it.each(hostileDecisions().map(({ name, input }) => ({ name, input })))('$name', ({ input }) => {
    decide(input);
    const times = Array.from({ length: 3 }, () => {
      const from = performance.now();
      decide(input);
      return performance.now() - from;
    });
    expect(Math.min(...times)).toBeLessThan(50);
  });
});
