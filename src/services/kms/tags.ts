/** Tags of keys. */
import type {
  ListResourceTagsRequest,
  ListResourceTagsResponse,
  Tag,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-kms';
import { AwsError, type RequestContext } from '../../common/index.ts';
import { operation } from '../service.ts';
import { keyAccess, onKey, requireKey } from './access.ts';
import { changeKey } from './change-key.ts';
import { readMarker } from './pages.ts';
import { assertNotPending } from './records.ts';

const MOST_TAGS = 50;

/** The tags as a record. Throws `TagException` for one that AWS reserves or a key given twice. */
export function checkedTags(tags: readonly Tag[] | undefined): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const { TagKey = '', TagValue = '' } of tags ?? []) {
    if (TagKey.toLowerCase().startsWith('aws:')) {
      throw new AwsError('TagException', 'Tag keys beginning with aws: are reserved for internal use.');
    }
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(TagKey + TagValue)) {
      throw new AwsError('TagException', 'Tag keys and values may hold letters, numbers, spaces and _.:/=+-@ only.');
    }
    if (Object.hasOwn(found, TagKey)) throw new AwsError('TagException', `Duplicate tag keys: ${TagKey}`);
    found[TagKey] = TagValue;
  }
  assertTagCount(found);
  return found;
}

function assertTagCount(tags: Readonly<Record<string, string>>): void {
  if (Object.keys(tags).length > MOST_TAGS) throw new AwsError('LimitExceededException', 'Too many tags');
}

/** Condition keys of a request that sets tags. */
export function tagContext(tags: readonly Tag[] | undefined): RequestContext {
  const usable = (Array.isArray(tags) ? tags : []).filter((tag: Tag) => typeof tag?.TagKey === 'string');
  if (usable.length === 0) return {};
  return {
    ...Object.fromEntries(usable.map((tag) => [`aws:RequestTag/${tag.TagKey}`, tag.TagValue ?? ''])),
    'aws:TagKeys': usable.map((tag) => tag.TagKey ?? ''),
  };
}

export const tagResource = operation<TagResourceRequest, void>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, { action: 'TagResource', context: tagContext(input.Tags) }),
  ],
  async handle(input, call) {
    const added = checkedTags(input.Tags);
    await changeKey(call, input.KeyId, 'TagResource', (key) => {
      assertNotPending(key);
      const tags = { ...key.tags, ...added };
      assertTagCount(tags);
      return { ...key, tags };
    });
  },
});

export const untagResource = operation<UntagResourceRequest, void>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'UntagResource',
      context: (input.TagKeys?.length ?? 0) > 0 ? { 'aws:TagKeys': input.TagKeys ?? [] } : {},
    }),
  ],
  handle: (input, call) =>
    changeKey(call, input.KeyId, 'UntagResource', (key) => {
      assertNotPending(key);
      const gone = new Set(input.TagKeys);
      return { ...key, tags: Object.fromEntries(Object.entries(key.tags).filter(([tag]) => !gone.has(tag))) };
    }),
});

export const listResourceTags = operation<ListResourceTagsRequest, ListResourceTagsResponse>({
  authorize: onKey({ action: 'ListResourceTags' }),
  async handle(input, call) {
    const limit = input.Limit ?? 50;
    const after = readMarker(input.Marker);
    const key = await requireKey(call, input.KeyId ?? '');
    const rest = Object.entries(key.tags)
      .filter(([tag]) => after === undefined || tag > after.id)
      .sort(([a], [b]) => (a < b ? -1 : 1));
    const shown = rest.slice(0, limit);
    const last = shown.at(-1)?.[0];
    const more = rest.length > limit && last !== undefined;
    return {
      Tags: shown.map(([TagKey, TagValue]) => ({ TagKey, TagValue })),
      Truncated: more,
      ...(more && { NextMarker: Buffer.from(JSON.stringify({ sort: last, id: last })).toString('base64url') }),
    };
  },
});
