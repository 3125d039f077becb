/**
 * Service and resource control policies: made, changed, attached to the root, to units and to accounts.
 * A policy type is enabled on the root before its policies can be attached; then everything has the full-access policy of
 * its type, until others take its place. What they do to a call is in `controls.ts` and `core/policy`.
 * Sources: AWS Organizations API Reference, the policy operations; Organizations User Guide, "Service control policies",
 * "Resource control policies", "Quotas".
 */
import type {
  AttachPolicyRequest,
  CreatePolicyRequest,
  CreatePolicyResponse,
  DeletePolicyRequest,
  DescribeEffectivePolicyRequest,
  DescribeEffectivePolicyResponse,
  DescribePolicyRequest,
  DescribePolicyResponse,
  DetachPolicyRequest,
  DisablePolicyTypeRequest,
  DisablePolicyTypeResponse,
  EnablePolicyTypeRequest,
  EnablePolicyTypeResponse,
  ListPoliciesForTargetRequest,
  ListPoliciesForTargetResponse,
  ListPoliciesRequest,
  ListPoliciesResponse,
  ListTargetsForPolicyRequest,
  ListTargetsForPolicyResponse,
  Policy,
  PolicySummary,
  PolicyTargetSummary,
  UpdatePolicyRequest,
  UpdatePolicyResponse,
} from '@aws-sdk/client-organizations';
import { AwsError, LOWER_ALPHANUMERIC } from '../../common/index.ts';
import { policySize } from '../../core/policy/index.ts';
import { accounts, globalKey, type Queryable } from '../../store/index.ts';
import { operation } from '../index.ts';
import { onEach, onOrganization, onPolicyType } from './access.ts';
import { controlPolicyFault } from './policy-content.ts';
import {
  attachedTo,
  attachments,
  changeOrganization,
  CONTROL_POLICY_TYPES,
  type ControlPolicyType,
  fullAccessPolicy,
  isControlPolicyType,
  policies,
  policiesIn,
  policyArn,
  type PolicyRecord,
} from './policy-records.ts';
import {
  accountsOf,
  managedOrganization,
  type OrganizationRecord,
  organizations,
  organizationsArn,
  page,
  shownRoot,
  tagsOf,
  units,
  unitsOf,
} from './records.ts';

const LARGEST_POLICY = 5_120;
const MOST_ATTACHED = 5;
const MOST_POLICIES = 2_000;

export const createPolicy = operation<CreatePolicyRequest, CreatePolicyResponse>({
  authorize: async ({ Type }, call) => onPolicyType(call, 'CreatePolicy', Type),
  handle: async ({ Content = '', Description = '', Name = '', Type, Tags }, call) =>
    changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const type = implemented(Type);
      requireAllFeatures(organization);
      checkContent(Content, type);
      const all = await policiesIn(tx, organization.id);
      refuseTakenName(all, type, Name);
      if (all.length >= MOST_POLICIES) {
        throw constraint('POLICY_NUMBER_LIMIT_EXCEEDED', 'You have exceeded the number of policies allowed.');
      }
      const policy: PolicyRecord = {
        id: `p-${call.house.ids.text(8, LOWER_ALPHANUMERIC)}`,
        organizationId: organization.id,
        name: Name,
        description: Description,
        type,
        content: Content,
        tags: tagsOf(Tags),
      };
      await policies.insert(tx, globalKey(policy.id), policy, { parent: organization.id });
      return { Policy: shown(organization, policy) };
    }),
});

export const updatePolicy = operation<UpdatePolicyRequest, UpdatePolicyResponse>({
  authorize: async ({ PolicyId }, call) => onOrganization(call, 'UpdatePolicy', PolicyId),
  handle: async ({ PolicyId = '', Name, Description, Content }, call) =>
    changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const policy = await ownPolicy(tx, organization, PolicyId);
      if (Content !== undefined) checkContent(Content, policy.type);
      if (Name !== undefined && Name !== policy.name) {
        refuseTakenName(await policiesIn(tx, organization.id), policy.type, Name);
      }
      const changed: PolicyRecord = {
        ...policy,
        name: Name ?? policy.name,
        description: Description ?? policy.description,
        content: Content ?? policy.content,
      };
      await policies.update(tx, globalKey(policy.id), changed);
      return { Policy: shown(organization, changed) };
    }),
});

