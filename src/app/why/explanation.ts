/**
 * A decision as a reader wants it: the gates of the way in their order, each with the statement that decided; the first
 * that is closed; and the smallest change that opens it, proven by deciding again with it.
 */
import type { Json } from '../../common/index.ts';
import {
  type Allowance,
  type Caller,
  decide,
  denialMessage,
  type MendStep,
  smallestMend,
  withSteps,
} from '../../core/policy/index.ts';
import type { Explained } from '../authorizer.ts';
import { quotedGates, type QuotedGate, type QuotedStatement } from './decision-record.ts';

/** A gate of the way; `grant` stands for what allows beside every policy, as the grant of a KMS key. */
export type GateLine = Omit<QuotedGate, 'gate' | 'policyType'> &
  Readonly<{ gate: QuotedGate['gate'] | 'grant'; policyType: string }>;

export type MendLine = Readonly<{
  kind: MendStep['kind'];
  policyType: string;
  /** The policy to edit, where there is one. */
  policyName?: string;
  /** To add; or to remove. */
  statement?: Json;
  /** The statement that nearly does, and what differs. */
  nearly?: string;
  /** All of it in words. */
  words: string;
}>;

export type Explanation = Readonly<{
  principal: string;
  action: string;
  resource: string;
  allowed: boolean;
  /** AWS's words for the denial. */
  message?: string;
  /** Why it is allowed, in words. */
  because?: string;
  gates: readonly GateLine[];
  firstClosed?: GateLine;
  /** Of a denial, for `sts:DecodeAuthorizationMessage`: what may be passed on without telling what is in it. */
  encodedMessage?: string;
  /** Of a denial. `proven`: with the steps done the decision is an allow. */
  mend?: Readonly<{ proven: boolean; steps: readonly MendLine[]; beyond?: string }>;
}>;

export function explanationOf({ input, decision }: Explained): Explanation {
  const { principal, request } = input;
  const gates: GateLine[] = quotedGates(input, decision.gates);
  if (request.grantedBy !== undefined) gates.push({ gate: 'grant', policyType: request.grantedBy, state: 'open' });
  const common = {
    principal: callerName(principal),
    action: request.action,
    resource: request.resource,
    allowed: decision.allowed,
    gates,
  };
  if (decision.allowed) return { ...common, because: allowanceWords(decision.by) };
  const { steps, beyond } = smallestMend(input, decision);
  const firstClosed = gates.find(({ state }) => state === 'closed');
  return {
    ...common,
    message: denialMessage(principal, request, decision, input.context),
    ...(firstClosed === undefined ? {} : { firstClosed }),
    mend: {
      proven: steps.length > 0 && decide(withSteps(input, steps)).allowed,
      steps: steps.map(mendLine),
      ...(beyond === undefined ? {} : { beyond }),
    },
  };
}

function mendLine(step: MendStep): MendLine {
  const policyName = step.kind === 'Add' ? step.policyName : step.by.policyName;
  return {
    kind: step.kind,
    policyType: step.policyType,
    ...(policyName === undefined ? {} : { policyName }),
    ...(step.statement === undefined ? {} : { statement: step.statement as Json }),
    ...(step.kind === 'Add' && step.nearMiss !== undefined ? { nearly: step.nearMiss.words } : {}),
    words: step.words,
  };
}

function allowanceWords(by: Allowance): string {
  switch (by.kind) {
    case 'statement':
      return `${statementName(by.statement)} allows it`;
    case 'root':
      return 'the root of an account may do everything in it';
    case 'grant':
      return `${by.name} allows it`;
    default:
      return by.reason;
  }
}

/** `statement 2 of policy P`, or by its Sid. Statements are counted from 1, as people do. */
export function statementName({ policyName, statementIndex, sid }: QuotedStatement): string {
  return `${sid === undefined || sid === '' ? `statement ${statementIndex + 1}` : sid} of ${policyName}`;
}

export function callerName(caller: Caller): string {
  switch (caller.type) {
    case 'Service':
      return caller.service;
    case 'Anonymous':
      return 'anonymous';
    case 'Federated':
      return caller.provider;
    default:
      return caller.arn;
  }
}
