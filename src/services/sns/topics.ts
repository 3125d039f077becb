/** Topics as resources. FIFO topics, encryption keys and delivery policies are refused by name. */
import type {
  CreateTopicInput,
  CreateTopicResponse,
  DeleteTopicInput,
  GetTopicAttributesInput,
  GetTopicAttributesResponse,
  ListTagsForResourceRequest,
  ListTagsForResourceResponse,
  ListTopicsInput,
  ListTopicsResponse,
  SetTopicAttributesInput,
  TagResourceRequest,
  UntagResourceRequest,
} from '@aws-sdk/client-sns';
import { AwsError } from '../../common/index.ts';
import { resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  defaultPolicy,
  requireTopic,
  subscriptions,
  type Topic,
  topicAccess,
  topicArn,
  topicKey,
  topics,
} from './records.ts';

const PAGE = 100;
const MOST_TAGS = 50;

export const createTopic = operation<CreateTopicInput, CreateTopicResponse>({
  authorize: ({ Name }, call) => [{ action: 'sns:CreateTopic', resource: topicArn(call, Name ?? '') }],
  handle: async (input, call) => {
    const name = input.Name ?? '';
    if (name.endsWith('.fifo'))
      throw new AwsError('InvalidParameter', 'Invalid parameter: FIFO topics are not implemented by Sluice.');
    if (!/^[\w-]{1,256}$/.test(name)) throw new AwsError('InvalidParameter', 'Invalid parameter: Topic Name');
    if (input.DataProtectionPolicy !== undefined)
      throw new AwsError('InvalidParameter', 'Invalid parameter: DataProtectionPolicy is not implemented by Sluice.');
    const arn = topicArn(call, name);
    let topic: Topic = {
      name,
      policy: defaultPolicy(arn, call.account),
      displayName: '',
      tags: tagsOf(input.Tags),
      createdAt: call.now,
    };
    for (const [attribute, value] of Object.entries(input.Attributes ?? {}))
      topic = (await attributeChange(call, attribute, value ?? ''))(topic);
    if (!(await topics.insert(call.house.store, topicKey(arn), topic))) {
      const before = (await requireTopic(call.house.store, arn)).document;
      if (input.Tags !== undefined && JSON.stringify(before.tags) !== JSON.stringify(topic.tags)) {
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: Tags Reason: Topic already exists with different tags',
        );
      }
      const given = Object.keys(input.Attributes ?? {});
      if (given.length > 0 && (before.policy !== topic.policy || before.displayName !== topic.displayName)) {
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: Attributes Reason: Topic already exists with different attributes',
        );
      }
    }
    return { TopicArn: arn };
  },
});

async function attributeChange(call: Call, name: string, value: string): Promise<(topic: Topic) => Topic> {
  if (name !== 'Policy') return (topic) => withAttribute(topic, name, value);
  const refuse = (problem: string): Error =>
    new AwsError('InvalidParameter', `Invalid parameter: Policy Error: ${problem}`);
  const problem = resourcePolicyProblem(value);
  if (problem !== undefined) throw refuse(problem);
  const bound = await bindPolicy(call.house.store, call.account, value, () => refuse('PrincipalNotFound'));
  return (topic) => ({ ...topic, ...bound });
}

function withAttribute(topic: Topic, name: string, value: string): Topic {
  switch (name) {
    case 'DisplayName':
      return { ...topic, displayName: value };
    case 'FifoTopic':
    case 'ContentBasedDeduplication':
      if (value === 'false') return topic;
      break;
    case 'SignatureVersion':
      if (value === '1') return topic;
      break;
    case 'TracingConfig':
      if (value === 'PassThrough') return topic;
      break;
    default:
      if (value === '') return topic;
  }
  throw new AwsError('InvalidParameter', `Invalid parameter: ${name} ${value} is not implemented by Sluice.`);
}

/** Deleting a topic that is not there succeeds; its subscriptions go with it. */
export const deleteTopic = operation<DeleteTopicInput, object>({
  authorize: ({ TopicArn }, call) => topicAccess('DeleteTopic', TopicArn, call),
  handle: async (input, call) => {
    const key = topicKey(input.TopicArn);
    await call.house.store.transaction(async (tx) => {
      await topics.delete(tx, key);
      await subscriptions.deleteUnder(tx, key, input.TopicArn ?? '');
    });
    return {};
  },
});