export const deletePolicy = operation<DeletePolicyRequest, object>({
  authorize: async ({ PolicyId }, call) => onOrganization(call, 'DeletePolicy', PolicyId),
  handle: async ({ PolicyId = '' }, call) => {
    await changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const policy = await ownPolicy(tx, organization, PolicyId);
      if ((await targetsOf(tx, organization, policy)).length > 0) {
        throw new AwsError(
          'PolicyInUseException',
          'The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.',
        );
      }
      await policies.delete(tx, globalKey(policy.id));
    });
    return {};
  },
});

export const describePolicy = operation<DescribePolicyRequest, DescribePolicyResponse>({
  authorize: async ({ PolicyId }, call) => onOrganization(call, 'DescribePolicy', PolicyId),
  handle: async ({ PolicyId = '' }, call) => {
    const organization = await managedOrganization(call.house.store, call);
    return { Policy: shown(organization, await policyNamed(call.house.store, organization, PolicyId)) };
  },
});

export const listPolicies = operation<ListPoliciesRequest, ListPoliciesResponse>({
  handle: async (input, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const type = input.Filter;
    const own = (await policiesIn(call.house.store, organization.id)).filter((policy) => policy.type === type);
    const all = isControlPolicyType(type) ? [fullAccessPolicy(type), ...own] : own;
    const { items, next } = page(all, ({ id }) => id, input);
    return { Policies: items.map((policy) => summary(organization, policy)), ...next };
  },
});

export const attachPolicy = operation<AttachPolicyRequest, object>({
  authorize: async ({ PolicyId, TargetId }, call) => onEach(call, 'AttachPolicy', [PolicyId, TargetId]),
  handle: async ({ PolicyId = '', TargetId = '' }, call) => {
    await changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const policy = await policyNamed(tx, organization, PolicyId);
      await requireTarget(tx, organization, TargetId);
      requireEnabled(organization, policy.type);
      const attached = await attachedTo(tx, TargetId);
      const ids = attached[policy.type];
      if (ids.includes(policy.id)) {
        throw new AwsError(
          'DuplicatePolicyAttachmentException',
          'The selected policy is already attached to the specified target.',
        );
      }
      if (ids.length >= MOST_ATTACHED) {
        throw constraint(
          'MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
          'You have attached the maximum number of policies of this type to the target.',
        );
      }
      await attachments.put(
        tx,
        globalKey(TargetId),
        { ...attached, [policy.type]: [...ids, policy.id] },
        { parent: organization.id },
      );
    });
    return {};
  },
});

export const detachPolicy = operation<DetachPolicyRequest, object>({
  authorize: async ({ PolicyId, TargetId }, call) => onEach(call, 'DetachPolicy', [PolicyId, TargetId]),
  handle: async ({ PolicyId = '', TargetId = '' }, call) => {
    await changeOrganization(call.house, async (tx) => {
      const organization = await managedOrganization(tx, call);
      const policy = await policyNamed(tx, organization, PolicyId);
      await requireTarget(tx, organization, TargetId);
      const attached = await attachedTo(tx, TargetId);
      const ids = attached[policy.type];
      if (!isEnabled(organization, policy.type) || !ids.includes(policy.id)) {
        throw new AwsError(
          'PolicyNotAttachedException',
          "The policy isn't attached to the specified target in the specified root.",
        );
      }
      if (policy.id === fullAccessPolicy('RESOURCE_CONTROL_POLICY').id) {
        throw constraint(
          'MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
          'The policy RCPFullAWSAccess cannot be detached.',
        );
      }
      if (ids.length === 1) {
        throw constraint(
          'MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED',
          'You cannot remove the last policy of this type attached to the specified target.',
        );
      }
      await attachments.put(
        tx,
        globalKey(TargetId),
        { ...attached, [policy.type]: ids.filter((id) => id !== policy.id) },
        { parent: organization.id },
      );
    });
    return {};
  },
});

export const listPoliciesForTarget = operation<ListPoliciesForTargetRequest, ListPoliciesForTargetResponse>({
  authorize: async ({ TargetId }, call) => onOrganization(call, 'ListPoliciesForTarget', TargetId),
  handle: async (input, call) => {
    const { store } = call.house;
    const organization = await managedOrganization(store, call);
    const target = input.TargetId ?? '';
    await requireTarget(store, organization, target);
    const type = input.Filter;
    if (!isControlPolicyType(type) || !isEnabled(organization, type)) return { Policies: [] };
    const attached = await attachedTo(store, target);
    const found = await Promise.all(attached[type].map((id) => policyNamed(store, organization, id)));
    const { items, next } = page(found, ({ id }) => id, input);
    return { Policies: items.map((policy) => summary(organization, policy)), ...next };
  },
});

