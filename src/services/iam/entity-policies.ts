/**
 * Inline and attached policies and boundaries: the same operations on roles, users and groups, made once.
 * Source: IAM API Reference, Put/Get/List/Delete{Role,User,Group}Policy and Attach/Detach/ListAttached...Policies.
 */
import type { AttachedPolicy } from '@aws-sdk/client-iam';
import { operation, type Operation } from '../index.ts';
import { onEntity } from './access.ts';
import { change } from './identity-cache.ts';
import { type PageEnd, type PageRequest, slicePage } from './listing.ts';
import { checkDocument, checkInline } from './policy-checks.ts';
import { checkArn, existingPolicy } from './policy-lookup.ts';
import {
  type Entity,
  type EntityKind,
  entityForUpdate,
  entityName,
  entityNamed,
  noSuchEntity,
  policyNameOf,
  quotaExceeded,
  refuseServiceLinked,
  saveEntity,
  urlEncoded,
} from './records.ts';
import type { Call } from '../index.ts';

const MOST_ATTACHED = 10;

type Names = Readonly<{ RoleName?: string; UserName?: string; GroupName?: string }>;
type Inline = Names & Readonly<{ PolicyName?: string; PolicyDocument?: string }>;
type Attached = Names & Readonly<{ PolicyArn?: string; PathPrefix?: string }> & PageRequest;
type Bounded = Names & Readonly<{ PermissionsBoundary?: string }>;

const MEMBERS = { role: 'RoleName', user: 'UserName', group: 'GroupName' } as const;
const NOUNS = { role: 'Role', user: 'User', group: 'Group' } as const;

/** The handlers of one kind, by AWS's names: `PutRolePolicy`, `AttachRolePolicy`, ... */
export function policyOperations(kind: EntityKind): Readonly<Record<string, Operation>> {
  const member = MEMBERS[kind];
  const noun = NOUNS[kind];
  const nameOf = (input: Names): string => input[member] ?? '';
  const allowed = <Input extends Names>(action: string) => ({
    authorize: async (input: Input, call: Call) => onEntity(call, `iam:${action}`, kind, input[member]),
  });
  const withArn = <Input extends Names & { PolicyArn?: string }>(action: string) => ({
    authorize: async (input: Input, call: Call) =>
      onEntity(
        call,
        `iam:${action}`,
        kind,
        input[member],
        input.PolicyArn === undefined ? {} : { 'iam:PolicyARN': input.PolicyArn },
      ),
  });
  return {
    [`Put${noun}Policy`]: operation<Inline, object>({
      ...allowed(`Put${noun}Policy`),
      handle: async (input, call) => {
        const { PolicyName = '', PolicyDocument = '' } = input;
        checkDocument(PolicyDocument, 'identity');
        await edit(call, kind, nameOf(input), (entity) => {
          const inline = { ...entity.inline, [PolicyName]: PolicyDocument };
          checkInline(kind, entityName(entity), inline);
          return { ...entity, inline };
        });
        return {};
      },
    }),
    [`Get${noun}Policy`]: operation<Inline, object>({
      ...allowed(`Get${noun}Policy`),
      handle: async (input, call) => {
        const { PolicyName = '' } = input;
        const entity = await entityNamed(call.house.store, kind, call.account, nameOf(input));
        const document = entity.inline[PolicyName];
        if (document === undefined) throw noInlinePolicy(kind, PolicyName);
        return { [member]: entityName(entity), PolicyName, PolicyDocument: urlEncoded(document) };
      },
    }),
    [`List${noun}Policies`]: operation<Names & PageRequest, { PolicyNames: string[] } & PageEnd>({
      ...allowed(`List${noun}Policies`),
      handle: async (input, call) => {
        const entity = await entityNamed(call.house.store, kind, call.account, nameOf(input));
        const { items, end } = slicePage(Object.keys(entity.inline), (name) => name, input);
        return { PolicyNames: items, ...end };
      },
    }),
    [`Delete${noun}Policy`]: operation<Inline, object>({
      ...allowed(`Delete${noun}Policy`),
      handle: async (input, call) => {
        const { PolicyName = '' } = input;
        await edit(call, kind, nameOf(input), (entity) => {
          const { [PolicyName]: gone, ...inline } = entity.inline;
          if (gone === undefined) throw noInlinePolicy(kind, PolicyName);
          return { ...entity, inline };
        });
        return {};
      },
    }),
    [`Attach${noun}Policy`]: operation<Attached, object>({
      ...withArn(`Attach${noun}Policy`),
      handle: async (input, call) => {
        const { PolicyArn = '' } = input;
        await change(call, async (tx) => {
          const entity = await entityForUpdate(tx, kind, call.account, nameOf(input));
          // Locks the policy, as deleting it does: it is gone before, or found in use after.
          await existingPolicy(tx, call.account, PolicyArn);
          if ('roleId' in entity) refuseServiceLinked(entity, call);
          if (entity.attached.includes(PolicyArn)) return;
          if (entity.attached.length >= MOST_ATTACHED) throw quotaExceeded(`PoliciesPer${noun}`, MOST_ATTACHED);
          await saveEntity(tx, kind, call.account, { ...entity, attached: [...entity.attached, PolicyArn] } as never);
        });
        return {};
      },
    }),
    [`Detach${noun}Policy`]: operation<Attached, object>({
      ...withArn(`Detach${noun}Policy`),
      handle: async (input, call) => {
        const { PolicyArn = '' } = input;
        checkArn(PolicyArn);
        await edit(call, kind, nameOf(input), (entity) => {
          if (!entity.attached.includes(PolicyArn)) throw noSuchEntity(`Policy ${PolicyArn} was not found.`);
          return { ...entity, attached: entity.attached.filter((arn) => arn !== PolicyArn) };
        });
        return {};
      },
    }),
    [`ListAttached${noun}Policies`]: operation<Attached, { AttachedPolicies: AttachedPolicy[] } & PageEnd>({
      ...allowed(`ListAttached${noun}Policies`),
      handle: async (input, call) => {
        const entity = await entityNamed(call.house.store, kind, call.account, nameOf(input));
        const prefix = input.PathPrefix ?? '/';
        const shown = entity.attached.filter((arn) => arn.slice(arn.indexOf(':policy/') + 7).startsWith(prefix));
        const { items, end } = slicePage(shown, (arn) => arn, input);
        return { AttachedPolicies: items.map((arn) => ({ PolicyName: policyNameOf(arn), PolicyArn: arn })), ...end };
      },
    }),
    ...(kind === 'group' ? {} : boundaryOperations(kind)),
  };
}

