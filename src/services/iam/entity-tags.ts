/** Tags of roles, users, policies and instance profiles. Source: IAM API Reference, the tag operations. */
import { AwsError } from '../../common/index.ts';
import { type Collection, managedPolicies, nameKey, roles, type Tags, users } from '../../store/index.ts';
import { type Call, operation, type Operation } from '../index.ts';
import { type Authorize, onEntity, onInstanceProfile, onPolicy, requestTags, tagKeys } from './access.ts';
import { awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { change } from './identity-cache.ts';
import { policyIdOfArn } from './identity.ts';
import { instanceProfiles } from './instance-profile-records.ts';
import { type PageEnd, type PageRequest, slicePage } from './listing.ts';
import { noSuchEntity, refuseServiceLinked, type WireTag, wireTags, withoutTags, withTags } from './records.ts';

type Named = Readonly<{ RoleName?: string; UserName?: string; PolicyArn?: string; InstanceProfileName?: string }>;
type Tagged = Readonly<{ tags: Tags; arn: string }>;

type Kind = Readonly<{
  noun: 'Role' | 'User' | 'Policy' | 'InstanceProfile';
  collection: Collection<any>;
  /** The id in the collection. */
  idOf: (input: Named) => string;
  on: (
    call: Call,
    action: string,
    input: Named,
    context?: Parameters<typeof onPolicy>[3],
  ) => ReturnType<Authorize<Named>>;
  missing: (input: Named) => AwsError;
}>;

const KINDS: readonly Kind[] = [
  {
    noun: 'Role',
    collection: roles,
    idOf: ({ RoleName = '' }) => RoleName,
    on: (call, action, { RoleName }, context) => onEntity(call, action, 'role', RoleName, context),
    missing: ({ RoleName }) => noSuchEntity(`The role with name ${RoleName} cannot be found.`),
  },
  {
    noun: 'User',
    collection: users,
    idOf: ({ UserName = '' }) => UserName,
    on: (call, action, { UserName }, context) => onEntity(call, action, 'user', UserName, context),
    missing: ({ UserName }) => noSuchEntity(`The user with name ${UserName} cannot be found.`),
  },
  {
    noun: 'Policy',
    collection: managedPolicies,
    idOf: ({ PolicyArn = '' }) => policyIdOfArn(PolicyArn),
    on: (call, action, { PolicyArn }, context) => onPolicy(call, action, PolicyArn, context),
    missing: ({ PolicyArn }) => noSuchEntity(`Policy ${PolicyArn} was not found.`),
  },
  {
    noun: 'InstanceProfile',
    collection: instanceProfiles,
    idOf: ({ InstanceProfileName = '' }) => InstanceProfileName,
    on: (call, action, { InstanceProfileName }, context) =>
      onInstanceProfile(call, action, InstanceProfileName, context),
    missing: ({ InstanceProfileName }) => noSuchEntity(`Instance Profile ${InstanceProfileName} cannot be found.`),
  },
];

export const tagOperations: Readonly<Record<string, Operation>> = Object.assign(
  {},
  ...KINDS.map(operationsFor),
) as Record<string, Operation>;

function operationsFor(kind: Kind): Readonly<Record<string, Operation>> {
  const { noun } = kind;
  return {
    [`Tag${noun}`]: operation<Named & { Tags?: WireTag[] }, object>({
      authorize: async (input, call) => kind.on(call, `iam:Tag${noun}`, input, requestTags(input.Tags)),
      handle: async (input, call) => {
        await edit(call, kind, input, (tags) => withTags(tags, input.Tags));
        return {};
      },
    }),
    [`Untag${noun}`]: operation<Named & { TagKeys?: string[] }, object>({
      authorize: async (input, call) => kind.on(call, `iam:Untag${noun}`, input, tagKeys(input.TagKeys)),
      handle: async (input, call) => {
        await edit(call, kind, input, (tags) => withoutTags(tags, input.TagKeys));
        return {};
      },
    }),
    [`List${noun}Tags`]: operation<Named & PageRequest, { Tags: { Key: string; Value: string }[] } & PageEnd>({
      authorize: async (input, call) => kind.on(call, `iam:List${noun}Tags`, input),
      handle: async (input, call) => {
        const found = await kind.collection.get(call.house.store, nameKey(call.account, kind.idOf(input)));
        const { items, end } = slicePage(
          wireTags(existing(kind, input, found?.document).tags),
          ({ Key }) => Key,
          input,
        );
        return { Tags: items, ...end };
      },
    }),
  };
}

async function edit(call: Call, kind: Kind, input: Named, work: (tags: Tags) => Tags): Promise<void> {
  await change(call, async (tx) => {
    const key = nameKey(call.account, kind.idOf(input));
    const record = existing(kind, input, (await kind.collection.getForUpdate(tx, key))?.document);
    if (kind.noun === 'Role') refuseServiceLinked(record as never, call);
    await kind.collection.update(tx, key, { ...record, tags: work(record.tags) });
  });
}

function existing(kind: Kind, input: Named, record: Tagged | undefined): Tagged {
  const { PolicyArn } = input;
  if (record === undefined || (PolicyArn !== undefined && record.arn !== PolicyArn)) {
    if (PolicyArn !== undefined && awsManagedPolicy(PolicyArn) !== undefined) return { tags: {}, arn: PolicyArn };
    throw kind.missing(input);
  }
  return record;
}
