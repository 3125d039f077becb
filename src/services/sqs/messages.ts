/** Messages of queues. A long poll waits in the machine's time, as its client does; visibility and delay go by the clock. */
import type {
  BatchResultErrorEntry,
  ChangeMessageVisibilityBatchRequest,
  ChangeMessageVisibilityBatchResult,
  ChangeMessageVisibilityRequest,
  DeleteMessageBatchRequest,
  DeleteMessageBatchResult,
  DeleteMessageRequest,
  Message,
  MessageAttributeValue,
  ReceiveMessageRequest,
  ReceiveMessageResult,
  SendMessageBatchRequest,
  SendMessageBatchResult,
  SendMessageRequest,
  SendMessageResult,
} from '@aws-sdk/client-sqs';
import { ALPHANUMERIC, AwsError, type Json } from '../../common/index.ts';
import {
  changeVisibility,
  deleteExpiredMessages,
  deleteMessage as deleteStored,
  moveDeadLetters,
  type NewMessage,
  type QueueMessage,
  receiveMessages,
  sendMessages,
  type Stored,
  type SystemAttributes,
} from '../../store/index.ts';
import { principalArn } from '../principal-arn.ts';
import { type Call, operation } from '../service.ts';
import { md5, md5OfAttributes } from './digests.ts';
import { deadLetterTarget, oldestKept, valueOf } from './queues.ts';
import { access, messagesKey, type Queue, queueArn, queueKeyOfArn, queues, requireQueue } from './records.ts';
import { arrivals } from './arrivals.ts';

const MOST_ATTRIBUTES = 10;
const MOST_IN_BATCH = 10;
const LONG_POLL_STEP_MS = 200;
const INVALID_CHARACTERS = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

type Sent = Readonly<{ message: NewMessage; result: SendMessageResult }>;

export const sendMessage = operation<SendMessageRequest, SendMessageResult>({
  authorize: ({ QueueUrl }, call) => access('SendMessage', QueueUrl, call),
  handle: async (input, call) => {
    const queue = await requireQueue(call.house.store, call, input.QueueUrl);
    const { message, result } = prepare(call, queue, input);
    await sendMessages(call.house.store, messagesKey(queue.key), [message]);
    arrivals(call.house).ring(messagesKey(queue.key));
    return result;
  },
});

export const sendMessageBatch = operation<SendMessageBatchRequest, SendMessageBatchResult>({
  authorize: ({ QueueUrl }, call) => access('SendMessage', QueueUrl, call),
  handle: async (input, call) => {
    const queue = await requireQueue(call.house.store, call, input.QueueUrl);
    const entries = input.Entries ?? [];
    checkBatch(entries.map((entry) => entry.Id));
    const sent: NewMessage[] = [];
    const answer = outcomes(entries, (entry) => {
      const { message, result } = prepare(call, queue, entry);
      sent.push(message);
      return {
        Id: entry.Id,
        MessageId: result.MessageId,
        MD5OfMessageBody: result.MD5OfMessageBody,
        MD5OfMessageAttributes: result.MD5OfMessageAttributes,
      };
    });
    const total = sent.reduce((sum, message) => sum + Buffer.byteLength(message.body), 0);
    if (total > 1_048_576)
      throw new AwsError('BatchRequestTooLong', 'Batch requests cannot be longer than 1048576 bytes.');
    await sendMessages(call.house.store, messagesKey(queue.key), sent);
    arrivals(call.house).ring(messagesKey(queue.key));
    return answer;
  },
});

