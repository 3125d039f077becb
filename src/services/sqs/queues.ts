/** Queues as resources. Standard queues only: FIFO queues are refused by name. */
import type {
  CreateQueueRequest,
  CreateQueueResult,
  DeleteQueueRequest,
  GetQueueAttributesRequest,
  GetQueueAttributesResult,
  GetQueueUrlRequest,
  GetQueueUrlResult,
  ListDeadLetterSourceQueuesRequest,
  ListDeadLetterSourceQueuesResult,
  ListQueuesRequest,
  ListQueuesResult,
  ListQueueTagsRequest,
  ListQueueTagsResult,
  PurgeQueueRequest,
  SetQueueAttributesRequest,
  TagQueueRequest,
  UntagQueueRequest,
} from '@aws-sdk/client-sqs';
import { AwsError, own } from '../../common/index.ts';
import { resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import { countMessages, deleteMessages, type DocumentKey } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  access,
  keyOfUrl,
  messagesKey,
  type Queue,
  queueArn,
  queueKey,
  queueKeyOfArn,
  queueMissing,
  queues,
  queueUrl,
  requireQueue,
} from './records.ts';

/** Name, least, most, default; in the unit of the attribute. */
const NUMBERS: Readonly<Record<string, readonly [number, number, string]>> = {
  VisibilityTimeout: [0, 43_200, '30'],
  MaximumMessageSize: [1_024, 1_048_576, '1048576'],
  MessageRetentionPeriod: [60, 1_209_600, '345600'],
  DelaySeconds: [0, 900, '0'],
  ReceiveMessageWaitTimeSeconds: [0, 20, '0'],
};
const OTHERS = ['Policy', 'RedrivePolicy', 'RedriveAllowPolicy', 'SqsManagedSseEnabled'];
const UNSUPPORTED = [
  'KmsMasterKeyId',
  'KmsDataKeyReusePeriodSeconds',
  'FifoQueue',
  'ContentBasedDeduplication',
  'DeduplicationScope',
  'FifoThroughputLimit',
];

export const createQueue = operation<CreateQueueRequest, CreateQueueResult>({
  authorize: ({ QueueName }, call) => [{ action: 'sqs:CreateQueue', resource: queueArn(call, QueueName ?? '') }],
  handle: async (input, call) => {
    const name = input.QueueName ?? '';
    if (name.endsWith('.fifo'))
      throw new AwsError('UnsupportedOperation', 'FIFO queues are not implemented by Sluice.');
    if (!/^[\w-]{1,80}$/.test(name))
      throw new AwsError(
        'InvalidParameterValue',
        'Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length',
      );
    const { given, bound } = await boundAttributes(call, checkAttributes(input.Attributes ?? {}));
    const key = queueKey(call, name);
    await checkRedrive(call, key, given);
    const queue: Queue = {
      name,
      createdAt: call.now,
      changedAt: call.now,
      attributes: given,
      ...bound,
      tags: { ...input.tags },
    };
    if (!(await queues.insert(call.house.store, key, queue))) {
      const before = (await queues.get(call.house.store, key))?.document;
      const differs = Object.entries(given).some(([attribute, value]) => valueOf(before, attribute) !== value);
      if (before === undefined || differs)
        throw new AwsError(
          'QueueNameExists',
          'A queue already exists with the same name and a different value for one or more attributes',
        );
    }
    return { QueueUrl: queueUrl(call, key) };
  },
});

function checkAttributes(attributes: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value = ''] of Object.entries(attributes)) {
    const range = own(NUMBERS, name);
    if (UNSUPPORTED.includes(name)) {
      if (value !== '' && value !== 'false')
        throw new AwsError('InvalidAttributeValue', `The attribute ${name} is not implemented by Sluice.`);
      continue;
    }
    if (range === undefined && !OTHERS.includes(name))
      throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    if (range !== undefined && (!/^\d+$/.test(value) || Number(value) < range[0] || Number(value) > range[1])) {
      throw new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
    }
    if (name !== 'SqsManagedSseEnabled' && range === undefined && value !== '') checkJson(name, value);
    checked[name] = value;
  }
  return checked;
}

/** The attributes as a queue keeps them: the policy bound to those it names. `bound` is empty where no policy is given. */
async function boundAttributes(
  call: Call,
  given: Readonly<Record<string, string>>,
): Promise<Readonly<{ given: Readonly<Record<string, string>>; bound: Pick<Queue, 'policyPrincipals'> }>> {
  const { Policy: written } = given;
  if (written === undefined) return { given, bound: {} };
  if (written === '') return { given, bound: { policyPrincipals: undefined } };
  const { policy, policyPrincipals } = await bindPolicy(
    call.house.store,
    call.account,
    written,
    () => new AwsError('InvalidAttributeValue', 'Invalid value for the parameter Policy.'),
  );
  return { given: { ...given, Policy: policy }, bound: { policyPrincipals } };
}

