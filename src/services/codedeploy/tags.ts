/** Tags of applications and deployment groups. */
import type {
  ListTagsForResourceInput,
  ListTagsForResourceOutput,
  Tag,
  TagResourceInput,
  TagResourceOutput,
  UntagResourceInput,
  UntagResourceOutput,
} from '@aws-sdk/client-codedeploy';
import { AwsError, parseArn, type RequestContext } from '../../common/index.ts';
import type { Queryable } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { checkJudgeTag } from './judging.ts';
import { applications, deploymentGroups, groupKeyId, type Tags } from './records.ts';

const MOST_TAGS = 50;

/** Of a deployment group. Throws `InvalidTagsToAddException`. */
export function checkedGroupTags(tags: readonly Tag[] | undefined): Tags {
  const checked = checkedTags(tags);
  checkJudgeTag(checked);
  return checked;
}

/** Throws `InvalidTagsToAddException`. */
export function checkedTags(tags: readonly Tag[] | undefined): Tags {
  const found: Record<string, string> = {};
  for (const { Key = '', Value = '' } of tags ?? []) {
    if (Key === '' || Key.length > 128 || Value.length > 256) {
      throw invalidTags('A tag needs a key of 1 to 128 characters and a value of at most 256.');
    }
    if (Key.toLowerCase().startsWith('aws:')) throw invalidTags('Tag keys that begin with aws: are reserved.');
    if (Object.hasOwn(found, Key)) throw invalidTags(`The tag key ${Key} is given more than once.`);
    found[Key] = Value;
  }
  return withinLimit(found);
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
    { action: 'codedeploy:TagResource', resource: resourceOf(input.ResourceArn), context: tagContext(input.Tags) },
  ],
  async handle(input, call) {
    const arn = requiredArn(input.ResourceArn);
    if (input.Tags === undefined || input.Tags.length === 0) {
      throw new AwsError('TagRequiredException', 'At least one tag must be specified.');
    }
    const added = isGroup(arn) ? checkedGroupTags(input.Tags) : checkedTags(input.Tags);
    await changeTags(call, arn, (tags) => withinLimit({ ...tags, ...added }));
    return {};
  },
});

export const untagResource = operation<UntagResourceInput, UntagResourceOutput>({
  authorize: (input) => [
    {
      action: 'codedeploy:UntagResource',
      resource: resourceOf(input.ResourceArn),
      ...(Array.isArray(input.TagKeys) && input.TagKeys.length > 0 && { context: { 'aws:TagKeys': input.TagKeys } }),
    },
  ],
  async handle(input, call) {
    const arn = requiredArn(input.ResourceArn);
    if (input.TagKeys === undefined || input.TagKeys.length === 0) {
      throw new AwsError('TagRequiredException', 'At least one tag key must be specified.');
    }
    const gone = new Set(input.TagKeys);
    await changeTags(call, arn, (tags) => Object.fromEntries(Object.entries(tags).filter(([key]) => !gone.has(key))));
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceInput, ListTagsForResourceOutput>({
  authorize: (input) => [{ action: 'codedeploy:ListTagsForResource', resource: resourceOf(input.ResourceArn) }],
  async handle(input, call) {
    const { tags } = await find(call, call.house.store, requiredArn(input.ResourceArn));
    return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

type Tagged = Readonly<{ tags: Tags; save: (q: Queryable, tags: Tags) => Promise<unknown> }>;

async function changeTags(call: Call, arn: string, change: (tags: Tags) => Tags): Promise<void> {
  await call.house.store.transaction(async (tx) => {
    const tagged = await find(call, tx, arn);
    await tagged.save(tx, change(tagged.tags));
  });
}

/** The tagged resource, locked until the transaction ends. */
async function find(call: Call, q: Queryable, arn: string): Promise<Tagged> {
  const parsed = parseArn(arn);
  if (parsed === undefined || parsed.service !== 'codedeploy') {
    throw new AwsError('InvalidArnException', `The specified ARN is not in a valid format: ${arn}`);
  }
  const scope = { account: call.account, region: call.region };
  const [kind, name = ''] = parsed.resource.split(/:(.*)/s);
  if (kind !== 'application' && kind !== 'deploymentgroup') {
    throw new AwsError('ArnNotSupportedException', `The specified ARN is not supported: ${arn}`);
  }
  const own = parsed.account === call.account && parsed.region === call.region;
  const [applicationName = '', groupName = ''] = name.split('/');
  const application = own ? await applications.getForUpdate(q, { ...scope, id: applicationName }) : undefined;
  if (application === undefined) {
    throw new AwsError('ApplicationDoesNotExistException', `No application found for name: ${applicationName}`);
  }
  if (kind === 'application') {
    const { document, key } = application;
    return { tags: document.tags, save: (tx, tags) => applications.update(tx, key, { ...document, tags }) };
  }
  const key = { ...scope, id: groupKeyId(application.document.applicationId, groupName) };
  const group = (await deploymentGroups.getForUpdate(q, key))?.document;
  if (group === undefined) {
    throw new AwsError('DeploymentGroupDoesNotExistException', `No Deployment Group found for name: ${groupName}`);
  }
  return { tags: group.tags, save: (tx, tags) => deploymentGroups.update(tx, key, { ...group, tags }) };
}

function isGroup(arn: string): boolean {
  return parseArn(arn)?.resource.startsWith('deploymentgroup:') === true;
}

function requiredArn(arn: string | undefined): string {
  if (arn === undefined || arn === '') {
    throw new AwsError('ResourceArnRequiredException', 'The ARN of a resource must be specified.');
  }
  return arn;
}

function resourceOf(arn: unknown): string {
  return typeof arn === 'string' && arn !== '' ? arn : '*';
}

function withinLimit(tags: Tags): Tags {
  if (Object.keys(tags).length > MOST_TAGS) throw invalidTags(`A resource can have at most ${MOST_TAGS} tags.`);
  return tags;
}

function invalidTags(message: string): AwsError {
  return new AwsError('InvalidTagsToAddException', message);
}