function boundaryOperations(kind: 'role' | 'user'): Readonly<Record<string, Operation>> {
  const member = MEMBERS[kind];
  const noun = NOUNS[kind];
  return {
    [`Put${noun}PermissionsBoundary`]: operation<Bounded, object>({
      authorize: async (input, call) =>
        onEntity(
          call,
          `iam:Put${noun}PermissionsBoundary`,
          kind,
          input[member],
          input.PermissionsBoundary === undefined ? {} : { 'iam:PermissionsBoundary': input.PermissionsBoundary },
        ),
      handle: async (input, call) => {
        const { PermissionsBoundary = '' } = input;
        await change(call, async (tx) => {
          const entity = await entityForUpdate(tx, kind, call.account, input[member] ?? '');
          await existingPolicy(tx, call.account, PermissionsBoundary);
          if ('roleId' in entity) refuseServiceLinked(entity, call);
          await saveEntity(tx, kind, call.account, { ...entity, boundary: PermissionsBoundary } as never);
        });
        return {};
      },
    }),
    [`Delete${noun}PermissionsBoundary`]: operation<Bounded, object>({
      authorize: async (input, call) => onEntity(call, `iam:Delete${noun}PermissionsBoundary`, kind, input[member]),
      handle: async (input, call) => {
        await edit(call, kind, input[member] ?? '', (entity) => {
          const { boundary, ...rest } = entity as Extract<Entity, { boundary?: string }>;
          if (boundary === undefined) {
            throw noSuchEntity(`The ${kind} with name ${entityName(entity)} does not have a permissions boundary.`);
          }
          return rest as Entity;
        });
        return {};
      },
    }),
  };
}

async function edit(call: Call, kind: EntityKind, name: string, work: (entity: Entity) => Entity): Promise<void> {
  await change(call, async (tx) => {
    const entity = await entityForUpdate(tx, kind, call.account, name);
    if ('roleId' in entity) refuseServiceLinked(entity, call);
    await saveEntity(tx, kind, call.account, work(entity) as never);
  });
}

function noInlinePolicy(kind: EntityKind, name: string) {
  return noSuchEntity(`The ${kind} policy with name ${name} cannot be found.`);
}