/** The dead-letter queue is there, lives beside the queue, and lets it redrive. */
async function checkRedrive(call: Call, source: DocumentKey, given: Readonly<Record<string, string>>): Promise<void> {
  const policy = given['RedrivePolicy'] ?? '';
  if (policy === '') return;
  const { deadLetterTargetArn } = JSON.parse(policy) as { deadLetterTargetArn: string };
  const key = queueKeyOfArn(deadLetterTargetArn);
  const refuse = (reason: string): never => {
    throw new AwsError(
      'InvalidParameterValue',
      `Value ${policy} for parameter RedrivePolicy is invalid. Reason: ${reason}`,
    );
  };
  if (key?.account !== source.account || key.region !== source.region)
    return refuse('Dead-letter target owner should be same as the source.');
  const target = await queues.get(call.house.store, key);
  if (target === undefined) return refuse('Dead letter target does not exist.');
  const allowed = JSON.parse(target.document.attributes['RedriveAllowPolicy'] || '{}') as RedriveAllowPolicy;
  const permission = allowed.redrivePermission ?? 'allowAll';
  const named = (allowed.sourceQueueArns ?? []).includes(queueArn(source, source.id));
  if (permission === 'denyAll' || (permission === 'byQueue' && !named))
    refuse('The dead-letter queue does not allow this queue to redrive to it.');
}

type RedrivePolicy = { deadLetterTargetArn?: string; maxReceiveCount?: number | string };
type RedriveAllowPolicy = { redrivePermission?: string; sourceQueueArns?: string[] };

function isRedriveAllowPolicy({ redrivePermission = 'allowAll', sourceQueueArns = [] }: RedriveAllowPolicy): boolean {
  return (
    ['allowAll', 'denyAll', 'byQueue'].includes(redrivePermission) &&
    Array.isArray(sourceQueueArns) &&
    sourceQueueArns.every((arn) => typeof arn === 'string')
  );
}

function checkJson(name: string, value: string): void {
  if (!isValidJsonAttribute(name, value))
    throw new AwsError('InvalidAttributeValue', `Invalid value for the parameter ${name}.`);
}

function isValidJsonAttribute(name: string, value: string): boolean {
  if (name === 'Policy') return resourcePolicyProblem(value) === undefined;
  try {
    const parsed = JSON.parse(value) as RedrivePolicy & RedriveAllowPolicy;
    if (name === 'RedriveAllowPolicy') return isRedriveAllowPolicy(parsed);
    const count = Number(parsed.maxReceiveCount);
    const target = queueKeyOfArn(parsed.deadLetterTargetArn ?? '');
    return target !== undefined && Number.isInteger(count) && count >= 1 && count <= 1000;
  } catch {
    return false;
  }
}

export function valueOf(queue: Queue | undefined, attribute: string): string | undefined {
  return (
    queue?.attributes[attribute] ??
    NUMBERS[attribute]?.[2] ??
    (attribute === 'SqsManagedSseEnabled' ? 'true' : undefined)
  );
}

/** Messages sent before this instant have expired. */
export function oldestKept(queue: Queue, now: number): number {
  return now - Number(valueOf(queue, 'MessageRetentionPeriod')) * 1000;
}

export const deleteQueue = operation<DeleteQueueRequest, object>({
  authorize: ({ QueueUrl }, call) => access('DeleteQueue', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    await call.house.store.transaction(async (tx) => {
      await queues.delete(tx, key);
      await deleteMessages(tx, messagesKey(key));
    });
    return {};
  },
});

export const getQueueUrl = operation<GetQueueUrlRequest, GetQueueUrlResult>({
  authorize: ({ QueueName, QueueOwnerAWSAccountId }, call) =>
    access('GetQueueUrl', `/${QueueOwnerAWSAccountId ?? call.account}/${QueueName}`, call),
  handle: async (input, call) => {
    const key = queueKey(
      { account: input.QueueOwnerAWSAccountId ?? call.account, region: call.region },
      input.QueueName ?? '',
    );
    if ((await queues.get(call.house.store, key)) === undefined) throw queueMissing();
    return { QueueUrl: queueUrl(call, key) };
  },
});

