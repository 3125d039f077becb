/** Publishing, and the loop that delivers to each subscription, at least once. */
import type {
  MessageAttributeValue,
  PublishBatchInput,
  PublishBatchResponse,
  PublishInput,
  PublishResponse,
} from '@aws-sdk/client-sns';
import { AwsError, isAwsError, isoMillis, type Json, parseArn, storableText } from '../../common/index.ts';
import {
  decide,
  type DeliveryEffect,
  type DeliveryEvent,
  type DeliveryState,
} from '../../core/event-delivery/index.ts';
import { compilePattern } from '../../core/event-pattern/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Call, type House, operation } from '../service.ts';
import { requireTopic, type Subscription, subscriptions, topicAccess } from './records.ts';

const KIND = 'sns.delivery';
const SERVICE = 'sns.amazonaws.com';
const LARGEST_MESSAGE_BYTES = 262_144;
/** Source: SNS Developer Guide, "Message delivery retries": AWS-managed endpoints, 100,015 tries over 23 days. */
const MOST_ATTEMPTS = 100_015;
const LONGEST_MS = 23 * 86_400_000;

type Attributes = Readonly<Record<string, Readonly<{ Type: string; Value: string }>>>;

type Notification = Readonly<{
  messageId: string;
  topicArn: string;
  subject?: string | undefined;
  message: string;
  attributes: Attributes;
  at: number;
}>;

type Delivery = Readonly<{ subscription: Subscription; notification: Notification }>;

export const publish = operation<PublishInput, PublishResponse>({
  authorize: ({ TopicArn, TargetArn }, call) => topicAccess('Publish', TopicArn ?? TargetArn, call),
  handle: async (input, call) => {
    if (input.PhoneNumber !== undefined)
      throw new AwsError(
        'InvalidParameter',
        'Invalid parameter: PhoneNumber: text messages are not implemented by Sluice.',
      );
    const arn = input.TopicArn ?? input.TargetArn;
    const messageId = call.house.ids.uuid();
    await call.house.store.transaction((tx) => deliver(tx, call, arn, messageId, input));
    return { MessageId: messageId };
  },
});

export const publishBatch = operation<PublishBatchInput, PublishBatchResponse>({
  authorize: ({ TopicArn }, call) => topicAccess('Publish', TopicArn, call),
  handle: async (input, call) => {
    const entries = input.PublishBatchRequestEntries ?? [];
    if (entries.length === 0) throw new AwsError('EmptyBatchRequest', "The batch request doesn't contain any entries.");
    if (entries.length > 10)
      throw new AwsError('TooManyEntriesInBatchRequest', 'The batch request contains more entries than permissible.');
    const ids = entries.map((entry) => entry.Id);
    if (new Set(ids).size !== ids.length)
      throw new AwsError('BatchEntryIdsNotDistinct', 'Two or more batch entries in the request have the same Id.');
    const invalid = ids.find((id) => !/^[\w-]{1,80}$/.test(id ?? ''));
    if (invalid !== undefined)
      throw new AwsError(
        'InvalidBatchEntryId',
        "The Id of a batch entry in a batch request doesn't abide by the specification.",
      );
    const bytes = entries.reduce((sum, entry) => sum + Buffer.byteLength(entry.Message ?? ''), 0);
    if (bytes > LARGEST_MESSAGE_BYTES)
      throw new AwsError(
        'BatchRequestTooLong',
        'The length of all the batch messages put together is more than the limit.',
      );
    const successful: { Id: string | undefined; MessageId: string }[] = [];
    const failed: { Id: string | undefined; Code: string; Message: string; SenderFault: boolean }[] = [];
    for (const entry of entries) {
      const messageId = call.house.ids.uuid();
      try {
        await call.house.store.transaction((tx) => deliver(tx, call, input.TopicArn, messageId, entry));
        successful.push({ Id: entry.Id, MessageId: messageId });
      } catch (error) {
        if (!isAwsError(error)) throw error;
        failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
      }
    }
    return { Successful: successful, Failed: failed };
  },
});

type Published = Readonly<{
  Message?: string | undefined;
  Subject?: string | undefined;
  MessageStructure?: string | undefined;
  MessageAttributes?: Record<string, MessageAttributeValue> | undefined;
  MessageGroupId?: string | undefined;
  MessageDeduplicationId?: string | undefined;
}>;

