/** A step of a mend in a sentence or two. */
import { callerName } from './denial-message.ts';
import type { NearMiss } from './near-miss.ts';
import { type Supply, supplyWords } from './supply.ts';
import type { Caller, PolicyType, StatementRef } from './types.ts';

type Addition = Readonly<{
  policyType: PolicyType;
  statement: Readonly<{ Action: string; Resource?: string }>;
  policyName?: string;
  level?: number;
  nearMiss?: NearMiss;
}>;

export function addWords(step: Addition, caller: Caller): string {
  const { Action: action, Resource: resource } = step.statement;
  const on = resource === undefined || resource === '*' ? '' : ` on ${resource}`;
  const where = step.policyName === undefined ? place(step.policyType, caller) : into(step);
  const near = step.nearMiss === undefined ? '' : ` ${step.nearMiss.words}`;
  return `Allow ${action}${on} in ${where}.${near}`;
}

function into({ policyType, policyName = '', level }: Addition): string {
  const at = level === undefined ? '' : ` at ${levelName(level)}`;
  return `the ${policyType}${at}, as in ${policyName}`;
}

function place(policyType: PolicyType, caller: Caller): string {
  switch (policyType) {
    case 'identity-based policy':
      return `an identity-based policy of ${owner(caller)}`;
    case 'session policy':
      return `a session policy of ${callerName(caller)}, passed when the session is made`;
    case 'resource-based policy':
      return 'a policy on the resource';
    default:
      return `the ${policyType}`;
  }
}

function owner(caller: Caller): string {
  if (caller.type === 'AssumedRole') return caller.roleArn;
  return caller.type === 'FederatedUser' ? caller.userArn : callerName(caller);
}

function levelName(level: number): string {
  return level === 0 ? 'the root of the organization' : `level ${level} below the root of the organization`;
}

export function removeWords(
  step: Readonly<{ by: StatementRef; statement?: unknown; instead?: readonly Supply[] }>,
): string {
  const { by } = step;
  if (step.statement === undefined) {
    return `${by.policyName} cannot be read and therefore denies everything: write it anew.`;
  }
  const which = by.sid === undefined ? `Statement ${by.statementIndex + 1}` : `The statement ${by.sid}`;
  const spared = (step.instead ?? []).map(supplyWords);
  const otherwise = spared.length === 0 ? '' : ` It spares a request ${spared.join(', or ')}.`;
  return `${which} of ${by.policyName} denies it, and no statement outweighs a Deny: remove or narrow it.${otherwise}`;
}
