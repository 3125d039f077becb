/**
 * Event notifications of a bucket: to EventBridge (all events), to queues, topics and functions (by event and key).
 *
 * A notification is written in the transaction that makes the change it tells of, and sent from there by a loop
 * (`core/object-notification`): a crash loses none.
 * Source: S3 User Guide, "Event message structure", "EventBridge event message structure".
 */
import type {
  EventBridgeConfiguration,
  GetBucketNotificationConfigurationRequest,
  NotificationConfiguration,
  NotificationConfigurationFilter as Filter,
  PutBucketNotificationConfigurationRequest,
} from '@aws-sdk/client-s3';
import { isoMillis, type Json, parseArn } from '../../common/index.ts';
import {
  covers,
  decide,
  isFinal,
  type NotificationEffect,
  type NotificationEvent,
  type NotificationState,
  overlap,
  startNotification,
} from '../../core/object-notification/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Call, type House, operation } from '../service.ts';
import { onBucket, requireBucket } from './access.ts';
import { changeBucket } from './change-bucket.ts';
import { invalidArgument, notImplemented } from './errors.ts';
import { canonicalId } from './owners.ts';
import { type Bucket, bucketArn, type Destination } from './records.ts';

const KIND = 's3.notification';
const SERVICE = 's3.amazonaws.com';
const EVENT_BRIDGE = 'EventBridge';

export const putBucketNotificationConfiguration = operation<PutBucketNotificationConfigurationRequest, void>({
  authorize: onBucket('PutBucketNotification'),
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const configuration = input.NotificationConfiguration ?? {};
    const destinations = destinationsOf(configuration, call);
    if (input.SkipDestinationValidation !== true) {
      for (const destination of destinations) {
        const known = bucket.notifications.destinations.some(({ arn }) => arn === destination.arn);
        if (!known) await tryDestination(call, bucket, destination);
      }
    }
    const eventBridge: EventBridgeConfiguration | undefined = configuration.EventBridgeConfiguration;
    await changeBucket(call, input, (fresh) => ({
      ...fresh,
      notifications: { eventBridge: eventBridge !== undefined, destinations },
    }));
  },
});

export const getBucketNotificationConfiguration = operation<
  GetBucketNotificationConfigurationRequest,
  NotificationConfiguration
>({
  authorize: onBucket('GetBucketNotification'),
  async handle(input, call) {
    const { notifications } = await requireBucket(call, input);
    const of = (type: Destination['type']): Destination[] =>
      notifications.destinations.filter((destination) => destination.type === type);
    const shown = (destination: Destination) => ({
      Id: destination.id,
      Events: [...destination.events] as NonNullable<
        NotificationConfiguration['QueueConfigurations']
      >[number]['Events'],
      ...filterOutput(destination),
    });
    const queues = of('Queue').map((each) => ({ ...shown(each), QueueArn: each.arn }));
    const topics = of('Topic').map((each) => ({ ...shown(each), TopicArn: each.arn }));
    const functions = of('LambdaFunction').map((each) => ({ ...shown(each), LambdaFunctionArn: each.arn }));
    return {
      ...(queues.length > 0 && { QueueConfigurations: queues }),
      ...(topics.length > 0 && { TopicConfigurations: topics }),
      ...(functions.length > 0 && { LambdaFunctionConfigurations: functions }),
      ...(notifications.eventBridge && { EventBridgeConfiguration: {} }),
    };
  },
});

/** Events that happen here. The others of S3's list (restore, replication, lifecycle, tiering) cannot. */
const EVENTS = [
  's3:ObjectCreated:*',
  's3:ObjectCreated:Put',
  's3:ObjectCreated:Post',
  's3:ObjectCreated:Copy',
  's3:ObjectCreated:CompleteMultipartUpload',
  's3:ObjectRemoved:*',
  's3:ObjectRemoved:Delete',
  's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectTagging:*',
  's3:ObjectTagging:Put',
  's3:ObjectTagging:Delete',
];

