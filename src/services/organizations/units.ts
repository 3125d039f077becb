/** Organizational units, and the tree they make with the accounts. Source: AWS Organizations API Reference. */
import type {
  CreateOrganizationalUnitRequest,
  CreateOrganizationalUnitResponse,
  DeleteOrganizationalUnitRequest,
  DescribeOrganizationalUnitRequest,
  DescribeOrganizationalUnitResponse,
  ListChildrenRequest,
  ListChildrenResponse,
  ListOrganizationalUnitsForParentRequest,
  ListOrganizationalUnitsForParentResponse,
  ListParentsRequest,
  ListParentsResponse,
  OrganizationalUnit,
  UpdateOrganizationalUnitRequest,
  UpdateOrganizationalUnitResponse,
} from '@aws-sdk/client-organizations';
import { AwsError, LOWER_ALPHANUMERIC } from '../../common/index.ts';
import { accounts, globalKey, type Queryable } from '../../store/index.ts';
import { operation } from '../index.ts';
import { onOrganization } from './access.ts';
import {
  accountsOf,
  managedOrganization,
  type OrganizationRecord,
  organizationsArn,
  page,
  requireParent,
  tagsOf,
  unitNamed,
  type UnitRecord,
  units,
  unitsOf,
} from './records.ts';

/** Units nest five deep below the root. */
const DEEPEST = 5;

export const createOrganizationalUnit = operation<CreateOrganizationalUnitRequest, CreateOrganizationalUnitResponse>({
  authorize: async ({ ParentId }, call) => onOrganization(call, 'CreateOrganizationalUnit', ParentId),
  handle: async ({ ParentId = '', Name = '', Tags }, call) =>
    call.house.store.transaction(async (tx) => {
      const organization = await managedOrganization(tx, call);
      await requireParent(tx, organization, ParentId);
      const all = await unitsOf(tx, organization);
      refuseTakenName(all, ParentId, Name);
      if (depthOf(all, ParentId) >= DEEPEST) {
        throw new AwsError('ConstraintViolationException', 'You have exceeded the depth limit for OUs.', {
          fields: { Reason: 'OU_DEPTH_LIMIT_EXCEEDED' },
        });
      }
      const unit: UnitRecord = {
        id: `ou-${organization.rootId.slice(2)}-${call.house.ids.text(8, LOWER_ALPHANUMERIC)}`,
        name: Name,
        parentId: ParentId,
        organizationId: organization.id,
        tags: tagsOf(Tags),
      };
      await units.insert(tx, globalKey(unit.id), unit, { parent: organization.id });
      return { OrganizationalUnit: shown(organization, unit) };
    }),
});

export const describeOrganizationalUnit = operation<
  DescribeOrganizationalUnitRequest,
  DescribeOrganizationalUnitResponse
>({
  authorize: async ({ OrganizationalUnitId }, call) =>
    onOrganization(call, 'DescribeOrganizationalUnit', OrganizationalUnitId),
  handle: async ({ OrganizationalUnitId = '' }, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const unit = await unitNamed(call.house.store, organization, OrganizationalUnitId);
    return { OrganizationalUnit: shown(organization, unit) };
  },
});

export const updateOrganizationalUnit = operation<UpdateOrganizationalUnitRequest, UpdateOrganizationalUnitResponse>({
  authorize: async ({ OrganizationalUnitId }, call) =>
    onOrganization(call, 'UpdateOrganizationalUnit', OrganizationalUnitId),
  handle: async ({ OrganizationalUnitId = '', Name }, call) =>
    call.house.store.transaction(async (tx) => {
      const organization = await managedOrganization(tx, call);
      const unit = await unitNamed(tx, organization, OrganizationalUnitId);
      const renamed = { ...unit, name: Name ?? unit.name };
      if (renamed.name !== unit.name) {
        refuseTakenName(await unitsOf(tx, organization), unit.parentId, renamed.name);
      }
      await units.update(tx, globalKey(unit.id), renamed);
      return { OrganizationalUnit: shown(organization, renamed) };
    }),
});

