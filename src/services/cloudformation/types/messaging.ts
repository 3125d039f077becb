/** AWS::SNS::Topic, AWS::SQS::Queue. Source: CloudFormation User Guide, the reference of each type. */
import type { JsonObject } from '../../../common/index.ts';
import {
  isSet,
  type Made,
  type Making,
  optional,
  policy,
  type ResourceType,
  tagChanges,
  tagList,
  tagMap,
} from '../resource-type.ts';

const TOPIC_ATTRIBUTES = ['DisplayName', 'KmsMasterKeyId'];

export const topic: ResourceType = {
  properties: [...TOPIC_ATTRIBUTES, 'Tags', 'TopicName'],
  replaceOn: ['TopicName'],
  nameProperty: 'TopicName',
  attributes: ['TopicArn', 'TopicName'],

  async create(making, properties) {
    const Name = making.nameOf(properties['TopicName'], 256);
    const { account, region } = making.scope;
    // CreateTopic answers for a topic that exists as for a new one.
    if (properties['TopicName'] !== undefined) {
      const TopicArn = `arn:aws:sns:${region}:${account}:${Name}`;
      if ((await making.ifThere('sns', 'GetTopicAttributes', { TopicArn })) !== undefined)
        throw new Error(`${Name} already exists`);
    }
    const Tags = tagList(tagMap(properties['Tags']));
    const Attributes = attributesOf(properties, TOPIC_ATTRIBUTES);
    const { TopicArn } = await making.call<{ TopicArn: string }>('sns', 'CreateTopic', {
      Name,
      ...(isSet(Attributes) ? { Attributes } : {}),
      ...(Tags.length === 0 ? {} : { Tags }),
    });
    return topicMade(TopicArn);
  },

  async update(making, TopicArn, properties, before) {
    for (const AttributeName of TOPIC_ATTRIBUTES) {
      if (properties[AttributeName] === before[AttributeName]) continue;
      const AttributeValue = optional(properties[AttributeName]) ?? '';
      await making.call('sns', 'SetTopicAttributes', { TopicArn, AttributeName, AttributeValue });
    }
    const { set, gone } = tagChanges(before['Tags'], properties['Tags']);
    if (isSet(set)) await making.call('sns', 'TagResource', { ResourceArn: TopicArn, Tags: tagList(set) });
    if (gone.length > 0) await making.call('sns', 'UntagResource', { ResourceArn: TopicArn, TagKeys: gone });
    return topicMade(TopicArn);
  },

  async remove(making, TopicArn) {
    await making.ifThere('sns', 'DeleteTopic', { TopicArn });
  },
};

function topicMade(TopicArn: string): Made {
  return { physicalId: TopicArn, attributes: { TopicArn, TopicName: TopicArn.slice(TopicArn.lastIndexOf(':') + 1) } };
}

/** Each with what it is when the template says nothing. */
const QUEUE_ATTRIBUTES: Readonly<Record<string, string>> = {
  DelaySeconds: '0',
  KmsMasterKeyId: '',
  MaximumMessageSize: '262144',
  MessageRetentionPeriod: '345600',
  ReceiveMessageWaitTimeSeconds: '0',
  RedrivePolicy: '',
  VisibilityTimeout: '30',
};

export const queue: ResourceType = {
  properties: [...Object.keys(QUEUE_ATTRIBUTES), 'QueueName', 'Tags'],
  replaceOn: ['QueueName'],
  nameProperty: 'QueueName',
  attributes: ['Arn', 'QueueName', 'QueueUrl'],

  async create(making, properties) {
    const QueueName = making.nameOf(properties['QueueName'], 80);
    // CreateQueue answers for a queue that exists as for a new one.
    if (properties['QueueName'] !== undefined) {
      if ((await making.ifThere('sqs', 'GetQueueUrl', { QueueName })) !== undefined)
        throw new Error(`${QueueName} already exists`);
    }
    const Attributes = attributesOf(properties, Object.keys(QUEUE_ATTRIBUTES));
    const tags = tagMap(properties['Tags']);
    const { QueueUrl } = await making.call<{ QueueUrl: string }>('sqs', 'CreateQueue', {
      QueueName,
      ...(isSet(Attributes) ? { Attributes } : {}),
      ...(isSet(tags) ? { tags } : {}),
    });
    return queueMade(making, QueueUrl);
  },

  async update(making, QueueUrl, properties, before) {
    const keys = Object.keys(QUEUE_ATTRIBUTES);
    const [is, was] = [attributesOf(properties, keys), attributesOf(before, keys)];
    const Attributes = Object.fromEntries(
      keys.filter((key) => is[key] !== was[key]).map((key) => [key, is[key] ?? QUEUE_ATTRIBUTES[key] ?? '']),
    );
    if (isSet(Attributes)) await making.call('sqs', 'SetQueueAttributes', { QueueUrl, Attributes });
    const { set, gone } = tagChanges(before['Tags'], properties['Tags']);
    if (isSet(set)) await making.call('sqs', 'TagQueue', { QueueUrl, Tags: set });
    if (gone.length > 0) await making.call('sqs', 'UntagQueue', { QueueUrl, TagKeys: gone });
    return queueMade(making, QueueUrl);
  },

  async remove(making, QueueUrl) {
    await making.ifThere('sqs', 'DeleteQueue', { QueueUrl });
  },
};

function attributesOf(properties: JsonObject, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    keys.flatMap((key) => {
      const value = properties[key];
      return value === undefined ? [] : [[key, key === 'RedrivePolicy' ? policy(value) : (optional(value) ?? '')]];
    }),
  );
}

function queueMade({ scope: { account, region } }: Making, QueueUrl: string): Made {
  const QueueName = QueueUrl.slice(QueueUrl.lastIndexOf('/') + 1);
  return {
    physicalId: QueueUrl,
    attributes: { Arn: `arn:aws:sqs:${region}:${account}:${QueueName}`, QueueName, QueueUrl },
  };
}