function destinationsOf(configuration: NotificationConfiguration, call: Call): Destination[] {
  const found: Destination[] = [];
  const add = (
    type: Destination['type'],
    service: string,
    arn: string | undefined,
    config: Readonly<{ Id?: string | undefined; Events?: readonly string[] | undefined; Filter?: Filter | undefined }>,
  ): void => {
    const parsed = parseArn(arn ?? '');
    if (arn === undefined || parsed?.service !== service || parsed.region !== call.region) {
      throw invalidArgument('The ARN is not well formed', `${type} ARN`, arn);
    }
    const unknown = (config.Events ?? []).find((event) => !EVENTS.includes(event));
    if (unknown !== undefined) {
      if (unknown.startsWith('s3:')) throw notImplemented(`The notification event ${unknown}`);
      throw invalidArgument('The event is not supported for notifications', 'Event', unknown);
    }
    if ((config.Events ?? []).length === 0) throw invalidArgument('Events must not be empty', 'Event', '');
    found.push({
      id: config.Id ?? call.house.ids.uuid(),
      type,
      arn,
      events: [...(config.Events ?? [])],
      ...filterOf(config.Filter),
    });
  };
  for (const each of configuration.QueueConfigurations ?? []) add('Queue', 'sqs', each.QueueArn, each);
  for (const each of configuration.TopicConfigurations ?? []) add('Topic', 'sns', each.TopicArn, each);
  for (const each of configuration.LambdaFunctionConfigurations ?? []) {
    add('LambdaFunction', 'lambda', each.LambdaFunctionArn, each);
  }
  for (const [i, one] of found.entries()) {
    for (const other of found.slice(i + 1)) {
      if (one.id === other.id) throw invalidArgument('Same ID used for multiple configurations', 'Id', one.id);
      if (overlap(one, other)) {
        throw invalidArgument(
          'Configurations overlap. Configurations on the same bucket cannot share a common event type.',
          'Event',
          one.events.join(),
        );
      }
    }
  }
  return found;
}

function filterOf(filter: Filter | undefined): Pick<Destination, 'prefix' | 'suffix'> {
  const rules = filter?.Key?.FilterRules ?? [];
  const found: { prefix?: string; suffix?: string } = {};
  for (const { Name: name, Value: value } of rules) {
    const side = name?.toLowerCase();
    if (side !== 'prefix' && side !== 'suffix') {
      throw invalidArgument('filter rule name must be either prefix or suffix', 'FilterRule.Name', name);
    }
    if (found[side] !== undefined) {
      throw invalidArgument('Cannot specify more than one prefix rule or suffix rule in a filter.', 'FilterRule', side);
    }
    found[side] = value ?? '';
  }
  return found;
}

function filterOutput({ prefix, suffix }: Destination): { Filter?: Filter } {
  const rules: NonNullable<NonNullable<Filter['Key']>['FilterRules']> = [
    ...(prefix === undefined ? [] : [{ Name: 'prefix' as const, Value: prefix }]),
    ...(suffix === undefined ? [] : [{ Name: 'suffix' as const, Value: suffix }]),
  ];
  return rules.length === 0 ? {} : { Filter: { Key: { FilterRules: rules } } };
}

/** S3 tries each destination before it keeps it: a test message, or for a function whether it may be invoked. */
async function tryDestination(call: Call, bucket: Bucket, { type, arn }: Destination): Promise<void> {
  const message = {
    Service: 'Amazon S3',
    Event: 's3:TestEvent',
    Time: isoMillis(call.now),
    Bucket: bucket.name,
    RequestId: call.requestId,
    HostId: 'sluice',
  };
  try {
    await send(call.house, bucket, arn, message, type === 'LambdaFunction' ? 'DryRun' : 'Event');
  } catch (cause) {
    call.house.log.info('a notification destination was refused', { arn, error: String(cause) });
    throw invalidArgument(
      'Unable to validate the following destination configurations',
      arn,
      'Not authorized to invoke or send to the destination',
    );
  }
}

async function send(
  house: House,
  bucket: Readonly<{ name: string; account: string; region: string }>,
  arn: string,
  message: Json,
  invocation: 'Event' | 'DryRun' = 'Event',
): Promise<void> {
  const target = parseArn(arn);
  if (target === undefined) throw new Error(`not an ARN: ${arn}`);
  const source = { sourceArn: bucketArn(bucket.name), sourceAccount: bucket.account };
  const client = house.door.asService(SERVICE, { account: target.account, region: target.region }, source);
  const text = JSON.stringify(message);
  switch (target.service) {
    case 'sqs':
      await client.call('sqs', 'SendMessage', {
        QueueUrl: `${house.config.endpoint()}/${target.account}/${target.resource}`,
        MessageBody: text,
      });
      return;
    case 'sns':
      await client.call('sns', 'Publish', { TopicArn: arn, Subject: 'Amazon S3 Notification', Message: text });
      return;
    default:
      await client.call('lambda', 'Invoke', {
        FunctionName: arn,
        InvocationType: invocation,
        Payload: new Uint8Array(Buffer.from(text)),
      });
  }
}

