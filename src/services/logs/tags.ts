/** Tags of log groups, by the current and the older operations. */
import type {
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  ListTagsLogGroupRequest,
  TagLogGroupRequest,
  TagResourceRequest,
  UntagLogGroupRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-cloudwatch-logs';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { groupAccess, groups, nameOf, requireGroup, tagAccess } from './records.ts';

const MOST_TAGS = 50;

export const tagResource = operation<TagResourceRequest, object>({
  authorize: ({ resourceArn }, call) => tagAccess('TagResource', resourceArn, call),
  handle: (input, call) => retag(nameOf(input.resourceArn, call), call, (tags) => ({ ...tags, ...input.tags })),
});

export const untagResource = operation<UntagResourceRequest, object>({
  authorize: ({ resourceArn }, call) => tagAccess('UntagResource', resourceArn, call),
  handle: (input, call) => retag(nameOf(input.resourceArn, call), call, (tags) => without(tags, input.tagKeys)),
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResponse>({
  authorize: ({ resourceArn }, call) => tagAccess('ListTagsForResource', resourceArn, call),
  handle: async (input, call) => ({
    tags: { ...(await requireGroup(call.house.store, call, nameOf(input.resourceArn, call))).document.tags },
  }),
});

export const tagLogGroup = operation<TagLogGroupRequest, object>({
  authorize: ({ logGroupName }, call) => groupAccess('TagLogGroup', logGroupName, call),
  handle: (input, call) => retag(nameOf(input.logGroupName, call), call, (tags) => ({ ...tags, ...input.tags })),
});

export const untagLogGroup = operation<UntagLogGroupRequest, object>({
  authorize: ({ logGroupName }, call) => groupAccess('UntagLogGroup', logGroupName, call),
  handle: (input, call) => retag(nameOf(input.logGroupName, call), call, (tags) => without(tags, input.tags)),
});

export const listTagsLogGroup = operation<ListTagsLogGroupRequest, ListTagsForResourceResponse>({
  authorize: ({ logGroupName }, call) => groupAccess('ListTagsLogGroup', logGroupName, call),
  handle: async (input, call) => ({
    tags: { ...(await requireGroup(call.house.store, call, nameOf(input.logGroupName, call))).document.tags },
  }),
});

type Tags = Readonly<Record<string, string>>;

async function retag(name: string, call: Call, change: (tags: Tags) => Tags): Promise<object> {
  await call.house.store.transaction(async (tx) => {
    const group = await requireGroup(tx, call, name);
    const tags = change(group.document.tags);
    if (Object.keys(tags).length > MOST_TAGS)
      throw new AwsError('TooManyTagsException', `A resource can have at most ${MOST_TAGS} tags.`);
    await groups.update(tx, group.key, { ...group.document, tags });
  });
  return {};
}

function without(tags: Tags, keys: readonly string[] | undefined): Tags {
  return Object.fromEntries(Object.entries(tags).filter(([key]) => !(keys ?? []).includes(key)));
}
