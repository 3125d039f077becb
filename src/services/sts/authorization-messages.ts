/**
 * Encoded authorization messages: the details of a denial, sealed, so that only who may call `sts:DecodeAuthorizationMessage`
 * reads them. Source: STS API Reference, "DecodeAuthorizationMessage".
 *
 * The decoded text has AWS's form: lists are `{ items: [...] }`, values `{ value }`.
 */
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DecodeAuthorizationMessageRequest, DecodeAuthorizationMessageResponse } from '@aws-sdk/client-sts';
import { AwsError } from '../../common/index.ts';
import {
  type Caller,
  type DecisionInput,
  type NamedPolicy,
  type PolicyDecision,
  parsePolicy,
  type StatementRef,
} from '../../core/policy/index.ts';
import { type House, operation } from '../index.ts';

const SEALED_AS = 'sts authorization message';
/** What the operation takes. Source: the model. */
const MOST_CHARACTERS = 10_240;
const MOST_DECODED_BYTES = 1 << 20;

export const decodeAuthorizationMessage = operation<
  DecodeAuthorizationMessageRequest,
  DecodeAuthorizationMessageResponse
>({
  handle: async ({ EncodedMessage = '' }, { house }) => {
    const opened = /^[\w-]+$/.test(EncodedMessage)
      ? house.secrets.open(Buffer.from(EncodedMessage, 'base64url'), SEALED_AS)
      : undefined;
    if (opened === undefined) throw new AwsError('InvalidAuthorizationMessageException', 'Message is not valid');
    return { DecodedMessage: inflateRawSync(opened, { maxOutputLength: MOST_DECODED_BYTES }).toString('utf8') };
  },
});

/** Never longer than what can be decoded: of a decision with very much to it the conditions, then the statements, are left out. */
export function encodeAuthorizationMessage(
  house: Pick<House, 'secrets'>,
  details: Readonly<{ input: DecisionInput; decision: PolicyDecision }>,
): string {
  const whole = messageOf(details);
  const { context } = whole;
  const lesser = { ...whole, context: { ...context, conditions: items([]) } };
  const least = { ...lesser, matchedStatements: items([]) };
  for (const message of [whole, lesser]) {
    const encoded = sealed(house, message);
    if (encoded.length <= MOST_CHARACTERS) return encoded;
  }
  return sealed(house, least);
}

function sealed(house: Pick<House, 'secrets'>, message: object): string {
  return house.secrets.seal(deflateRawSync(JSON.stringify(message)), SEALED_AS).toString('base64url');
}

function messageOf({ input, decision }: Readonly<{ input: DecisionInput; decision: PolicyDecision }>) {
  const refs = decision.gates.flatMap(({ by }) => (by === undefined ? [] : [by]));
  return {
    allowed: decision.allowed,
    explicitDeny: !decision.allowed && decision.reason.kind === 'explicit',
    matchedStatements: items(refs.flatMap((ref) => statementOf(input, ref) ?? [])),
    failures: items([]),
    context: {
      principal: principalOf(input.principal),
      action: input.request.action,
      resource: input.request.resource,
      // An external id is shared between two parties; who decodes is neither.
      conditions: items(
        Object.entries(input.context)
          .filter(([key]) => key.toLowerCase() !== 'sts:externalid')
          .map(([key, value]) => ({ key, values: values(value) })),
      ),
    },
  };
}

function statementOf(input: DecisionInput, ref: StatementRef): object | undefined {
  const policy = policiesOf(input).find(({ name }) => name === ref.policyName);
  const statement = policy && parsePolicy(policy.document)?.statements[ref.statementIndex];
  if (statement === undefined) return undefined;
  const { Sid, Effect, Principal, Action, NotAction, Resource, NotResource, Condition } = statement;
  const conditions = Object.values((Condition ?? {}) as Record<string, Record<string, unknown>>).flatMap((keys) =>
    Object.entries(keys).map(([key, value]) => ({ key, values: values(value) })),
  );
  return {
    statementId: typeof Sid === 'string' ? Sid : '',
    effect: String(Effect).toUpperCase(),
    principals: values(principalNames(Principal)),
    principalGroups: items([]),
    actions: values(Action ?? NotAction ?? []),
    resources: values(Resource ?? NotResource ?? []),
    conditions: items(conditions),
  };
}

function policiesOf({ policies, request }: DecisionInput): readonly NamedPolicy[] {
  return [
    ...policies.identity,
    ...(policies.boundary === undefined ? [] : [policies.boundary]),
    ...(policies.session ?? []),
    ...(policies.serviceControl?.flat() ?? []),
    ...(policies.resourceControl?.flat() ?? []),
    ...(request.resourcePolicies ?? []),
  ];
}

function principalOf(caller: Caller): object {
  switch (caller.type) {
    case 'User':
      return { id: caller.userId, name: caller.userName, arn: caller.arn };
    case 'AssumedRole':
      return { id: `${caller.roleId}:${caller.sessionName}`, arn: caller.arn };
    case 'FederatedUser':
      return { id: `${caller.account}:${caller.name}`, arn: caller.arn };
    case 'Root':
      return { id: caller.account, arn: caller.arn };
    case 'Service':
      return { id: caller.service };
    case 'Federated':
      return { id: caller.provider };
    default:
      return { id: 'anonymous' };
  }
}

function principalNames(element: unknown): readonly unknown[] {
  if (typeof element !== 'object' || element === null) return element === undefined ? [] : [element];
  return Object.values(element).flat() as readonly unknown[];
}

function items<T>(list: readonly T[]): { items: readonly T[] } {
  return { items: list };
}

function values(value: unknown): { items: readonly { value: string }[] } {
  return items((Array.isArray(value) ? (value as unknown[]) : [value]).map((each) => ({ value: String(each) })));
}
