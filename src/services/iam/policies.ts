/** Managed policies and their versions. Source: IAM API Reference, the policy operations; "IAM and AWS STS quotas". */
import type {
  CreatePolicyRequest,
  CreatePolicyResponse,
  CreatePolicyVersionRequest,
  CreatePolicyVersionResponse,
  DeletePolicyRequest,
  DeletePolicyVersionRequest,
  GetPolicyRequest,
  GetPolicyResponse,
  GetPolicyVersionRequest,
  GetPolicyVersionResponse,
  ListEntitiesForPolicyRequest,
  ListEntitiesForPolicyResponse,
  ListPoliciesRequest,
  ListPoliciesResponse,
  ListPolicyVersionsRequest,
  ListPolicyVersionsResponse,
  SetDefaultPolicyVersionRequest,
} from '@aws-sdk/client-iam';
import { AwsError } from '../../common/index.ts';
import {
  managedPolicies,
  nameKey,
  type PolicyRecord,
  type PolicyVersionRecord,
  type Queryable,
  type Tx,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onNew, onPolicy, requestTags } from './access.ts';
import { awsManagedPolicies, awsManagedPolicy } from '../../core/managed-policies/index.ts';
import { change } from './identity-cache.ts';
import { policyIdOfArn } from './identity.ts';
import { slicePage } from './listing.ts';
import { checkManaged } from './policy-checks.ts';
import { checkArn, ownPolicy, type PolicyUse, policyUses } from './policy-lookup.ts';
import { asRecord, shownPolicy, shownVersion } from './shown-policies.ts';
import { iamArn, newUniqueId, noSuchEntity, quotaExceeded, tagsMember, urlEncoded, withTags } from './records.ts';

const MOST_POLICIES = 1500;
const MOST_VERSIONS = 5;

export const createPolicy = operation<CreatePolicyRequest, CreatePolicyResponse>({
  authorize: async ({ PolicyName, Path, Tags }, call) =>
    onNew(call, 'iam:CreatePolicy', 'policy', Path, PolicyName, requestTags(Tags)),
  handle: async ({ PolicyName = '', Path = '/', PolicyDocument = '', Description, Tags }, call) => {
    checkManaged(PolicyDocument);
    const policy: PolicyRecord = {
      policyName: PolicyName,
      policyId: newUniqueId(call.house.ids, 'ANPA'),
      path: Path,
      arn: iamArn(call.account, 'policy', Path, PolicyName),
      ...(Description === undefined ? {} : { description: Description }),
      createdAt: call.now,
      updatedAt: call.now,
      defaultVersionId: 'v1',
      versions: [{ versionId: 'v1', document: PolicyDocument, createdAt: call.now }],
      nextVersion: 2,
      tags: withTags({}, Tags),
    };
    await change(call, async (tx) => {
      if ((await managedPolicies.count(tx, { account: call.account })) >= MOST_POLICIES) {
        throw quotaExceeded('PoliciesPerAccount', MOST_POLICIES);
      }
      if (!(await managedPolicies.insert(tx, nameKey(call.account, PolicyName), policy))) {
        throw new AwsError(
          'EntityAlreadyExistsException',
          `A policy called ${PolicyName} already exists. Duplicate names are not allowed.`,
        );
      }
    });
    return { Policy: { ...shownPolicy(policy, []), ...tagsMember(policy.tags) } };
  },
});

export const getPolicy = operation<GetPolicyRequest, GetPolicyResponse>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:GetPolicy', PolicyArn),
  handle: async ({ PolicyArn = '' }, call) => {
    const { store } = call.house;
    const policy = await readable(store, call, PolicyArn);
    const uses = (await policyUses(store, call.account)).get(PolicyArn) ?? [];
    return { Policy: { ...shownPolicy(policy, uses), ...tagsMember(policy.tags) } };
  },
});

