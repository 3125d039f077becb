/**
 * What an organization lays on an account: its place in the tree, and the control policies of every level above it.
 * The management account has a place and no control. Read at every call, so kept in memory until the next write.
 * Source: Organizations User Guide, "SCP evaluation", "RCP evaluation".
 */
import { accounts, globalKey } from '../../store/index.ts';
import type { AccountControls, House } from '../index.ts';
import {
  attachedTo,
  type ControlPolicyType,
  fullAccessPolicy,
  policiesIn,
  policyArn,
  rememberedOf,
} from './policy-records.ts';
import { organizations, organizationsArn, type OrganizationRecord, unitsOf } from './records.ts';

/** Undefined for an account that is in no organization. */
export function controlsOf(house: House, account: string): Promise<AccountControls | undefined> {
  return rememberedOf(house, account, () => loadControls(house, account));
}

async function loadControls(house: House, account: string): Promise<AccountControls | undefined> {
  const { store } = house;
  const member = (await accounts.get(store, globalKey(account)))?.document;
  const organization = member && (await organizations.get(store, globalKey(member.organizationId)))?.document;
  if (member === undefined || organization === undefined) return undefined;
  const units = new Map((await unitsOf(store, organization)).map((unit) => [unit.id, unit]));
  const above: string[] = [];
  for (let id = member.parentId; id !== organization.rootId; id = units.get(id)?.parentId ?? organization.rootId)
    above.unshift(id);
  const place = [organization.rootId, ...above];
  const controls = {
    organizationId: organization.id,
    organizationArn: organizationsArn(organization, 'organization'),
    path: `${[organization.id, ...place].join('/')}/`,
    suspended: member.status === 'SUSPENDED',
  };
  if (account === organization.managementAccount) return controls;
  const levels = (type: ControlPolicyType) => levelsOf(house, organization, type, [...place, account]);
  const enabled = organization.policyTypes ?? [];
  return {
    ...controls,
    ...(enabled.includes('SERVICE_CONTROL_POLICY') && { serviceControl: await levels('SERVICE_CONTROL_POLICY') }),
    ...(enabled.includes('RESOURCE_CONTROL_POLICY') && { resourceControl: await levels('RESOURCE_CONTROL_POLICY') }),
  };
}

async function levelsOf(
  house: House,
  organization: OrganizationRecord,
  type: ControlPolicyType,
  targets: readonly string[],
): Promise<NonNullable<AccountControls['serviceControl']>> {
  const all = new Map(
    [fullAccessPolicy(type), ...(await policiesIn(house.store, organization.id))].map((policy) => [policy.id, policy]),
  );
  return Promise.all(
    targets.map(async (target) =>
      (await attachedTo(house.store, target))[type].flatMap((id) => {
        const policy = all.get(id);
        return policy === undefined
          ? []
          : [{ name: policy.name, document: policy.content, arn: policyArn(organization, policy) }];
      }),
    ),
  );
}
