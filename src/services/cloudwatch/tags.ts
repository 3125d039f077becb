/** Tags of alarms. */
import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  Tag,
  TagResourceInput,
  TagResourceOutput,
  UntagResourceInput,
  UntagResourceOutput,
} from '@aws-sdk/client-cloudwatch';
import { AwsError, parseArn, type RequestContext } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { type Alarm, ALARM_KIND, alarms } from './records.ts';

const MOST_TAGS = 50;

type Tags = Readonly<Record<string, string>>;

/** The tags as a record; `failure` words what is wrong with them. */
export function checkedTags(tags: readonly Tag[] | undefined, failure: (message: string) => AwsError): Tags {
  const found: Record<string, string> = {};
  for (const { Key = '', Value = '' } of tags ?? []) {
    if (Key.toLowerCase().startsWith('aws:')) {
      throw failure('Tag keys that begin with aws: are reserved for internal use.');
    }
    if (Object.hasOwn(found, Key)) throw failure(`The tag key ${Key} is given more than once.`);
    found[Key] = Value;
  }
  if (Object.keys(found).length > MOST_TAGS) throw failure(`A resource can have at most ${MOST_TAGS} tags.`);
  return found;
}

/** Condition keys of a request that sets tags. */
export function tagContext(tags: unknown): RequestContext {
  const usable = (Array.isArray(tags) ? (tags as Tag[]) : []).filter((tag) => typeof tag?.Key === 'string');
  if (usable.length === 0) return {};
  return {
    ...Object.fromEntries(usable.map((tag) => [`aws:RequestTag/${tag.Key}`, tag.Value ?? ''])),
    'aws:TagKeys': usable.map((tag) => tag.Key ?? ''),
  };
}

export const tagResource = operation<TagResourceInput, TagResourceOutput>({
  authorize: (input) => [
    { action: 'cloudwatch:TagResource', resource: resourceOf(input.ResourceARN), context: tagContext(input.Tags) },
  ],
  async handle(input, call) {
    const added = checkedTags(input.Tags, invalid);
    await changeTags(call, input.ResourceARN ?? '', (tags) => {
      const joined = { ...tags, ...added };
      if (Object.keys(joined).length > MOST_TAGS) throw invalid(`A resource can have at most ${MOST_TAGS} tags.`);
      return joined;
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceInput, UntagResourceOutput>({
  authorize: (input) => [
    {
      action: 'cloudwatch:UntagResource',
      resource: resourceOf(input.ResourceARN),
      ...(Array.isArray(input.TagKeys) && input.TagKeys.length > 0 && { context: { 'aws:TagKeys': input.TagKeys } }),
    },
  ],
  async handle(input, call) {
    const gone = new Set(input.TagKeys);
    await changeTags(call, input.ResourceARN ?? '', (tags) =>
      Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))),
    );
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceInput, ListTagsForResourceOutput>({
  authorize: (input) => [{ action: 'cloudwatch:ListTagsForResource', resource: resourceOf(input.ResourceARN) }],
  async handle(input, call) {
    const key = alarmKey(call, input.ResourceARN ?? '');
    const alarm = (await alarms.get(call.house.store, key))?.document;
    if (alarm === undefined) throw notFound(input.ResourceARN ?? '');
    return { Tags: Object.entries(alarm.tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

async function changeTags(call: Call, arn: string, change: (tags: Tags) => Tags): Promise<void> {
  const key = alarmKey(call, arn);
  const { store, engine } = call.house;
  await store.transaction(async (tx) => {
    const alarm: Alarm | undefined = (await alarms.getForUpdate(tx, key))?.document;
    if (alarm === undefined) throw notFound(arn);
    await engine.submitIn(tx, ALARM_KIND, key, { type: 'Tagged', tags: change(alarm.tags) });
  });
}

function resourceOf(arn: unknown): string {
  return typeof arn === 'string' && arn !== '' ? arn : '*';
}

function alarmKey(call: Call, arn: string): { account: string; region: string; id: string } {
  const parsed = parseArn(arn);
  if (parsed === undefined || parsed.service !== 'cloudwatch') throw invalid(`${arn} is not a valid ARN.`);
  if (!parsed.resource.startsWith('alarm:') || parsed.account !== call.account || parsed.region !== call.region) {
    throw notFound(arn);
  }
  return { account: call.account, region: call.region, id: parsed.resource.slice('alarm:'.length) };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidParameterValueException', message);
}

function notFound(arn: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Unknown resource ${arn}`, {
    fields: { ResourceType: 'alarm', ResourceId: arn },
  });
}