export type ObjectEvent = Readonly<{
  /** `ObjectCreated:Put` */
  name: string;
  /** EventBridge's: `Object Created`. */
  detailType: string;
  /** What was called: `PutObject`. */
  reason?: string;
  deletionType?: 'Permanently Deleted' | 'Delete Marker Created';
  key: string;
  bytes?: number;
  etag?: string;
  versionId?: string;
  sequence: string;
}>;

/** Writes the notifications of an event into the transaction that makes it happen. */
export async function announce(tx: Tx, call: Call, bucket: Bucket, event: ObjectEvent): Promise<void> {
  const { notifications } = bucket;
  const messages: [destination: string, message: Json][] = [];
  if (notifications.eventBridge) messages.push([EVENT_BRIDGE, eventBridgeMessage(call, bucket, event)]);
  for (const destination of notifications.destinations) {
    if (covers(destination, event.name, event.key)) {
      messages.push([destination.arn, recordsMessage(call, bucket, event, destination.id)]);
    }
  }
  for (const [destination, message] of messages) {
    const { state, effects } = startNotification(destination, message);
    const key = { account: bucket.account, region: bucket.region, id: call.house.ids.uuid() };
    await call.house.engine.create(tx, KIND, key, state, effects, { parent: bucket.name });
  }
}

/** Rises with each event of a key, compared as text. */
function sequencer(sequence: string): string {
  return BigInt(sequence).toString(16).toUpperCase().padStart(18, '0');
}

function eventBridgeMessage(call: Call, bucket: Bucket, event: ObjectEvent): Json {
  return {
    bucket: bucket.name,
    detailType: event.detailType,
    at: call.now,
    detail: {
      version: '0',
      bucket: { name: bucket.name },
      object: {
        key: event.key,
        ...(event.bytes !== undefined && { size: event.bytes }),
        ...(event.etag !== undefined && { etag: event.etag }),
        ...(event.versionId !== undefined && { 'version-id': event.versionId }),
        sequencer: sequencer(event.sequence),
      },
      'request-id': call.requestId,
      requester: requester(call),
      'source-ip-address': call.http?.sourceIp ?? call.viaService ?? SERVICE,
      ...(event.reason !== undefined && { reason: event.reason }),
      ...(event.deletionType !== undefined && { 'deletion-type': event.deletionType }),
    },
  };
}

function recordsMessage(call: Call, bucket: Bucket, event: ObjectEvent, configurationId: string): Json {
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        awsRegion: bucket.region,
        eventTime: isoMillis(call.now),
        eventName: event.name,
        userIdentity: { principalId: `AWS:${requester(call)}` },
        requestParameters: { sourceIPAddress: call.http?.sourceIp ?? SERVICE },
        responseElements: { 'x-amz-request-id': call.requestId, 'x-amz-id-2': 'sluice' },
        s3: {
          s3SchemaVersion: '1.0',
          configurationId,
          bucket: {
            name: bucket.name,
            ownerIdentity: { principalId: canonicalId(bucket.account) },
            arn: bucketArn(bucket.name),
          },
          object: {
            key: encodeURIComponent(event.key).replaceAll('%2F', '/').replaceAll('%20', '+'),
            ...(event.bytes !== undefined && { size: event.bytes }),
            ...(event.etag !== undefined && { eTag: event.etag }),
            ...(event.versionId !== undefined && { versionId: event.versionId }),
            sequencer: sequencer(event.sequence),
          },
        },
      },
    ],
  };
}

function requester({ principal, account }: Call): string {
  return principal.type === 'Service' ? principal.service : 'account' in principal ? principal.account : account;
}

type EventBridgeMessage = Readonly<{ bucket: string; detailType: string; at: number; detail: Json }>;

export function notificationLoop(
  house: House,
): LoopDefinition<NotificationState, NotificationEvent, NotificationEffect> {
  return defineLoop<NotificationState, NotificationEvent, NotificationEffect>({
    kind: KIND,
    history: 'None',
    decide,
    isFinal,
    async perform({ destination, message }, { key }) {
      if (destination === EVENT_BRIDGE) {
        const { bucket, detailType, at, detail } = message as EventBridgeMessage;
        await house.door.publish(
          { account: key.account, region: key.region },
          { source: 'aws.s3', detailType, detail, resources: [bucketArn(bucket)], at },
        );
      } else {
        const bucket = bucketOf(message);
        await send(house, { name: bucket, account: key.account, region: key.region }, destination, message);
      }
      await house.store.transaction((tx) => house.engine.remove(tx, KIND, key));
    },
    onGivenUp: () => ({ type: 'GivenUp' }),
  });
}

function bucketOf(message: Json): string {
  return (message as { Records: { s3: { bucket: { name: string } } }[] }).Records[0]?.s3.bucket.name ?? '';
}