export const listQueues = operation<ListQueuesRequest, ListQueuesResult>({
  authorize: (_input, call) => [{ action: 'sqs:ListQueues', resource: queueArn(call, '*') }],
  handle: async (input, call) => {
    const limit = input.MaxResults ?? 1000;
    const after = decodePage(input.NextToken);
    const stored = await queues.list(call.house.store, {
      account: call.account,
      region: call.region,
      ...(input.QueueNamePrefix === undefined ? {} : { idPrefix: input.QueueNamePrefix }),
      ...(after === undefined ? {} : { after }),
      limit: limit + 1,
    });
    const page = stored.slice(0, limit);
    // Without MaxResults AWS answers up to 1000 and no token.
    const more = stored.length > limit && input.MaxResults !== undefined;
    return {
      QueueUrls: page.map(({ key }) => queueUrl(call, key)),
      ...(more ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const getQueueAttributes = operation<GetQueueAttributesRequest, GetQueueAttributesResult>({
  authorize: ({ QueueUrl }, call) => access('GetQueueAttributes', QueueUrl, call),
  handle: async (input, call) => {
    const { document: queue, key } = await requireQueue(call.house.store, call, input.QueueUrl);
    const counts = await countMessages(call.house.store, messagesKey(key), {
      now: call.now,
      oldestAt: oldestKept(queue, call.now),
    });
    const all: Record<string, string | undefined> = {
      ...Object.fromEntries([...Object.keys(NUMBERS), ...OTHERS].map((name) => [name, valueOf(queue, name)])),
      Policy: await shownPolicy(call.house.store, valueOf(queue, 'Policy') ?? '', queue.policyPrincipals),
      QueueArn: queueArn(key, key.id),
      ApproximateNumberOfMessages: String(counts.visible),
      ApproximateNumberOfMessagesNotVisible: String(counts.inFlight),
      ApproximateNumberOfMessagesDelayed: String(counts.delayed),
      CreatedTimestamp: String(Math.floor(queue.createdAt / 1000)),
      LastModifiedTimestamp: String(Math.floor(queue.changedAt / 1000)),
    };
    const wanted: readonly string[] = input.AttributeNames ?? [];
    const known = new Set([...Object.keys(all), ...UNSUPPORTED, 'All']);
    for (const name of wanted)
      if (!known.has(name)) throw new AwsError('InvalidAttributeName', `Unknown Attribute ${name}.`);
    const shown = Object.entries(all).filter(
      ([name, value]) => value !== undefined && value !== '' && (wanted.includes('All') || wanted.includes(name)),
    );
    return shown.length === 0 ? {} : { Attributes: Object.fromEntries(shown) as Record<string, string> };
  },
});

export const setQueueAttributes = operation<SetQueueAttributesRequest, object>({
  authorize: ({ QueueUrl }, call) => access('SetQueueAttributes', QueueUrl, call),
  handle: async (input, call) => {
    const { given, bound } = await boundAttributes(call, checkAttributes(input.Attributes ?? {}));
    await checkRedrive(call, keyOfUrl(input.QueueUrl, call), given);
    await changeQueue(call, input.QueueUrl, (queue) => ({
      ...queue,
      changedAt: call.now,
      attributes: { ...queue.attributes, ...given },
      ...bound,
    }));
    return {};
  },
});

export const purgeQueue = operation<PurgeQueueRequest, object>({
  authorize: ({ QueueUrl }, call) => access('PurgeQueue', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    await deleteMessages(call.house.store, messagesKey(key));
    return {};
  },
});

export const listDeadLetterSourceQueues = operation<
  ListDeadLetterSourceQueuesRequest,
  ListDeadLetterSourceQueuesResult
>({
  authorize: ({ QueueUrl }, call) => access('ListDeadLetterSourceQueues', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    const arn = queueArn(key, key.id);
    const all = await queues.list(call.house.store, { account: call.account, region: call.region });
    const after = decodePage(input.NextToken);
    const limit = input.MaxResults ?? 1000;
    const sources = all.filter(
      (source) => deadLetterTarget(source.document)?.arn === arn && (after === undefined || source.key.id > after.id),
    );
    const page = sources.slice(0, limit);
    return {
      queueUrls: page.map((source) => queueUrl(call, source.key)),
      ...(sources.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export function deadLetterTarget(queue: Queue): Readonly<{ arn: string; maxReceiveCount: number }> | undefined {
  const policy = queue.attributes['RedrivePolicy'];
  if (policy === undefined || policy === '') return undefined;
  const { deadLetterTargetArn, maxReceiveCount } = JSON.parse(policy) as {
    deadLetterTargetArn: string;
    maxReceiveCount: number | string;
  };
  return { arn: deadLetterTargetArn, maxReceiveCount: Number(maxReceiveCount) };
}

export const tagQueue = operation<TagQueueRequest, object>({
  authorize: ({ QueueUrl }, call) => access('TagQueue', QueueUrl, call),
  handle: async (input, call) => {
    await changeQueue(call, input.QueueUrl, (queue) => ({ ...queue, tags: { ...queue.tags, ...input.Tags } }));
    return {};
  },
});

export const untagQueue = operation<UntagQueueRequest, object>({
  authorize: ({ QueueUrl }, call) => access('UntagQueue', QueueUrl, call),
  handle: async (input, call) => {
    await changeQueue(call, input.QueueUrl, (queue) => ({
      ...queue,
      tags: Object.fromEntries(Object.entries(queue.tags).filter(([key]) => !(input.TagKeys ?? []).includes(key))),
    }));
    return {};
  },
});

export const listQueueTags = operation<ListQueueTagsRequest, ListQueueTagsResult>({
  authorize: ({ QueueUrl }, call) => access('ListQueueTags', QueueUrl, call),
  handle: async (input, call) => {
    const { tags } = (await requireQueue(call.house.store, call, input.QueueUrl)).document;
    return Object.keys(tags).length === 0 ? {} : { Tags: { ...tags } };
  },
});

export async function changeQueue(call: Call, url: string | undefined, to: (queue: Queue) => Queue): Promise<void> {
  const { key } = await requireQueue(call.house.store, call, url);
  await call.house.store.transaction(async (tx) => {
    const found = await queues.getForUpdate(tx, key);
    if (found === undefined) throw queueMissing();
    await queues.update(tx, key, to(found.document));
  });
}
