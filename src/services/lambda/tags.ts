/** Tags of functions. */
import type {
  ListTagsRequest,
  ListTagsResponse,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-lambda';
import type { RequestContext } from '../../common/index.ts';
import { operation } from '../service.ts';
import { invalid } from './errors.ts';
import { functionAccess } from './access.ts';
import { changeFunction } from './change-function.ts';
import { parseName } from './names.ts';
import { requireFunction } from './records.ts';

const MOST_TAGS = 50;

/** Throws `InvalidParameterValueException`. */
export function checkedTags(tags: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const [key, value] of Object.entries(tags)) {
    if (key.toLowerCase().startsWith('aws:')) throw invalid('Tag keys beginning with aws: are reserved.');
    if (key === '' || key.length > 128 || value.length > 256) {
      throw invalid('Tag keys have 1 to 128 characters, and tag values at most 256.');
    }
    if (!/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(key + value)) {
      throw invalid('Tag keys and values may hold letters, numbers, spaces and _.:/=+-@ only.');
    }
  }
  if (Object.keys(tags).length > MOST_TAGS) throw invalid(`A resource can have at most ${MOST_TAGS} tags.`);
  return tags;
}

export function tagContext(tags: Readonly<Record<string, string>> | undefined): RequestContext {
  const keys = Object.keys(tags ?? {});
  if (tags === undefined || keys.length === 0) return {};
  return {
    ...Object.fromEntries(keys.map((key) => [`aws:RequestTag/${key}`, String(tags[key])])),
    'aws:TagKeys': keys,
  };
}

export const tagResource = operation<TagResourceRequest, void>({
  authorize: async (input, call) => [
    await functionAccess(call, 'TagResource', input.Resource, undefined, tagContext(input.Tags)),
  ],
  async handle(input, call) {
    const added = checkedTags(input.Tags ?? {});
    await changeFunction(call, parseName(call, taggable(input.Resource)).place, (record) => ({
      ...record,
      tags: checkedTags({ ...record.tags, ...added }),
    }));
  },
});

export const untagResource = operation<UntagResourceRequest, void>({
  authorize: async (input, call) => [
    await functionAccess(
      call,
      'UntagResource',
      input.Resource,
      undefined,
      Array.isArray(input.TagKeys) ? { 'aws:TagKeys': input.TagKeys } : {},
    ),
  ],
  async handle(input, call) {
    const gone = new Set(input.TagKeys ?? []);
    await changeFunction(call, parseName(call, taggable(input.Resource)).place, (record) => ({
      ...record,
      tags: Object.fromEntries(Object.entries(record.tags).filter(([key]) => !gone.has(key))),
    }));
  },
});

export const listTags = operation<ListTagsRequest, ListTagsResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'ListTags', input.Resource)],
  async handle(input, call) {
    const record = await requireFunction(call.house.store, parseName(call, taggable(input.Resource)).place);
    return { Tags: { ...record.tags } };
  },
});

/** Only functions are tagged here, and as a whole. */
function taggable(arn: string | undefined): string {
  if (!/:function:[^:]+$/.test(arn ?? '')) {
    throw invalid('Tags on function aliases and versions are not supported. Please specify either a function ARN.');
  }
  return arn ?? '';
}