export const deleteOrganizationalUnit = operation<DeleteOrganizationalUnitRequest, object>({
  authorize: async ({ OrganizationalUnitId }, call) =>
    onOrganization(call, 'DeleteOrganizationalUnit', OrganizationalUnitId),
  handle: async ({ OrganizationalUnitId = '' }, call) => {
    await call.house.store.transaction(async (tx) => {
      const organization = await managedOrganization(tx, call);
      const unit = await unitNamed(tx, organization, OrganizationalUnitId);
      const children = [...(await unitsOf(tx, organization)), ...(await accountsOf(tx, organization))];
      if (children.some(({ parentId }) => parentId === unit.id)) {
        throw new AwsError(
          'OrganizationalUnitNotEmptyException',
          'The specified OU is not empty. Move all accounts to another root or to other OUs, remove all child OUs, and try the operation again.',
        );
      }
      await units.delete(tx, globalKey(unit.id));
    });
    return {};
  },
});

export const listOrganizationalUnitsForParent = operation<
  ListOrganizationalUnitsForParentRequest,
  ListOrganizationalUnitsForParentResponse
>({
  authorize: async ({ ParentId }, call) => onOrganization(call, 'ListOrganizationalUnitsForParent', ParentId),
  handle: async (input, call) => {
    const { store } = call.house;
    const organization = await managedOrganization(store, call);
    await requireParent(store, organization, input.ParentId ?? '');
    const children = (await unitsOf(store, organization)).filter(({ parentId }) => parentId === input.ParentId);
    const { items, next } = page(children, ({ id }) => id, input);
    return { OrganizationalUnits: items.map((unit) => shown(organization, unit)), ...next };
  },
});

export const listChildren = operation<ListChildrenRequest, ListChildrenResponse>({
  authorize: async ({ ParentId }, call) => onOrganization(call, 'ListChildren', ParentId),
  handle: async (input, call) => {
    const { store } = call.house;
    const organization = await managedOrganization(store, call);
    await requireParent(store, organization, input.ParentId ?? '');
    const all =
      input.ChildType === 'ACCOUNT' ? await accountsOf(store, organization) : await unitsOf(store, organization);
    const children = all.filter(({ parentId }) => parentId === input.ParentId);
    const { items, next } = page<(typeof children)[number]>(children, ({ id }) => id, input);
    return { Children: items.map(({ id }) => ({ Id: id, Type: input.ChildType })), ...next };
  },
});

export const listParents = operation<ListParentsRequest, ListParentsResponse>({
  authorize: async ({ ChildId }, call) => onOrganization(call, 'ListParents', ChildId),
  handle: async ({ ChildId = '' }, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const parentId = await parentOf(call.house.store, organization, ChildId);
    if (parentId === undefined) {
      throw new AwsError('ChildNotFoundException', "You specified a child that doesn't exist.");
    }
    const type = parentId === organization.rootId ? 'ROOT' : 'ORGANIZATIONAL_UNIT';
    return { Parents: [{ Id: parentId, Type: type }] };
  },
});

async function parentOf(q: Queryable, organization: OrganizationRecord, childId: string): Promise<string | undefined> {
  const child = childId.startsWith('ou-')
    ? await units.get(q, globalKey(childId))
    : await accounts.get(q, globalKey(childId));
  return child?.document.organizationId === organization.id ? child.document.parentId : undefined;
}

function depthOf(all: readonly UnitRecord[], id: string): number {
  let depth = 0;
  for (let unit = all.find((u) => u.id === id); unit !== undefined; unit = all.find((u) => u.id === unit?.parentId))
    depth++;
  return depth;
}

function refuseTakenName(all: readonly UnitRecord[], parentId: string, name: string): void {
  if (all.some((unit) => unit.parentId === parentId && unit.name === name)) {
    throw new AwsError('DuplicateOrganizationalUnitException', 'An OU with the same name already exists.');
  }
}

function shown(organization: OrganizationRecord, unit: UnitRecord): OrganizationalUnit {
  return { Id: unit.id, Arn: organizationsArn(organization, 'ou', unit.id), Name: unit.name };
}
