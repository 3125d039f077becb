/**
 * What IAM's operations need to be allowed.
 * Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Identity and Access Management".
 */
import type { AccessRequest, RequestContext } from '../../common/index.ts';
import { type InstanceProfileRecord, instanceProfiles } from './instance-profile-records.ts';
import { managedPolicies, nameKey, type Tags } from '../../store/index.ts';
import type { Call } from '../index.ts';
import { policyIdOfArn } from './identity.ts';
import { type EntityKind, entities, iamArn, type WireTag } from './records.ts';

export type Authorize<Input> = (input: Input, call: Call) => Promise<readonly AccessRequest[]>;

/** On an existing role, user or group; a name that nobody has is taken to be at path `/`. */
export async function onEntity(
  call: Call,
  action: string,
  kind: EntityKind,
  name: string | undefined,
  context: RequestContext = {},
): Promise<readonly AccessRequest[]> {
  const record =
    name === undefined
      ? undefined
      : (await entities(kind).get(call.house.store, nameKey(call.account, name)))?.document;
  const tags = record !== undefined && 'tags' in record ? record.tags : {};
  const boundary = record !== undefined && 'boundary' in record ? record.boundary : undefined;
  return [
    {
      action,
      resource: record?.arn ?? iamArn(call.account, kind, '/', name ?? '*'),
      context: {
        ...resourceTags(tags),
        ...(boundary === undefined ? {} : { 'iam:PermissionsBoundary': boundary }),
        ...context,
      },
    },
  ];
}

export function onNew(
  call: Call,
  action: string,
  kind: string,
  path: string | undefined,
  name: string | undefined,
  context: RequestContext = {},
): readonly AccessRequest[] {
  return [{ action, resource: iamArn(call.account, kind, path ?? '/', name ?? '*'), context }];
}

export async function onPolicy(
  call: Call,
  action: string,
  arn: string | undefined,
  context: RequestContext = {},
): Promise<readonly AccessRequest[]> {
  const policy =
    arn === undefined
      ? undefined
      : (await managedPolicies.get(call.house.store, nameKey(call.account, policyIdOfArn(arn))))?.document;
  const tags = policy?.arn === arn ? (policy?.tags ?? {}) : {};
  return [
    { action, resource: arn ?? '*', resourceAccount: call.account, context: { ...resourceTags(tags), ...context } },
  ];
}

export async function onInstanceProfile(
  call: Call,
  action: string,
  name: string | undefined,
  context: RequestContext = {},
): Promise<readonly AccessRequest[]> {
  const record: InstanceProfileRecord | undefined =
    name === undefined
      ? undefined
      : (await instanceProfiles.get(call.house.store, nameKey(call.account, name)))?.document;
  return [
    {
      action,
      resource: record?.arn ?? iamArn(call.account, 'instance-profile', '/', name ?? '*'),
      context: { ...resourceTags(record?.tags ?? {}), ...context },
    },
  ];
}

export function resourceTags(tags: Tags): RequestContext {
  return Object.fromEntries(
    Object.entries(tags).flatMap(([key, value]) => [
      [`aws:ResourceTag/${key}`, value],
      [`iam:ResourceTag/${key}`, value],
    ]),
  );
}

export function requestTags(tags: readonly WireTag[] | undefined): RequestContext {
  if (tags === undefined || tags.length === 0) return {};
  return {
    'aws:TagKeys': tags.map(({ Key = '' }) => Key),
    ...Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
  };
}

export function tagKeys(keys: readonly string[] | undefined): RequestContext {
  return keys === undefined || keys.length === 0 ? {} : { 'aws:TagKeys': keys };
}