export const listPolicies = operation<ListPoliciesRequest, ListPoliciesResponse>({
  handle: async (input, call) => {
    const { store } = call.house;
    const scope = input.Scope ?? 'All';
    const prefix = input.PathPrefix ?? '/';
    const uses = await policyUses(store, call.account);
    const own =
      scope === 'AWS'
        ? []
        : (await managedPolicies.list(store, { account: call.account })).map(({ document }) => document);
    const aws = scope === 'Local' ? [] : awsManagedPolicies().map(asRecord);
    const wanted = [...own, ...aws].filter((policy) => {
      if (!policy.path.startsWith(prefix)) return false;
      const usedBy = uses.get(policy.arn) ?? [];
      if (input.PolicyUsageFilter === 'PermissionsPolicy') return usedBy.some(({ as }) => as === 'policy');
      if (input.PolicyUsageFilter === 'PermissionsBoundary') return usedBy.some(({ as }) => as === 'boundary');
      return input.OnlyAttached !== true || usedBy.some(({ as }) => as === 'policy');
    });
    const { items, end } = slicePage(wanted, (policy) => `${policy.policyName.toLowerCase()} ${policy.arn}`, input);
    return { Policies: items.map((policy) => shownPolicy(policy, uses.get(policy.arn) ?? [])), ...end };
  },
});

export const deletePolicy = operation<DeletePolicyRequest, object>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:DeletePolicy', PolicyArn),
  handle: async ({ PolicyArn = '' }, call) => {
    await change(call, async (tx) => {
      const policy = await writable(tx, call, PolicyArn);
      if (((await policyUses(tx, call.account)).get(PolicyArn) ?? []).length > 0) {
        throw new AwsError('DeleteConflictException', 'Cannot delete a policy attached to entities.');
      }
      if (policy.versions.length > 1) {
        throw new AwsError(
          'DeleteConflictException',
          "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        );
      }
      await managedPolicies.delete(tx, nameKey(call.account, policy.policyName));
    });
    return {};
  },
});

export const createPolicyVersion = operation<CreatePolicyVersionRequest, CreatePolicyVersionResponse>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:CreatePolicyVersion', PolicyArn),
  handle: async ({ PolicyArn = '', PolicyDocument = '', SetAsDefault = false }, call) => {
    checkManaged(PolicyDocument);
    return change(call, async (tx) => {
      const policy = await writable(tx, call, PolicyArn);
      if (policy.versions.length >= MOST_VERSIONS) {
        throw new AwsError(
          'LimitExceededException',
          `A managed policy can have up to ${MOST_VERSIONS} versions. Before you create a new version, you must delete an existing version.`,
        );
      }
      const version = { versionId: `v${policy.nextVersion}`, document: PolicyDocument, createdAt: call.now };
      await save(tx, call, {
        ...policy,
        updatedAt: call.now,
        versions: [...policy.versions, version],
        nextVersion: policy.nextVersion + 1,
        defaultVersionId: SetAsDefault ? version.versionId : policy.defaultVersionId,
      });
      return {
        PolicyVersion: {
          VersionId: version.versionId,
          IsDefaultVersion: SetAsDefault,
          CreateDate: new Date(version.createdAt),
        },
      };
    });
  },
});

export const getPolicyVersion = operation<GetPolicyVersionRequest, GetPolicyVersionResponse>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:GetPolicyVersion', PolicyArn),
  handle: async ({ PolicyArn = '', VersionId = '' }, call) => {
    const policy = await readable(call.house.store, call, PolicyArn);
    const version = existingVersion(policy, VersionId);
    return { PolicyVersion: { Document: urlEncoded(version.document), ...shownVersion(policy, version) } };
  },
});

export const listPolicyVersions = operation<ListPolicyVersionsRequest, ListPolicyVersionsResponse>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:ListPolicyVersions', PolicyArn),
  handle: async (input, call) => {
    const policy = await readable(call.house.store, call, input.PolicyArn ?? '');
    // Newest first.
    const order = (version: PolicyVersionRecord): string =>
      String(1_000_000 - Number(version.versionId.slice(1))).padStart(7, '0');
    const { items, end } = slicePage(policy.versions, order, input);
    return { Versions: items.map((version) => shownVersion(policy, version)), ...end };
  },
});