export const getTopicAttributes = operation<GetTopicAttributesInput, GetTopicAttributesResponse>({
  authorize: ({ TopicArn }, call) => topicAccess('GetTopicAttributes', TopicArn, call),
  handle: async (input, call) => {
    const { document: topic, key } = await requireTopic(call.house.store, input.TopicArn);
    const confirmed = await subscriptions.count(call.house.store, {
      account: key.account,
      region: key.region,
      parent: input.TopicArn ?? '',
    });
    return {
      Attributes: {
        TopicArn: input.TopicArn ?? '',
        Owner: key.account,
        Policy: await shownPolicy(call.house.store, topic.policy, topic.policyPrincipals),
        DisplayName: topic.displayName,
        SubscriptionsConfirmed: String(confirmed),
        SubscriptionsPending: '0',
        SubscriptionsDeleted: '0',
        EffectiveDeliveryPolicy: EFFECTIVE_DELIVERY_POLICY,
      },
    };
  },
});

/** Source: SNS Developer Guide, "Creating an HTTP/S delivery policy": the defaults. */
const EFFECTIVE_DELIVERY_POLICY = JSON.stringify({
  http: {
    defaultHealthyRetryPolicy: {
      minDelayTarget: 20,
      maxDelayTarget: 20,
      numRetries: 3,
      numMaxDelayRetries: 0,
      numNoDelayRetries: 0,
      numMinDelayRetries: 0,
      backoffFunction: 'linear',
    },
    disableSubscriptionOverrides: false,
    defaultRequestPolicy: { headerContentType: 'text/plain; charset=UTF-8' },
  },
});

export const setTopicAttributes = operation<SetTopicAttributesInput, object>({
  authorize: ({ TopicArn }, call) => topicAccess('SetTopicAttributes', TopicArn, call),
  handle: async (input, call) => {
    await changeTopic(
      call,
      input.TopicArn,
      await attributeChange(call, input.AttributeName ?? '', input.AttributeValue ?? ''),
    );
    return {};
  },
});

export const listTopics = operation<ListTopicsInput, ListTopicsResponse>({
  handle: async (input, call) => {
    const after = decodePage(input.NextToken);
    const stored = await topics.list(call.house.store, {
      account: call.account,
      region: call.region,
      ...(after === undefined ? {} : { after }),
      limit: PAGE + 1,
    });
    const page = stored.slice(0, PAGE);
    return {
      Topics: page.map(({ key }) => ({ TopicArn: topicArn(key, key.id) })),
      ...(stored.length > PAGE ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

export const tagResource = operation<TagResourceRequest, object>({
  authorize: ({ ResourceArn }, call) => topicAccess('TagResource', ResourceArn, call),
  handle: async (input, call) => {
    await changeTopic(call, input.ResourceArn, (topic) => {
      const tags = { ...topic.tags, ...tagsOf(input.Tags) };
      if (Object.keys(tags).length > MOST_TAGS)
        throw new AwsError('TagLimitExceeded', 'Could not complete request: tag quota of per resource exceeded');
      return { ...topic, tags };
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceRequest, object>({
  authorize: ({ ResourceArn }, call) => topicAccess('UntagResource', ResourceArn, call),
  handle: async (input, call) => {
    await changeTopic(call, input.ResourceArn, (topic) => ({
      ...topic,
      tags: Object.fromEntries(Object.entries(topic.tags).filter(([key]) => !(input.TagKeys ?? []).includes(key))),
    }));
    return {};
  },
});

export const listTagsForResource = operation<ListTagsForResourceRequest, ListTagsForResourceResponse>({
  authorize: ({ ResourceArn }, call) => topicAccess('ListTagsForResource', ResourceArn, call),
  handle: async (input, call) => {
    const { tags } = (await requireTopic(call.house.store, input.ResourceArn)).document;
    return { Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) };
  },
});

export async function changeTopic(call: Call, arn: string | undefined, to: (topic: Topic) => Topic): Promise<void> {
  await call.house.store.transaction(async (tx) => {
    const found = await topics.getForUpdate(tx, topicKey(arn));
    if (found === undefined) throw new AwsError('NotFound', 'Topic does not exist');
    await topics.update(tx, found.key, to(found.document));
  });
}

function tagsOf(
  tags: readonly Readonly<{ Key: string | undefined; Value: string | undefined }>[] | undefined,
): Record<string, string> {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}