function prepare(
  call: Call,
  queue: Stored<Queue>,
  input: Readonly<{
    MessageBody?: string | undefined;
    DelaySeconds?: number | undefined;
    MessageAttributes?: Record<string, MessageAttributeValue> | undefined;
    MessageSystemAttributes?: Record<string, MessageAttributeValue> | undefined;
    MessageGroupId?: string | undefined;
    MessageDeduplicationId?: string | undefined;
  }>,
): Sent {
  const body = input.MessageBody ?? '';
  if (body === '') throw new AwsError('MissingParameter', 'The request must contain the parameter MessageBody.');
  if (INVALID_CHARACTERS.test(body)) {
    throw new AwsError(
      'InvalidMessageContents',
      'Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20 to #xD7FF | #xE000 to #xFFFD | #x10000 to #x10FFFF',
    );
  }
  if (input.MessageDeduplicationId !== undefined)
    throw new AwsError(
      'InvalidParameterValue',
      'The request includes a parameter that is not valid for this queue type: MessageDeduplicationId.',
    );
  const attributes = input.MessageAttributes ?? {};
  const names = Object.keys(attributes);
  if (names.length > MOST_ATTRIBUTES)
    throw new AwsError(
      'InvalidParameterValue',
      `Number of message attributes [${names.length}] exceeds the allowed maximum [${MOST_ATTRIBUTES}].`,
    );
  for (const [name, value] of Object.entries(attributes)) {
    if (!/^(String|Number|Binary)(\.|$)/.test(value.DataType ?? '')) {
      throw new AwsError(
        'InvalidParameterValue',
        `The type of message (user) attribute '${name}' is invalid. You must use only the following supported type prefixes: Binary, Number, String.`,
      );
    }
  }
  checkAttributeValues(attributes);
  const largest = Number(valueOf(queue.document, 'MaximumMessageSize'));
  const size =
    Buffer.byteLength(body) +
    names.reduce(
      (sum, name) =>
        sum +
        Buffer.byteLength(name) +
        Buffer.byteLength(attributes[name]?.DataType ?? '') +
        Buffer.byteLength(attributes[name]?.StringValue ?? '') +
        (attributes[name]?.BinaryValue?.byteLength ?? 0),
      0,
    );
  if (size > largest)
    throw new AwsError(
      'InvalidParameterValue',
      `One or more parameters are invalid. Reason: Message must be shorter than ${largest} bytes.`,
    );
  const delaySeconds = input.DelaySeconds ?? Number(valueOf(queue.document, 'DelaySeconds'));
  if (delaySeconds < 0 || delaySeconds > 900)
    throw new AwsError(
      'InvalidParameterValue',
      `Value ${delaySeconds} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.`,
    );
  const messageId = call.house.ids.uuid();
  const stored = Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      name,
      {
        DataType: value.DataType,
        ...(value.StringValue === undefined ? {} : { StringValue: value.StringValue }),
        ...(value.BinaryValue === undefined ? {} : { BinaryValue: Buffer.from(value.BinaryValue).toString('base64') }),
      },
    ]),
  ) as Json;
  const digest = md5OfAttributes(attributes);
  return {
    message: {
      messageId,
      body,
      attributes: stored,
      system: systemAttributes(input),
      sender: principalArn(call.principal),
      sentAt: call.now,
      visibleAt: call.now + delaySeconds * 1000,
    },
    result: {
      MessageId: messageId,
      MD5OfMessageBody: md5(body),
      ...(digest === undefined ? {} : { MD5OfMessageAttributes: digest }),
    },
  };
}

/** Source: SQS Developer Guide, "Message attribute components". */
function checkAttributeValues(attributes: Readonly<Record<string, MessageAttributeValue>>): void {
  for (const [name, value] of Object.entries(attributes)) {
    const given =
      value.DataType?.startsWith('Binary') === true ? value.BinaryValue?.byteLength : value.StringValue?.length;
    if ((given ?? 0) === 0)
      throw new AwsError(
        'InvalidParameterValue',
        `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${value.DataType}'.`,
      );
    if (INVALID_CHARACTERS.test(value.StringValue ?? ''))
      throw new AwsError(
        'InvalidParameterValue',
        `The message attribute '${name}' has invalid characters in its value.`,
      );
    if (!/^[\w.-]{1,256}$/.test(name) || /^(aws|amazon)\.|^\.|\.$|\.\./i.test(name))
      throw new AwsError('InvalidParameterValue', `The message attribute name '${name}' is not valid.`);
  }
}

function systemAttributes(
  input: Readonly<{
    MessageSystemAttributes?: Record<string, MessageAttributeValue> | undefined;
    MessageGroupId?: string | undefined;
  }>,
): SystemAttributes {
  const given = Object.entries(input.MessageSystemAttributes ?? {});
  for (const [name, value] of given) {
    if (name !== 'AWSTraceHeader' || value.DataType !== 'String')
      throw new AwsError(
        'InvalidParameterValue',
        `Message system attribute name '${name}' is invalid: only AWSTraceHeader of type String can be sent.`,
      );
  }
  return {
    ...Object.fromEntries(given.map(([name, value]) => [name, value.StringValue ?? ''])),
    ...(input.MessageGroupId === undefined ? {} : { MessageGroupId: input.MessageGroupId }),
  };
}