export const deletePolicyVersion = operation<DeletePolicyVersionRequest, object>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:DeletePolicyVersion', PolicyArn),
  handle: async ({ PolicyArn = '', VersionId = '' }, call) => {
    await change(call, async (tx) => {
      const policy = await writable(tx, call, PolicyArn);
      existingVersion(policy, VersionId);
      if (policy.defaultVersionId === VersionId) {
        throw new AwsError('DeleteConflictException', 'Cannot delete the default version of a policy.');
      }
      const versions = policy.versions.filter((version) => version.versionId !== VersionId);
      await save(tx, call, { ...policy, versions });
    });
    return {};
  },
});

export const setDefaultPolicyVersion = operation<SetDefaultPolicyVersionRequest, object>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:SetDefaultPolicyVersion', PolicyArn),
  handle: async ({ PolicyArn = '', VersionId = '' }, call) => {
    await change(call, async (tx) => {
      const policy = await writable(tx, call, PolicyArn);
      existingVersion(policy, VersionId);
      await save(tx, call, { ...policy, updatedAt: call.now, defaultVersionId: VersionId });
    });
    return {};
  },
});

export const listEntitiesForPolicy = operation<ListEntitiesForPolicyRequest, ListEntitiesForPolicyResponse>({
  authorize: async ({ PolicyArn }, call) => onPolicy(call, 'iam:ListEntitiesForPolicy', PolicyArn),
  handle: async (input, call) => {
    const { PolicyArn = '', EntityFilter, PathPrefix = '/', PolicyUsageFilter } = input;
    await readable(call.house.store, call, PolicyArn);
    if (EntityFilter === 'LocalManagedPolicy' || EntityFilter === 'AWSManagedPolicy') {
      return { PolicyGroups: [], PolicyUsers: [], PolicyRoles: [], IsTruncated: false };
    }
    const as = PolicyUsageFilter === 'PermissionsBoundary' ? 'boundary' : 'policy';
    const wanted = ((await policyUses(call.house.store, call.account)).get(PolicyArn) ?? []).filter(
      (use) =>
        (PolicyUsageFilter === undefined || use.as === as) &&
        use.path.startsWith(PathPrefix) &&
        (EntityFilter === undefined || EntityFilter.toLowerCase() === use.kind),
    );
    const once = [...new Map(wanted.map((use) => [`${use.kind} ${use.name}`, use])).entries()];
    const { items, end } = slicePage(once, ([key]) => key, input);
    const of = (kind: PolicyUse['kind']): PolicyUse[] => items.map(([, use]) => use).filter((use) => use.kind === kind);
    return {
      PolicyGroups: of('group').map(({ name, id }) => ({ GroupName: name, GroupId: id })),
      PolicyUsers: of('user').map(({ name, id }) => ({ UserName: name, UserId: id })),
      PolicyRoles: of('role').map(({ name, id }) => ({ RoleName: name, RoleId: id })),
      ...end,
    };
  },
});

/** A policy of the account or of AWS. */
async function readable(q: Queryable, call: Call, arn: string): Promise<PolicyRecord> {
  checkArn(arn);
  const aws = awsManagedPolicy(arn);
  if (aws !== undefined) return asRecord(aws);
  const policy = (await managedPolicies.get(q, nameKey(call.account, policyIdOfArn(arn))))?.document;
  if (policy === undefined || policy.arn !== arn) throw noSuchEntity(`Policy ${arn} was not found.`);
  return policy;
}

async function writable(tx: Tx, call: Call, arn: string): Promise<PolicyRecord> {
  checkArn(arn);
  if (arn.startsWith('arn:aws:iam::aws:')) {
    throw new AwsError('AccessDeniedException', `Policy ${arn} is managed by AWS and cannot be changed.`, {
      statusCode: 403,
    });
  }
  const policy = await ownPolicy(tx, call.account, arn);
  if (policy === undefined) throw noSuchEntity(`Policy ${arn} was not found.`);
  return policy;
}

async function save(tx: Tx, call: Call, policy: PolicyRecord): Promise<void> {
  await managedPolicies.update(tx, nameKey(call.account, policy.policyName), policy);
}

function existingVersion(policy: PolicyRecord, versionId: string): PolicyVersionRecord {
  const version = policy.versions.find((candidate) => candidate.versionId === versionId);
  if (version === undefined) {
    throw noSuchEntity(`Policy ${policy.arn} version ${versionId} does not exist or is not attachable.`);
  }
  return version;
}
