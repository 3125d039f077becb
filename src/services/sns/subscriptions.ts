/** Subscriptions of queues and functions. Other protocols (http, email, sms, firehose) are refused by name. */
import type {
  GetSubscriptionAttributesInput,
  GetSubscriptionAttributesResponse,
  ListSubscriptionsByTopicInput,
  ListSubscriptionsByTopicResponse,
  ListSubscriptionsInput,
  ListSubscriptionsResponse,
  SetSubscriptionAttributesInput,
  SubscribeInput,
  SubscribeResponse,
  UnsubscribeInput,
} from '@aws-sdk/client-sns';
import { AwsError, parseArn } from '../../common/index.ts';
import { compilePattern } from '../../core/event-pattern/index.ts';
import { type Call, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  requireSubscription,
  requireTopic,
  type Subscription,
  subscriptionKey,
  subscriptions,
  topicAccess,
} from './records.ts';

const PAGE = 100;

export const subscribe = operation<SubscribeInput, SubscribeResponse>({
  authorize: async ({ TopicArn, Protocol, Endpoint }, call) =>
    (await topicAccess('Subscribe', TopicArn, call)).map((request) => ({
      ...request,
      context: { ...request.context, 'sns:Protocol': Protocol ?? '', 'sns:Endpoint': Endpoint ?? '' },
    })),
  handle: async (input, call) => {
    const { key } = await requireTopic(call.house.store, input.TopicArn);
    const protocol = input.Protocol;
    if (protocol !== 'sqs' && protocol !== 'lambda') {
      throw new AwsError(
        'InvalidParameter',
        `Invalid parameter: Protocol ${protocol} is not implemented by Sluice: sqs and lambda are.`,
      );
    }
    const service = parseArn(input.Endpoint ?? '')?.service;
    if (service !== protocol)
      throw new AwsError(
        'InvalidParameter',
        `Invalid parameter: ${protocol === 'sqs' ? 'SQS' : 'Lambda'} endpoint ARN`,
      );
    const topicArn = input.TopicArn ?? '';
    const existing = (
      await subscriptions.list(call.house.store, { account: key.account, region: key.region, parent: topicArn })
    ).find(({ document }) => document.protocol === protocol && document.endpoint === input.Endpoint);
    if (existing !== undefined) {
      if (!agrees(existing.document, input.Attributes ?? {}))
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: Attributes Reason: Subscription already exists with different attributes',
        );
      return { SubscriptionArn: existing.document.arn };
    }
    const arn = `${topicArn}:${call.house.ids.uuid()}`;
    let subscription: Subscription = {
      arn,
      topicArn,
      owner: call.account,
      protocol,
      endpoint: input.Endpoint ?? '',
      rawDelivery: false,
      filterScope: 'MessageAttributes',
    };
    for (const [name, value] of Object.entries(input.Attributes ?? {}))
      subscription = withAttribute(subscription, name, value ?? '');
    checkFilter(subscription);
    await subscriptions.insert(call.house.store, subscriptionKey(arn), subscription, { parent: topicArn, sort: arn });
    return { SubscriptionArn: arn };
  },
});

/** Whether the attributes given change nothing about the subscription. */
function agrees(subscription: Subscription, given: Readonly<Record<string, string | undefined>>): boolean {
  const changed = Object.entries(given).reduce(
    (result, [name, value]) => withAttribute(result, name, value ?? ''),
    subscription,
  );
  return JSON.stringify(changed) === JSON.stringify(subscription);
}

const MOST_FILTER_KEYS = 5;

/** Source: SNS Developer Guide, "Filter policy constraints". */
function checkFilter({ filterPolicy, filterScope }: Subscription): void {
  if (filterPolicy === undefined) return;
  const entries = Object.entries(JSON.parse(filterPolicy) as Record<string, unknown>);
  if (entries.length > MOST_FILTER_KEYS)
    throw new AwsError(
      'InvalidParameter',
      'Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys',
    );
  if (filterScope === 'MessageAttributes' && entries.some(([key, value]) => key !== '$or' && !Array.isArray(value)))
    throw new AwsError(
      'InvalidParameter',
      'Invalid parameter: Filter policy scope MessageAttributes does not support nested filter policy',
    );
}

