/** Tags of repositories. */
import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  TagResourceInput,
  UntagResourceInput,
} from '@aws-sdk/client-codecommit';
import { type AccessRequest, parseArn } from '../../common/index.ts';
import type { Queryable, Stored } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { codeCommitError } from './errors.ts';
import { findRepository, repositories, type Repository } from './repository.ts';

const MAX_TAGS = 50;

export function checkTags(tags: unknown): Record<string, string> {
  if (typeof tags !== 'object' || tags === null || Array.isArray(tags))
    throw codeCommitError('InvalidTagsMapException');
  const entries = Object.entries(tags as Record<string, unknown>);
  if (entries.length > MAX_TAGS) throw codeCommitError('TooManyTagsException');
  for (const [key, value] of entries) {
    if (key.toLowerCase().startsWith('aws:')) throw codeCommitError('InvalidSystemTagUsageException');
    if (key === '' || key.length > 128 || typeof value !== 'string' || value.length > 256)
      throw codeCommitError('InvalidTagsMapException');
  }
  return Object.fromEntries(entries) as Record<string, string>;
}

const onResource =
  (action: string) =>
  (input: Readonly<{ resourceArn?: string | undefined }>): readonly AccessRequest[] => [
    { action: `codecommit:${action}`, resource: input.resourceArn || '*' },
  ];

async function taggedRepository(q: Queryable, call: Call, arn: unknown): Promise<Stored<Repository>> {
  if (arn === undefined || arn === null || arn === '') throw codeCommitError('ResourceArnRequiredException');
  const parsed = typeof arn === 'string' ? parseArn(arn) : undefined;
  if (parsed?.service !== 'codecommit' || parsed.account !== call.account || parsed.region !== call.region) {
    throw codeCommitError('InvalidResourceArnException');
  }
  return findRepository(q, call, parsed.resource);
}

export const tagResource = operation<TagResourceInput, Record<string, never>>({
  authorize: onResource('TagResource'),
  async handle(input, call) {
    await call.house.store.transaction(async (tx) => {
      const { key, document } = await taggedRepository(tx, call, input.resourceArn);
      if (input.tags === undefined) throw codeCommitError('TagsMapRequiredException');
      const tags = { ...document.tags, ...checkTags(input.tags) };
      if (Object.keys(tags).length > MAX_TAGS) throw codeCommitError('TooManyTagsException');
      await repositories.update(tx, key, { ...document, tags });
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceInput, Record<string, never>>({
  authorize: onResource('UntagResource'),
  async handle(input, call) {
    await call.house.store.transaction(async (tx) => {
      const { key, document } = await taggedRepository(tx, call, input.resourceArn);
      const keys = input.tagKeys;
      if (keys === undefined || keys.length === 0) throw codeCommitError('TagKeysListRequiredException');
      if (keys.some((tag) => typeof tag !== 'string' || tag === '' || tag.length > 128))
        throw codeCommitError('InvalidTagKeysListException');
      const tags = Object.fromEntries(Object.entries(document.tags).filter(([tag]) => !keys.includes(tag)));
      await repositories.update(tx, key, { ...document, tags });
    });
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceInput, ListTagsForResourceOutput>({
  authorize: onResource('ListTagsForResource'),
  async handle(input, call) {
    const { document } = await taggedRepository(call.house.store, call, input.resourceArn);
    return { tags: document.tags };
  },
});
