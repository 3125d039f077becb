/** Tags of accounts, units, policies and the root. Source: AWS Organizations API Reference, the tag operations. */
import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-organizations';
import { AwsError } from '../../common/index.ts';
import { accounts, globalKey, type Queryable, type Tags } from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onOrganization } from './access.ts';
import { policies } from './policy-records.ts';
import { managedOrganization, type OrganizationRecord, organizations, page, tagsOf, units } from './records.ts';

const MOST_TAGS = 50;

export const tagResource = operation<TagResourceRequest, object>({
  authorize: async ({ ResourceId }, call) => onOrganization(call, 'TagResource', ResourceId),
  handle: async ({ ResourceId = '', Tags }, call) => {
    await edit(call, ResourceId, (tags) => {
      const all = { ...tags, ...tagsOf(Tags) };
      if (Object.keys(all).length > MOST_TAGS) {
        throw new AwsError('ConstraintViolationException', 'You have exceeded the number of tags allowed.', {
          fields: { Reason: 'MAX_TAG_LIMIT_EXCEEDED' },
        });
      }
      return all;
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceRequest, object>({
  authorize: async ({ ResourceId }, call) => onOrganization(call, 'UntagResource', ResourceId),
  handle: async ({ ResourceId = '', TagKeys = [] }, call) => {
    await edit(call, ResourceId, (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !TagKeys.includes(key))),
    );
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResponse>({
  authorize: async ({ ResourceId }, call) => onOrganization(call, 'ListTagsForResource', ResourceId),
  handle: async ({ ResourceId = '', NextToken }, call) => {
    const organization = await managedOrganization(call.house.store, call);
    const { tags } = await tagged(call.house.store, organization, ResourceId);
    const all = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
    const { items, next } = page(all, ({ Key }) => Key, { NextToken, MaxResults: MOST_TAGS });
    return { Tags: items, ...next };
  },
});

async function edit(call: Call, id: string, work: (tags: Tags) => Tags): Promise<void> {
  await call.house.store.transaction(async (tx) => {
    const organization = await managedOrganization(tx, call);
    const { tags, save } = await tagged(tx, organization, id);
    await save(work(tags));
  });
}

type Tagged = Readonly<{ tags: Tags; save: (tags: Tags) => Promise<unknown> }>;

async function tagged(q: Queryable, organization: OrganizationRecord, id: string): Promise<Tagged> {
  if (id === organization.rootId) {
    const key = globalKey(organization.id);
    return {
      tags: organization.rootTags,
      save: (rootTags) => organizations.update(q, key, { ...organization, rootTags }),
    };
  }
  const unit = (await units.get(q, globalKey(id)))?.document;
  if (unit?.organizationId === organization.id) {
    return { tags: unit.tags, save: (tags) => units.update(q, globalKey(id), { ...unit, tags }) };
  }
  const account = (await accounts.get(q, globalKey(id)))?.document;
  if (account?.organizationId === organization.id) {
    return { tags: account.tags, save: (tags) => accounts.update(q, globalKey(id), { ...account, tags }) };
  }
  const policy = (await policies.get(q, globalKey(id)))?.document;
  if (policy?.organizationId === organization.id) {
    return { tags: policy.tags, save: (tags) => policies.update(q, globalKey(id), { ...policy, tags }) };
  }
  throw new AwsError('TargetNotFoundException', "You specified a target that doesn't exist.");
}