function withAttribute(subscription: Subscription, name: string, value: string): Subscription {
  switch (name) {
    case 'RawMessageDelivery':
      if (value !== 'true' && value !== 'false')
        throw new AwsError(
          'InvalidParameter',
          `Invalid parameter: Attributes Reason: RawMessageDelivery: Invalid value [${value}]. Must be true or false.`,
        );
      if (value === 'true' && subscription.protocol === 'lambda')
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: Attributes Reason: Delivery protocol [lambda] does not support raw message delivery.',
        );
      return { ...subscription, rawDelivery: value === 'true' };
    case 'FilterPolicy': {
      if (value === '' || value === '{}') return { ...subscription, filterPolicy: undefined };
      const compiled = compilePattern(value);
      if ('invalid' in compiled)
        throw new AwsError('InvalidParameter', `Invalid parameter: FilterPolicy: ${compiled.invalid}`);
      return { ...subscription, filterPolicy: value };
    }
    case 'FilterPolicyScope':
      if (value !== 'MessageAttributes' && value !== 'MessageBody')
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: FilterPolicyScope: Invalid value. Please use either MessageBody or MessageAttributes',
        );
      return { ...subscription, filterScope: value };
    case 'RedrivePolicy': {
      if (value === '') return { ...subscription, deadLetterArn: undefined };
      const arn = redriveTarget(value);
      if (arn === undefined)
        throw new AwsError(
          'InvalidParameter',
          'Invalid parameter: RedrivePolicy: deadLetterTargetArn is not a valid SQS queue ARN',
        );
      return { ...subscription, deadLetterArn: arn };
    }
    default:
      throw new AwsError('InvalidParameter', `Invalid parameter: AttributeName ${name} is not implemented by Sluice.`);
  }
}

function redriveTarget(value: string): string | undefined {
  try {
    const { deadLetterTargetArn } = JSON.parse(value) as { deadLetterTargetArn?: string };
    return parseArn(deadLetterTargetArn ?? '')?.service === 'sqs' ? deadLetterTargetArn : undefined;
  } catch {
    return undefined;
  }
}

/** Unsubscribing twice succeeds. */
export const unsubscribe = operation<UnsubscribeInput, object>({
  authorize: ({ SubscriptionArn }, call) => onSubscription('Unsubscribe', SubscriptionArn, call),
  handle: async (input, call) => {
    await subscriptions.delete(call.house.store, subscriptionKey(input.SubscriptionArn));
    return {};
  },
});

export const getSubscriptionAttributes = operation<GetSubscriptionAttributesInput, GetSubscriptionAttributesResponse>({
  authorize: ({ SubscriptionArn }, call) => onSubscription('GetSubscriptionAttributes', SubscriptionArn, call),
  handle: async (input, call) => {
    const { document } = await requireSubscription(call.house.store, input.SubscriptionArn);
    return {
      Attributes: {
        SubscriptionArn: document.arn,
        TopicArn: document.topicArn,
        Owner: document.owner,
        Protocol: document.protocol,
        Endpoint: document.endpoint,
        RawMessageDelivery: String(document.rawDelivery),
        ConfirmationWasAuthenticated: 'true',
        PendingConfirmation: 'false',
        ...(document.filterPolicy === undefined
          ? {}
          : { FilterPolicy: document.filterPolicy, FilterPolicyScope: document.filterScope }),
        ...(document.deadLetterArn === undefined
          ? {}
          : { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: document.deadLetterArn }) }),
      },
    };
  },
});

export const setSubscriptionAttributes = operation<SetSubscriptionAttributesInput, object>({
  authorize: ({ SubscriptionArn }, call) => onSubscription('SetSubscriptionAttributes', SubscriptionArn, call),
  handle: async (input, call) => {
    await call.house.store.transaction(async (tx) => {
      const found = await requireSubscription(tx, input.SubscriptionArn);
      const changed = withAttribute(found.document, input.AttributeName ?? '', input.AttributeValue ?? '');
      checkFilter(changed);
      await subscriptions.update(tx, found.key, changed);
    });
    return {};
  },
});

export const listSubscriptions = operation<ListSubscriptionsInput, ListSubscriptionsResponse>({
  handle: (input, call) => list(call, { account: call.account, region: call.region }, input.NextToken),
});

export const listSubscriptionsByTopic = operation<ListSubscriptionsByTopicInput, ListSubscriptionsByTopicResponse>({
  authorize: ({ TopicArn }, call) => topicAccess('ListSubscriptionsByTopic', TopicArn, call),
  handle: async (input, call) => {
    const { key } = await requireTopic(call.house.store, input.TopicArn);
    return list(call, { account: key.account, region: key.region, parent: input.TopicArn ?? '' }, input.NextToken);
  },
});

async function list(
  call: Call,
  where: Readonly<{ account: string; region: string; parent?: string }>,
  token: string | undefined,
): Promise<ListSubscriptionsResponse> {
  const after = decodePage(token);
  const stored = await subscriptions.list(call.house.store, {
    ...where,
    ...(after === undefined ? {} : { after }),
    limit: PAGE + 1,
  });
  const page = stored.slice(0, PAGE);
  return {
    Subscriptions: page.map(({ document }) => ({
      SubscriptionArn: document.arn,
      TopicArn: document.topicArn,
      Owner: document.owner,
      Protocol: document.protocol,
      Endpoint: document.endpoint,
    })),
    ...(stored.length > PAGE ? { NextToken: encodePage(page.at(-1)) } : {}),
  };
}

/** Permissions on a subscription are permissions on its topic. */
function onSubscription(action: string, arn: string | undefined, call: Call): ReturnType<typeof topicAccess> {
  return topicAccess(action, arn === undefined ? undefined : arn.split(':').slice(0, 6).join(':'), call);
}