export const listTargetsForPolicy = operation<ListTargetsForPolicyRequest, ListTargetsForPolicyResponse>({
  authorize: async ({ PolicyId }, call) => onOrganization(call, 'ListTargetsForPolicy', PolicyId),
  handle: async (input, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const policy = await policyNamed(call.house.store, organization, input.PolicyId ?? '');
    const { items, next } = page(
      await targetsOf(call.house.store, organization, policy),
      ({ TargetId = '' }) => TargetId,
      input,
    );
    return { Targets: items, ...next };
  },
});

/** Of management policies, which are none here: the model knows no other types, so authorization policies are refused by the wire. */
export const describeEffectivePolicy = operation<DescribeEffectivePolicyRequest, DescribeEffectivePolicyResponse>({
  authorize: async ({ TargetId }, call) => onOrganization(call, 'DescribeEffectivePolicy', TargetId ?? call.account),
  handle: async (input, call) => {
    const organization = await managedOrganization(call.house.store, call);
    await requireTarget(call.house.store, organization, input.TargetId ?? call.account);
    throw new AwsError(
      'EffectivePolicyNotFoundException',
      `The policy type ${input.PolicyType} is not enabled for this organization.`,
    );
  },
});

export const enablePolicyType = operation<EnablePolicyTypeRequest, EnablePolicyTypeResponse>({
  authorize: async ({ RootId }, call) => onOrganization(call, 'EnablePolicyType', RootId),
  handle: async ({ RootId = '', PolicyType }, call) =>
    changeOrganization(call.house, async (tx) => {
      const organization = await rootOf(await managedOrganization(tx, call), RootId);
      const type = implemented(PolicyType);
      requireAllFeatures(organization);
      if (isEnabled(organization, type)) {
        throw new AwsError(
          'PolicyTypeAlreadyEnabledException',
          'The specified policy type is already enabled in the specified root.',
        );
      }
      const changed = { ...organization, policyTypes: [...(organization.policyTypes ?? []), type] };
      await organizations.update(tx, globalKey(organization.id), changed);
      return { Root: shownRoot(changed) };
    }),
});

/** Its policies are detached from everything: enabled again, the full-access policy stands everywhere. */
export const disablePolicyType = operation<DisablePolicyTypeRequest, DisablePolicyTypeResponse>({
  authorize: async ({ RootId }, call) => onOrganization(call, 'DisablePolicyType', RootId),
  handle: async ({ RootId = '', PolicyType }, call) =>
    changeOrganization(call.house, async (tx) => {
      const organization = await rootOf(await managedOrganization(tx, call), RootId);
      const type = implemented(PolicyType);
      requireEnabled(organization, type);
      for (const { key, document } of await attachments.list(tx, { account: '', parent: organization.id })) {
        await attachments.put(
          tx,
          key,
          { ...document, [type]: [fullAccessPolicy(type).id] },
          { parent: organization.id },
        );
      }
      const policyTypes = (organization.policyTypes ?? []).filter((enabled) => enabled !== type);
      const changed = { ...organization, policyTypes };
      await organizations.update(tx, globalKey(organization.id), changed);
      return { Root: shownRoot(changed) };
    }),
});

// --- rules ---

/** Other types manage services that Sluice has not. */
function implemented(type: string | undefined): ControlPolicyType {
  if (isControlPolicyType(type)) return type;
  throw new AwsError(
    'PolicyTypeNotAvailableForOrganizationException',
    `Policies of the type ${type} are not implemented by Sluice; ${CONTROL_POLICY_TYPES.join(' and ')} are.`,
  );
}

function requireAllFeatures(organization: OrganizationRecord): void {
  if (organization.featureSet === 'ALL') return;
  throw new AwsError(
    'PolicyTypeNotAvailableForOrganizationException',
    "You can't use the specified policy type with the feature set currently enabled for this organization.",
  );
}

function checkContent(content: string, type: ControlPolicyType): void {
  if (policySize(content) > LARGEST_POLICY) {
    throw constraint('POLICY_CONTENT_LIMIT_EXCEEDED', 'You have exceeded the size limit of the policy content.');
  }
  const fault = controlPolicyFault(content, type);
  if (fault !== undefined) throw new AwsError('MalformedPolicyDocumentException', fault);
}