export const receiveMessage = operation<ReceiveMessageRequest, ReceiveMessageResult>({
  waits: true,
  authorize: ({ QueueUrl }, call) => access('ReceiveMessage', QueueUrl, call),
  handle: async (input, call) => {
    const queue = await requireQueue(call.house.store, call, input.QueueUrl);
    const most = input.MaxNumberOfMessages ?? 1;
    if (most < 1 || most > MOST_IN_BATCH) {
      throw new AwsError(
        'InvalidParameterValue',
        `Value ${most} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided.`,
      );
    }
    const waitSeconds = input.WaitTimeSeconds ?? Number(valueOf(queue.document, 'ReceiveMessageWaitTimeSeconds'));
    if (waitSeconds < 0 || waitSeconds > 20) {
      throw new AwsError(
        'InvalidParameterValue',
        `Value ${waitSeconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.`,
      );
    }
    const deadline = call.house.config.wallNow() + waitSeconds * 1000;
    for (;;) {
      const found = await take(call, queue, input, most);
      const leftMs = deadline - call.house.config.wallNow();
      if (found.length > 0 || leftMs <= 0)
        return found.length === 0 ? {} : { Messages: found.map((message) => shown(message, input)) };
      await arrivals(call.house).wait(messagesKey(queue.key), Math.min(leftMs, LONG_POLL_STEP_MS));
    }
  },
});

async function take(
  call: Call,
  queue: Stored<Queue>,
  input: ReceiveMessageRequest,
  most: number,
): Promise<QueueMessage[]> {
  const { store, ids, clock } = call.house;
  const now = clock.now();
  const target = deadLetterTarget(queue.document);
  const to = target && queueKeyOfArn(target.arn);
  // Without the queue they would go to, dead letters stay.
  if (target !== undefined && to !== undefined && (await queues.get(store, to)) !== undefined) {
    const moved = await moveDeadLetters(store, messagesKey(queue.key), messagesKey(to), {
      now,
      maxReceiveCount: target.maxReceiveCount,
      sourceArn: queueArn(queue.key, queue.key.id),
    });
    if (moved > 0) arrivals(call.house).ring(messagesKey(to));
  }
  const visibilitySeconds = input.VisibilityTimeout ?? Number(valueOf(queue.document, 'VisibilityTimeout'));
  const oldestAt = oldestKept(queue.document, now);
  const found = await receiveMessages(store, messagesKey(queue.key), {
    now,
    hiddenUntil: now + visibilitySeconds * 1000,
    oldestAt,
    receipts: Array.from({ length: most }, () => ids.text(64, ALPHANUMERIC)),
  });
  // When nobody is waiting for messages there is time to clear away what has expired.
  if (found.length === 0) await deleteExpiredMessages(store, messagesKey(queue.key), { now, oldestAt });
  return found;
}

function shown(message: QueueMessage, input: ReceiveMessageRequest): Message {
  const system: Record<string, string> = {
    ...message.system,
    SenderId: message.sender,
    SentTimestamp: String(message.sentAt),
    ApproximateReceiveCount: String(message.receiveCount),
    ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt),
  };
  const wanted: readonly string[] = [...(input.MessageSystemAttributeNames ?? []), ...(input.AttributeNames ?? [])];
  const attributes = Object.fromEntries(
    Object.entries(system).filter(([name]) => wanted.includes('All') || wanted.includes(name)),
  );
  const named = input.MessageAttributeNames ?? [];
  const own = Object.entries(
    message.attributes as Record<string, { DataType: string; StringValue?: string; BinaryValue?: string }>,
  )
    .filter(([name]) =>
      named.some(
        (pattern) =>
          pattern === 'All' || pattern === name || (pattern.endsWith('.*') && name.startsWith(pattern.slice(0, -1))),
      ),
    )
    .map(
      ([name, value]) =>
        [
          name,
          {
            ...value,
            ...(value.BinaryValue === undefined
              ? {}
              : { BinaryValue: new Uint8Array(Buffer.from(value.BinaryValue, 'base64')) }),
          },
        ] as const,
    );
  const chosen = Object.fromEntries(own) as Record<string, MessageAttributeValue>;
  const digest = md5OfAttributes(chosen);
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receipt,
    MD5OfBody: md5(message.body),
    Body: message.body,
    ...(Object.keys(attributes).length === 0 ? {} : { Attributes: attributes }),
    ...(digest === undefined ? {} : { MessageAttributes: chosen, MD5OfMessageAttributes: digest }),
  };
}

/** Deleting what is deleted already succeeds; a handle of another shape does not. */
export const deleteMessage = operation<DeleteMessageRequest, object>({
  authorize: ({ QueueUrl }, call) => access('DeleteMessage', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    await deleteOne(call, messagesKey(key), input.ReceiptHandle);
    return {};
  },
});