async function deliver(
  tx: Tx,
  call: Call,
  topicArn: string | undefined,
  messageId: string,
  input: Published,
): Promise<void> {
  const topic = await requireTopic(tx, topicArn);
  const texts = textsOf(input);
  if (input.MessageDeduplicationId !== undefined)
    throw new AwsError(
      'InvalidParameter',
      'Invalid parameter: MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid for this topic type',
    );
  if (
    input.Subject !== undefined &&
    (input.Subject.length === 0 || input.Subject.length > 100 || /[\n\r]/.test(input.Subject))
  ) {
    throw new AwsError('InvalidParameter', 'Invalid parameter: Subject');
  }
  const attributes = attributesOf(input.MessageAttributes);
  const all = await subscriptions.list(tx, {
    account: topic.key.account,
    region: topic.key.region,
    parent: topicArn ?? '',
  });
  for (const { document: subscription } of all) {
    const message = texts(subscription.protocol);
    if (!passes(subscription, attributes, message)) continue;
    const notification: Notification = {
      messageId,
      topicArn: topicArn ?? '',
      subject: input.Subject,
      message,
      attributes,
      at: call.now,
    };
    const delivery: Delivery = { subscription, notification };
    const state: DeliveryState = {
      phase: 'Delivering',
      attempts: 0,
      firstAt: call.now,
      mostAttempts: MOST_ATTEMPTS,
      longestMs: LONGEST_MS,
      hasDeadLetterQueue: subscription.deadLetterArn !== undefined,
      delivery,
    };
    const key = { account: topic.key.account, region: topic.key.region, id: `${messageId}/${subscription.arn}` };
    await call.house.engine.create(tx, KIND, key, state, [{ type: 'Deliver', delivery }]);
  }
}

/** The text for each protocol: with MessageStructure json, the protocol's own or `default`. */
function textsOf(input: Published): (protocol: string) => string {
  const message = input.Message ?? '';
  if (storableText(message) !== message)
    throw new AwsError('InvalidParameter', 'Invalid parameter: Message: invalid characters');
  if (message === '') throw new AwsError('InvalidParameter', 'Invalid parameter: Empty message');
  if (Buffer.byteLength(message) > LARGEST_MESSAGE_BYTES)
    throw new AwsError('InvalidParameter', 'Invalid parameter: Message too long');
  if (input.MessageStructure === undefined) return () => message;
  if (input.MessageStructure !== 'json') throw new AwsError('InvalidParameter', 'Invalid parameter: MessageStructure');
  let texts: Record<string, unknown>;
  try {
    texts = JSON.parse(message) as Record<string, unknown>;
  } catch {
    throw new AwsError('InvalidParameter', 'Invalid parameter: Message Structure - JSON message body failed to parse');
  }
  if (typeof texts?.['default'] !== 'string')
    throw new AwsError(
      'InvalidParameter',
      'Invalid parameter: Message Structure - No default entry in JSON message body',
    );
  return (protocol) => String(texts[protocol] ?? texts['default']);
}

