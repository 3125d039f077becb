/** Tags of pipelines and custom action types. Source: API reference, "TagResource". */
import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  Tag,
  TagResourceInput,
  UntagResourceInput,
} from '@aws-sdk/client-codepipeline';
import { type AccessRequest, AwsError, parseArn } from '../../common/index.ts';
import type { Collection, DocumentKey } from '../../store/index.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import { type Call, operation } from '../service.ts';
import { tagContext } from './access.ts';
import { customActionTypes, invalidNextToken, pipelineKey, pipelines, type Tags } from './records.ts';

const MAXIMUM_TAGS = 50;

export const tagResource = operation<TagResourceInput, object>({
  authorize: ({ resourceArn, tags }) => tagAccess('TagResource', resourceArn, tagContext(tags)),
  async handle({ resourceArn = '', tags = [] }, call) {
    await change(resourceArn, call, (before) => {
      const after = { ...before, ...checkTags(tags) };
      if (Object.keys(after).length > MAXIMUM_TAGS) throw tooMany();
      return after;
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceInput, object>({
  authorize: ({ resourceArn, tagKeys = [] }) =>
    tagAccess('UntagResource', resourceArn, tagKeys.length === 0 ? {} : { 'aws:TagKeys': tagKeys }),
  async handle({ resourceArn = '', tagKeys = [] }, call) {
    await change(resourceArn, call, (before) =>
      Object.fromEntries(Object.entries(before).filter(([key]) => !tagKeys.includes(key))),
    );
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceInput, ListTagsForResourceOutput>({
  authorize: ({ resourceArn }) => tagAccess('ListTagsForResource', resourceArn),
  async handle({ resourceArn = '', nextToken, maxResults = 100 }, call) {
    const { records, key } = resourceOf(resourceArn, call);
    const stored = await records.get(call.house.store, key);
    if (stored === undefined) throw notFound(resourceArn);
    const after = nextToken === undefined ? '' : String(decodeToken(nextToken, invalidNextToken)['key'] ?? '');
    const rest = tagList(stored.document.tags).filter((tag) => (tag.key ?? '') > after);
    const page = rest.slice(0, maxResults);
    return {
      tags: page,
      ...(rest.length > maxResults ? { nextToken: encodeToken({ key: page.at(-1)?.key }) } : {}),
    };
  },
});

/** Checks tags as they come with a new resource. */
export function tagsOf(tags: readonly Tag[] | undefined): Tags {
  const checked = checkTags(tags ?? []);
  if (Object.keys(checked).length > MAXIMUM_TAGS) throw tooMany();
  return checked;
}

/** In order of their keys. */
export function tagList(tags: Tags): { key: string; value: string }[] {
  return Object.entries(tags)
    .map(([key, value]) => ({ key, value }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
}

function checkTags(tags: readonly Tag[]): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const { key = '', value = '' } of tags) {
    if (key.toLowerCase().startsWith('aws:')) {
      throw new AwsError('InvalidTagsException', `The tag key '${key}' starts with the reserved prefix 'aws:'`);
    }
    if (Object.hasOwn(checked, key)) throw new AwsError('InvalidTagsException', `The tag key '${key}' is given twice`);
    checked[key] = value;
  }
  return checked;
}

type Tagged = Readonly<{ tags: Tags }>;

async function change(resourceArn: string, call: Call, edit: (before: Tags) => Tags): Promise<void> {
  const { records, key } = resourceOf(resourceArn, call);
  await call.house.store.transaction(async (tx) => {
    const stored = await records.getForUpdate(tx, key);
    if (stored === undefined) throw notFound(resourceArn);
    await records.update(tx, key, { ...stored.document, tags: edit(stored.document.tags) });
  });
}

function resourceOf(resourceArn: string, call: Call): { records: Collection<Tagged>; key: DocumentKey } {
  const arn = parseArn(resourceArn);
  if (arn === undefined || arn.service !== 'codepipeline') {
    throw new AwsError('InvalidArnException', `The resource ARN '${resourceArn}' is not valid`);
  }
  if (arn.account !== call.account || arn.region !== call.region) throw notFound(resourceArn);
  const type = /^actiontype:(.*)$/.exec(arn.resource)?.[1];
  return type === undefined
    ? { records: pipelines as unknown as Collection<Tagged>, key: pipelineKey(call, arn.resource) }
    : {
        records: customActionTypes as unknown as Collection<Tagged>,
        key: { account: call.account, region: call.region, id: type },
      };
}

function tagAccess(action: string, resourceArn: string | undefined, context = {}): AccessRequest[] {
  return [{ action: `codepipeline:${action}`, resource: resourceArn ?? '*', context }];
}

function notFound(resourceArn: string): AwsError {
  return new AwsError('ResourceNotFoundException', `The resource '${resourceArn}' was not found`);
}

function tooMany(): AwsError {
  return new AwsError('TooManyTagsException', `A resource can have up to ${MAXIMUM_TAGS} tags`);
}
