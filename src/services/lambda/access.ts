/**
 * What calls on functions need to be allowed. The resource is the function's ARN, or the qualified one when the call
 * names a version or alias; the resource policy that counts is the one put on exactly that.
 * Source: Service Authorization Reference, "AWS Lambda"; Developer Guide, "Working with resource-based IAM policies".
 */
import { own } from '../../common/index.ts';
import type { AccessRequest, RequestContext } from '../../common/index.ts';
import { passRole } from '../pass-role.ts';
import type { Call } from '../service.ts';
import { type Named, parseName } from './names.ts';
import { functionArn, type FunctionPolicy, type FunctionRecord, functionKey, functions } from './records.ts';

export const LAMBDA_PRINCIPAL = 'lambda.amazonaws.com';

/** `action` without the prefix. */
export async function functionAccess(
  call: Call,
  action: string,
  text: string | undefined,
  qualifier?: string,
  context?: RequestContext,
): Promise<AccessRequest> {
  const named = parseName(call, text, qualifier);
  return accessTo(action, named, (await knownFunction(call, named)) ?? undefined, context);
}

export function accessTo(
  action: string,
  { place, qualifier }: Named,
  record: FunctionRecord | undefined,
  context?: RequestContext,
): AccessRequest {
  const arn = functionArn(place, qualifier);
  const policy = record === undefined ? undefined : own(record.policies, qualifier ?? '');
  return {
    action: `lambda:${action}`,
    resource: arn,
    resourceAccount: place.account,
    ...(policy === undefined
      ? {}
      : { resourcePolicies: [{ name: `resource policy of ${arn}`, document: policyDocument(policy) }] }),
    ...(context === undefined ? {} : { context }),
  };
}

export function policyDocument(policy: FunctionPolicy): string {
  return JSON.stringify({ Version: '2012-10-17', Id: 'default', Statement: policy.statements });
}

const known = new WeakMap<Call, Map<string, Promise<FunctionRecord | undefined>>>();

/** The function as this call saw it first: authorisation and handling look at the same one, and it is read once. */
export function knownFunction(call: Call, { place }: Named): Promise<FunctionRecord | undefined> {
  const key = functionKey(place);
  const address = `${key.account} ${key.id}`;
  let records = known.get(call);
  if (records === undefined) known.set(call, (records = new Map()));
  let record = records.get(address);
  if (record === undefined) {
    record = functions.get(call.house.store, key).then((found) => found?.document);
    records.set(address, record);
  }
  return record;
}

/** The execution role of the function on which the other request is. */
export function passExecutionRole(roleArn: string | undefined, { resource }: AccessRequest): readonly AccessRequest[] {
  return passRole(roleArn, LAMBDA_PRINCIPAL, resource === '*' ? undefined : resource);
}