function attributesOf(given: Record<string, MessageAttributeValue> | undefined): Attributes {
  return Object.fromEntries(
    Object.entries(given ?? {}).map(([name, value]) => {
      if (!/^(String|String\.Array|Number|Binary)(\.|$)/.test(value.DataType ?? '')) {
        throw new AwsError(
          'ParameterValueInvalid',
          `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
        );
      }
      if (value.BinaryValue === undefined && (value.StringValue ?? '') === '')
        throw new AwsError(
          'ParameterValueInvalid',
          `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${value.DataType}'.`,
        );
      const text =
        value.BinaryValue === undefined ? (value.StringValue ?? '') : Buffer.from(value.BinaryValue).toString('base64');
      return [name, { Type: value.DataType ?? 'String', Value: text }];
    }),
  );
}

function passes(subscription: Subscription, attributes: Attributes, message: string): boolean {
  if (subscription.filterPolicy === undefined) return true;
  const compiled = compilePattern(subscription.filterPolicy);
  if ('invalid' in compiled) return false;
  if (subscription.filterScope === 'MessageAttributes') {
    return compiled.matches(
      Object.fromEntries(
        Object.entries(attributes)
          // A filter does not see binary attributes.
          .filter(([, { Type }]) => !Type.startsWith('Binary'))
          .map(([name, { Type, Value }]) => [name, attributeValue(Type, Value)]),
      ),
    );
  }
  try {
    return compiled.matches(JSON.parse(message) as Json);
  } catch {
    return false;
  }
}

function attributeValue(type: string, value: string): Json {
  if (/^Number(\.|$)/.test(type)) return Number(value);
  if (type !== 'String.Array') return value;
  try {
    return JSON.parse(value) as Json;
  } catch {
    return value;
  }
}

export function deliveryLoop(house: House): LoopDefinition<DeliveryState, DeliveryEvent, DeliveryEffect> {
  return defineLoop<DeliveryState, DeliveryEvent, DeliveryEffect>({
    kind: KIND,
    history: 'None',
    decide,
    isFinal: (state) => state.phase === 'Delivered',
    perform: async (effect, { key }) => {
      switch (effect.type) {
        case 'Deliver':
          try {
            await send(house, effect.delivery as Delivery);
            return { type: 'Taken' };
          } catch (error) {
            const message = error instanceof Error ? error.message : String(error);
            const code = isAwsError(error) ? error.code : 'InternalFailure';
            return {
              type: 'Failed',
              code,
              message,
              retryable: !/AccessDenied|NotFound|DoesNotExist|Invalid|NotImplemented/.test(code),
            };
          }
        case 'DeadLetter': {
          const delivery = effect.delivery as Delivery;
          await sendToQueue(house, delivery, delivery.subscription.deadLetterArn ?? '', envelope(house, delivery), {});
          return { type: 'DeadLetterDone' };
        }
        case 'Forget':
          await house.store.transaction((tx) => house.engine.remove(tx, KIND, key));
          return;
        default:
          return;
      }
    },
    onGivenUp: () => ({ type: 'DeadLetterDone' }),
  });
}

async function send(house: House, delivery: Delivery): Promise<void> {
  const { subscription, notification } = delivery;
  if (subscription.protocol === 'sqs') {
    const raw = subscription.rawDelivery;
    return sendToQueue(
      house,
      delivery,
      subscription.endpoint,
      raw ? notification.message : envelope(house, delivery),
      raw ? notification.attributes : {},
    );
  }
  const { Message, MessageId, Subject, Timestamp, TopicArn, Type, ...signature } = JSON.parse(
    envelope(house, delivery),
  ) as Record<string, Json>;
  const event = {
    Records: [
      {
        EventSource: 'aws:sns',
        EventVersion: '1.0',
        EventSubscriptionArn: subscription.arn,
        Sns: {
          Type,
          MessageId,
          TopicArn,
          Subject: Subject ?? null,
          Message,
          Timestamp,
          SignatureVersion: signature['SignatureVersion'],
          Signature: signature['Signature'],
          SigningCertUrl: signature['SigningCertURL'],
          UnsubscribeUrl: signature['UnsubscribeURL'],
          MessageAttributes: notification.attributes,
        },
      },
    ],
  };
  await client(house, delivery, subscription.endpoint).call('lambda', 'Invoke', {
    FunctionName: subscription.endpoint,
    InvocationType: 'Event',
    Payload: new TextEncoder().encode(JSON.stringify(event)),
  });
}

async function sendToQueue(
  house: House,
  delivery: Delivery,
  queueArn: string,
  body: string,
  attributes: Attributes,
): Promise<void> {
  const queue = parseArn(queueArn);
  const as = client(house, delivery, queueArn);
  await as.call('sqs', 'SendMessage', {
    QueueUrl: `${house.config.endpoint()}/${queue?.account}/${queue?.resource}`,
    MessageBody: body,
    ...(Object.keys(attributes).length === 0
      ? {}
      : {
          MessageAttributes: Object.fromEntries(
            Object.entries(attributes).map(([name, { Type, Value }]) => [
              name,
              Type.startsWith('Binary')
                ? { DataType: Type, BinaryValue: new Uint8Array(Buffer.from(Value, 'base64')) }
                : { DataType: Type, StringValue: Value },
            ]),
          ),
        }),
  });
}

function client(house: House, { notification }: Delivery, targetArn: string): ReturnType<House['door']['asService']> {
  const topic = parseArn(notification.topicArn);
  const target = parseArn(targetArn);
  return house.door.asService(
    SERVICE,
    { account: target?.account ?? '', region: target?.region ?? '' },
    { sourceArn: notification.topicArn, sourceAccount: topic?.account ?? '' },
  );
}

/**
 * The notification as queues and endpoints get it. Differs from AWS: notifications are not signed, since nobody here holds
 * Amazon's key. `Signature` says so, and its and the unsubscribing URL name this server, never Amazon's.
 */
function envelope(house: House, { subscription, notification }: Delivery): string {
  const endpoint = house.config.endpoint();
  return JSON.stringify({
    Type: 'Notification',
    MessageId: notification.messageId,
    TopicArn: notification.topicArn,
    ...(notification.subject === undefined ? {} : { Subject: notification.subject }),
    Message: notification.message,
    Timestamp: isoMillis(notification.at),
    SignatureVersion: '1',
    Signature: 'NOT-SIGNED',
    SigningCertURL: `${endpoint}/not-signed.pem`,
    UnsubscribeURL: `${endpoint}/?Action=Unsubscribe&SubscriptionArn=${subscription.arn}`,
    ...(Object.keys(notification.attributes).length === 0 ? {} : { MessageAttributes: notification.attributes }),
  });
}
