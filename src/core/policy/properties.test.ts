/** What holds for any policies, and that the quick decision is the slow one. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyDecision, identityPolicy } from '../../../test/support/any-policy.ts';
import { slowDecide } from '../../../test/support/slow-decision.ts';
import { decide, type DecisionInput, type NamedPolicy, smallestMend, withSteps } from './index.ts';

const verdict = (input: DecisionInput): string => {
  const decision = decide(input);
  return decision.allowed ? 'allowed' : `${decision.reason.kind} ${decision.reason.policyType}`;
};
const check = <T>(property: fc.IProperty<T>, numRuns: number): void => {
  fc.assert(property, { numRuns, seed: 20261124 });
};

const everything = (effect: string): NamedPolicy => ({
  name: effect,
  document: JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: effect, Principal: '*', Action: '*', Resource: '*' }],
  }),
});

/** The policy with a statement more. */
function extended(policy: NamedPolicy, statement: unknown): NamedPolicy {
  const document = JSON.parse(policy.document) as { Statement: unknown };
  const before = Array.isArray(document.Statement) ? document.Statement : [document.Statement];
  return { ...policy, document: JSON.stringify({ ...document, Statement: [...before, statement] }) };
}

describe('decide() is the slow decision', { timeout: 30_000 }, () => {
  it('for any caller, request and policies', () => {
    const seen = new Map<string, number>();
    check(
      fc.property(anyDecision, (input) => {
        const expected = slowDecide(input);
        seen.set(expected, (seen.get(expected) ?? 0) + 1);
        expect(verdict(input)).toBe(expected);
      }),
      2_000,
    );
    // The generator is of use only if it reaches every verdict.
    expect([...seen.keys()].sort()).toEqual(
      expect.arrayContaining(['allowed', 'explicit identity-based policy', 'implicit session policy']),
    );
    expect(seen.size).toBeGreaterThanOrEqual(13);
    expect(seen.get('allowed')).toBeGreaterThan(100);
  });
});

describe('decide() for any policies', { timeout: 30_000 }, () => {
  it('lets a Deny win, wherever it stands', () => {
    check(
      fc.property(anyDecision, fc.constantFrom('identity', 'resource', 'boundary', 'session'), (input, where) => {
        const deny = everything('Deny');
        const { policies, request } = input;
        const denied: DecisionInput = {
          ...input,
          request:
            where === 'resource'
              ? { ...request, resourcePolicies: [...(request.resourcePolicies ?? []), deny] }
              : request,
          policies: {
            ...policies,
            ...(where === 'identity' && { identity: [...policies.identity, deny] }),
            ...(where === 'boundary' && { boundary: deny }),
            ...(where === 'session' && { session: [...(policies.session ?? []), deny] }),
          },
        };
        const ownsNone = !['User', 'AssumedRole', 'FederatedUser'].includes(input.principal.type);
        if (where === 'identity' && ownsNone) expect(verdict(denied)).toBe(verdict(input));
        else expect(decide(denied)).toMatchObject({ allowed: false, reason: { kind: 'explicit' } });
      }),
      300,
    );
  });

  it('takes nothing away for an Allow that is added to a policy', () => {
    const allow = { Effect: 'Allow', Principal: { AWS: '111111111111' }, Action: ['s3:*', 'kms:*'], Resource: '*' };
    check(
      fc.property(anyDecision, (input) => {
        if (!decide(input).allowed) return;
        const add = (list: readonly NamedPolicy[]): NamedPolicy[] => list.map((policy) => extended(policy, allow));
        const { policies, request } = input;
        const more: DecisionInput = {
          ...input,
          request: { ...request, resourcePolicies: add(request.resourcePolicies ?? []) },
          policies: {
            ...policies,
            identity: add(policies.identity),
            ...(policies.boundary && { boundary: extended(policies.boundary, allow) }),
            ...(policies.session && { session: add(policies.session) }),
            ...(policies.serviceControl && { serviceControl: policies.serviceControl.map(add) }),
            ...(policies.resourceControl && { resourceControl: policies.resourceControl.map(add) }),
          },
        };
        expect(verdict(more)).toBe('allowed');
      }),
      700,
    );
  });

  it('gives nothing for a boundary, session, endpoint, service or resource control policy', () => {
    check(
      fc.property(anyDecision, identityPolicy, (input, policy) => {
        const { policies } = input;
        const free = { ...input, policies: { identity: policies.identity } };
        // Without a session policy a federated user has nothing: there one may be what was missing.
        if (decide(free).allowed || input.principal.type === 'FederatedUser') return;
        for (const more of [
          { boundary: policy },
          { session: [policy] },
          { endpoint: policy },
          { serviceControl: [[policy]] },
          { resourceControl: [[policy]] },
        ]) {
          expect(decide({ ...free, policies: { ...free.policies, ...more } }).allowed).toBe(false);
        }
      }),
      300,
    );
  });

  it('does not depend on the order of statements or of policies', () => {
    const turned = ({ name, document }: NamedPolicy): NamedPolicy => {
      const policy = JSON.parse(document) as { Statement: unknown };
      if (!Array.isArray(policy.Statement)) return { name, document };
      return { name, document: JSON.stringify({ ...policy, Statement: [...policy.Statement].reverse() }) };
    };
    check(
      fc.property(anyDecision, (input) => {
        const { policies, request } = input;
        const other: DecisionInput = {
          ...input,
          request: { ...request, resourcePolicies: [...(request.resourcePolicies ?? [])].map(turned).reverse() },
          policies: { ...policies, identity: policies.identity.map(turned).reverse() },
        };
        expect(verdict(other)).toBe(verdict(input));
      }),
      300,
    );
  });

  it('has a closed gate exactly when it denies, or is beyond any policy', () => {
    check(
      fc.property(anyDecision, (input) => {
        const { allowed, gates } = decide(input);
        const beyond = smallestMend(input).beyond !== undefined;
        if (!beyond) expect(gates.some(({ state }) => state === 'closed')).toBe(!allowed);
      }),
      300,
    );
  });

  it('is opened by the smallest mend, or by none at all', () => {
    check(
      fc.property(anyDecision, (input) => {
        const { steps, beyond } = smallestMend(input);
        const after = decide(withSteps(input, steps));
        if (beyond !== undefined) {
          expect(steps).toEqual([]);
          return;
        }
        expect(after.allowed).toBe(true);
        for (const step of steps) {
          expect(
            decide(
              withSteps(
                input,
                steps.filter((other) => other !== step),
              ),
            ).allowed,
          ).toBe(false);
        }
      }),
      300,
    );
  });
});
