/** The whole account in one listing. Source: IAM API Reference, "GetAccountAuthorizationDetails". */
import type {
  AttachedPolicy,
  EntityType,
  GetAccountAuthorizationDetailsRequest,
  GetAccountAuthorizationDetailsResponse,
  GroupDetail,
  ManagedPolicyDetail,
  PolicyDetail,
  RoleDetail,
  UserDetail,
} from '@aws-sdk/client-iam';
import { awsManagedPolicies } from '../../core/managed-policies/index.ts';
import {
  globalKey,
  type GroupRecord,
  groups,
  type InlinePolicies,
  managedPolicies,
  type PolicyRecord,
  type Queryable,
  type RoleRecord,
  roles,
  type UserRecord,
  users,
  uses,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { instanceProfiles } from './instance-profile-records.ts';
import { shownProfile } from './shown-profiles.ts';
import { slicePage } from './listing.ts';
import { asRecord, shownPolicy, shownVersion } from './shown-policies.ts';
import { type PolicyUse, policyUses } from './policy-lookup.ts';
import { policyNameOf, urlEncoded } from './records.ts';
import { shownRole } from './roles.ts';
import { shownTrust } from './trust.ts';
import { shownUser } from './users.ts';

type Uses = ReadonlyMap<string, readonly PolicyUse[]>;

/** One line of the listing: it is made only for the page that shows it. */
type Line = Readonly<{
  order: string;
  show: (uses: Uses) => Promise<Partial<Record<keyof Lists, object>>>;
}>;

type Lists = {
  UserDetailList: UserDetail[];
  GroupDetailList: GroupDetail[];
  RoleDetailList: RoleDetail[];
  Policies: ManagedPolicyDetail[];
};

export const getAccountAuthorizationDetails = operation<
  GetAccountAuthorizationDetailsRequest,
  GetAccountAuthorizationDetailsResponse
>({
  handle: async (input, call) => {
    const { store } = call.house;
    const policyUse = await policyUses(store, call.account);
    const wanted = new Set<EntityType>(input.Filter ?? []);
    const has = (type: EntityType): boolean => wanted.size === 0 || wanted.has(type);
    const lines: Line[] = [];
    if (has('User')) lines.push(...(await userLines(store, call)));
    if (has('Group')) lines.push(...(await groupLines(store, call)));
    if (has('Role')) lines.push(...(await roleLines(store, call)));
    if (has('LocalManagedPolicy')) lines.push(...policyLines('4', await ownPolicies(store, call)));
    if (has('AWSManagedPolicy')) {
      // Of AWS's own only those that something here uses.
      const used = awsManagedPolicies().filter(({ arn }) => policyUse.has(arn));
      lines.push(...policyLines('5', used.map(asRecord)));
    }
    const { items, end } = slicePage(lines, ({ order }) => order, input);
    const lists: Lists = { UserDetailList: [], GroupDetailList: [], RoleDetailList: [], Policies: [] };
    for (const line of items) {
      for (const [list, detail] of Object.entries(await line.show(policyUse))) {
        (lists[list as keyof Lists] as object[]).push(detail);
      }
    }
    return { ...lists, ...end };
  },
});

async function userLines(q: Queryable, { account }: Call): Promise<Line[]> {
  const all = (await users.list(q, { account })).map(({ document }) => document);
  return all.map((user) => ({
    order: `1 ${user.userName.toLowerCase()}`,
    show: async () => ({ UserDetailList: await userDetail(q, account, user) }),
  }));
}

async function userDetail(q: Queryable, account: string, user: UserRecord): Promise<UserDetail> {
  const memberships = await groups.getMany(q, { account, region: '' }, user.groups);
  return {
    ...shownUser(user),
    UserPolicyList: inlineDetails(user.inline),
    GroupList: memberships.map(({ document }) => document.groupName),
    AttachedManagedPolicies: attachedDetails(user.attached),
  };
}

async function groupLines(q: Queryable, { account }: Call): Promise<Line[]> {
  const all = (await groups.list(q, { account })).map(({ document }) => document);
  return all.map((group) => ({
    order: `2 ${group.groupName.toLowerCase()}`,
    show: async () => ({ GroupDetailList: groupDetail(group) }),
  }));
}

function groupDetail(group: GroupRecord): GroupDetail {
  return {
    Path: group.path,
    GroupName: group.groupName,
    GroupId: group.groupId,
    Arn: group.arn,
    CreateDate: new Date(group.createdAt),
    GroupPolicyList: inlineDetails(group.inline),
    AttachedManagedPolicies: attachedDetails(group.attached),
  };
}

async function roleLines(q: Queryable, call: Call): Promise<Line[]> {
  const all = (await roles.list(q, { account: call.account })).map(({ document }) => document);
  return all.map((role) => ({
    order: `3 ${role.roleName.toLowerCase()}`,
    show: async () => ({ RoleDetailList: await roleDetail(q, call, role) }),
  }));
}

async function roleDetail(q: Queryable, call: Call, role: RoleRecord): Promise<RoleDetail> {
  const { Description: _, MaxSessionDuration: __, ...shown } = shownRole(role, await shownTrust(q, role));
  const parent = role.roleName.toLowerCase();
  const profiles = await instanceProfiles.list(q, { account: call.account, parent });
  const use = (await uses.get(q, globalKey(role.roleId)))?.document;
  return {
    ...shown,
    InstanceProfileList: await Promise.all(profiles.map(({ document }) => shownProfile(q, call, document))),
    RolePolicyList: inlineDetails(role.inline),
    AttachedManagedPolicies: attachedDetails(role.attached),
    RoleLastUsed: use === undefined ? {} : { LastUsedDate: new Date(use.at), Region: use.region },
  };
}

async function ownPolicies(q: Queryable, { account }: Call): Promise<PolicyRecord[]> {
  return (await managedPolicies.list(q, { account })).map(({ document }) => document);
}

function policyLines(kind: string, policies: readonly PolicyRecord[]): Line[] {
  return policies.map((policy) => ({
    order: `${kind} ${policy.policyName.toLowerCase()}`,
    show: async (uses) => ({
      Policies: {
        ...shownPolicy(policy, uses.get(policy.arn) ?? []),
        PolicyVersionList: policy.versions.map((version) => ({
          Document: urlEncoded(version.document),
          ...shownVersion(policy, version),
        })),
      },
    }),
  }));
}

function inlineDetails(inline: InlinePolicies): PolicyDetail[] {
  return Object.entries(inline).map(([PolicyName, document]) => ({ PolicyName, PolicyDocument: urlEncoded(document) }));
}

function attachedDetails(arns: readonly string[]): AttachedPolicy[] {
  return arns.map((PolicyArn) => ({ PolicyName: policyNameOf(PolicyArn), PolicyArn }));
}