function refuseTakenName(all: readonly PolicyRecord[], type: ControlPolicyType, name: string): void {
  const taken = [fullAccessPolicy(type), ...all].some((policy) => policy.type === type && policy.name === name);
  if (taken) throw new AwsError('DuplicatePolicyException', 'A policy with the same name already exists.');
}

function isEnabled(organization: OrganizationRecord, type: ControlPolicyType): boolean {
  return organization.policyTypes?.includes(type) ?? false;
}

function requireEnabled(organization: OrganizationRecord, type: ControlPolicyType): void {
  if (isEnabled(organization, type)) return;
  throw new AwsError(
    'PolicyTypeNotEnabledException',
    "The specified policy type isn't currently enabled in this root.",
  );
}

async function rootOf(organization: OrganizationRecord, rootId: string): Promise<OrganizationRecord> {
  if (organization.rootId === rootId) return organization;
  throw new AwsError('RootNotFoundException', "You specified a root that doesn't exist.");
}

function constraint(reason: string, message: string): AwsError {
  return new AwsError('ConstraintViolationException', message, { fields: { Reason: reason } });
}

// --- look-ups ---

/** One of the organization's own or AWS's. Throws PolicyNotFoundException. */
async function policyNamed(q: Queryable, organization: OrganizationRecord, id: string): Promise<PolicyRecord> {
  const managed = CONTROL_POLICY_TYPES.map(fullAccessPolicy).find((policy) => policy.id === id);
  if (managed !== undefined) return managed;
  const found = (await policies.get(q, globalKey(id)))?.document;
  if (found?.organizationId === organization.id) return found;
  throw new AwsError('PolicyNotFoundException', "You specified a policy that doesn't exist.");
}

/** One that its organization may change. */
async function ownPolicy(q: Queryable, organization: OrganizationRecord, id: string): Promise<PolicyRecord> {
  const policy = await policyNamed(q, organization, id);
  if (policy.organizationId !== '') return policy;
  throw new AwsError('InvalidInputException', 'You cannot modify or delete a policy that AWS manages.', {
    fields: { Reason: 'IMMUTABLE_POLICY' },
  });
}

async function requireTarget(q: Queryable, organization: OrganizationRecord, id: string): Promise<void> {
  if (id === organization.rootId) return;
  if ((await units.get(q, globalKey(id)))?.document.organizationId === organization.id) return;
  if ((await accounts.get(q, globalKey(id)))?.document.organizationId === organization.id) return;
  throw new AwsError(
    'TargetNotFoundException',
    "We can't find a root, OU, account, or policy with the TargetId that you specified.",
  );
}

async function targetsOf(
  q: Queryable,
  organization: OrganizationRecord,
  policy: PolicyRecord,
): Promise<readonly PolicyTargetSummary[]> {
  if (!isEnabled(organization, policy.type)) return [];
  const all: PolicyTargetSummary[] = [
    {
      TargetId: organization.rootId,
      Arn: organizationsArn(organization, 'root', organization.rootId),
      Name: 'Root',
      Type: 'ROOT',
    },
    ...(await unitsOf(q, organization)).map(({ id, name }) => ({
      TargetId: id,
      Arn: organizationsArn(organization, 'ou', id),
      Name: name,
      Type: 'ORGANIZATIONAL_UNIT' as const,
    })),
    ...(await accountsOf(q, organization)).map(({ id, name }) => ({
      TargetId: id,
      Arn: organizationsArn(organization, 'account', id),
      Name: name,
      Type: 'ACCOUNT' as const,
    })),
  ];
  const found: PolicyTargetSummary[] = [];
  for (const target of all) {
    const attached = await attachedTo(q, target.TargetId ?? '');
    if (attached[policy.type].includes(policy.id)) found.push(target);
  }
  return found;
}

function shown(organization: OrganizationRecord, policy: PolicyRecord): Policy {
  return { PolicySummary: summary(organization, policy), Content: policy.content };
}

function summary(organization: OrganizationRecord, policy: PolicyRecord): PolicySummary {
  return {
    Id: policy.id,
    Arn: policyArn(organization, policy),
    Name: policy.name,
    Description: policy.description,
    Type: policy.type,
    AwsManaged: policy.organizationId === '',
  };
}