async function deleteOne(call: Call, queue: string, receipt: string | undefined): Promise<void> {
  checkReceipt(receipt);
  await deleteStored(call.house.store, queue, receipt ?? '');
}

export const deleteMessageBatch = operation<DeleteMessageBatchRequest, DeleteMessageBatchResult>({
  authorize: ({ QueueUrl }, call) => access('DeleteMessage', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    const entries = input.Entries ?? [];
    checkBatch(entries.map((entry) => entry.Id));
    const answer = outcomes(entries, (entry) => {
      checkReceipt(entry.ReceiptHandle);
      return { Id: entry.Id };
    });
    for (const entry of entries)
      if (answer.Successful.some(({ Id }) => Id === entry.Id))
        await deleteOne(call, messagesKey(key), entry.ReceiptHandle);
    return answer;
  },
});

export const changeMessageVisibility = operation<ChangeMessageVisibilityRequest, object>({
  authorize: ({ QueueUrl }, call) => access('ChangeMessageVisibility', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    await hide(call, messagesKey(key), input.ReceiptHandle, input.VisibilityTimeout);
    return {};
  },
});

export const changeMessageVisibilityBatch = operation<
  ChangeMessageVisibilityBatchRequest,
  ChangeMessageVisibilityBatchResult
>({
  authorize: ({ QueueUrl }, call) => access('ChangeMessageVisibility', QueueUrl, call),
  handle: async (input, call) => {
    const { key } = await requireQueue(call.house.store, call, input.QueueUrl);
    const entries = input.Entries ?? [];
    checkBatch(entries.map((entry) => entry.Id));
    const successful: { Id: string | undefined }[] = [];
    const failed: BatchResultErrorEntry[] = [];
    for (const entry of entries) {
      try {
        await hide(call, messagesKey(key), entry.ReceiptHandle, entry.VisibilityTimeout);
        successful.push({ Id: entry.Id });
      } catch (error) {
        failed.push(failureOf(entry.Id, error));
      }
    }
    return { Successful: successful, Failed: failed };
  },
});

async function hide(
  call: Call,
  queue: string,
  receipt: string | undefined,
  seconds: number | undefined,
): Promise<void> {
  checkReceipt(receipt);
  if (seconds === undefined || seconds < 0 || seconds > 43_200) {
    throw new AwsError(
      'InvalidParameterValue',
      `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and 43200, if provided.`,
    );
  }
  if (await changeVisibility(call.house.store, queue, receipt ?? '', call.now, call.now + seconds * 1000)) {
    if (seconds === 0) arrivals(call.house).ring(queue);
    return;
  }
  throw new AwsError(
    'InvalidParameterValue',
    `Value ${receipt} for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.`,
  );
}

function checkReceipt(receipt: string | undefined): void {
  if (receipt === undefined || !/^[A-Za-z0-9]{64}$/.test(receipt))
    throw new AwsError('ReceiptHandleIsInvalid', 'The input receipt handle is invalid.');
}

function checkBatch(ids: readonly (string | undefined)[]): void {
  if (ids.length === 0) throw new AwsError('EmptyBatchRequest', 'There should be at least one entry in the request.');
  if (ids.length > MOST_IN_BATCH)
    throw new AwsError(
      'TooManyEntriesInBatchRequest',
      `Maximum number of entries per request are ${MOST_IN_BATCH}. You have sent ${ids.length}.`,
    );
  for (const id of ids) {
    if (id === undefined || !/^[\w-]{1,80}$/.test(id)) {
      throw new AwsError(
        'InvalidBatchEntryId',
        'A batch entry id can only contain alphanumeric characters, hyphens and underscores. It can be at most 80 letters long.',
      );
    }
  }
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new AwsError('BatchEntryIdsNotDistinct', `Id ${twice} repeated.`);
}

function outcomes<Entry extends Readonly<{ Id: string | undefined }>, Result>(
  entries: readonly Entry[],
  attempt: (entry: Entry) => Result,
): { Successful: Result[]; Failed: BatchResultErrorEntry[] } {
  const successful: Result[] = [];
  const failed: BatchResultErrorEntry[] = [];
  for (const entry of entries) {
    try {
      successful.push(attempt(entry));
    } catch (error) {
      failed.push(failureOf(entry.Id, error));
    }
  }
  return { Successful: successful, Failed: failed };
}

function failureOf(id: string | undefined, error: unknown): BatchResultErrorEntry {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return { Id: id, SenderFault: true, Code: String(error.code), Message: error.message };
}
