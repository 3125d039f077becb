/** Topics and subscriptions. Source: SNS API Reference. */
import { type AccessRequest, AwsError, formatArn, parseArn, type RequestContext } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';
import type { Call, Scope } from '../service.ts';

export type Topic = Readonly<{
  name: string;
  /** Bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
  policy: string;
  policyPrincipals?: PolicyPrincipals | undefined;
  displayName: string;
  tags: Readonly<Record<string, string>>;
  /** Other attributes as set: DeliveryPolicy, SignatureVersion, TracingConfig are refused, so this is what is left. */
  createdAt: number;
}>;

export type Subscription = Readonly<{
  arn: string;
  topicArn: string;
  owner: string;
  protocol: 'sqs' | 'lambda';
  endpoint: string;
  rawDelivery: boolean;
  filterPolicy?: string | undefined;
  filterScope: 'MessageAttributes' | 'MessageBody';
  deadLetterArn?: string | undefined;
}>;

export const topics = collection<Topic>('sns.topic');
export const subscriptions = collection<Subscription>('sns.subscription');

export function topicArn(scope: Scope, name: string): string {
  return formatArn('sns', scope.region, scope.account, name);
}

/** The key of the topic that an ARN names; InvalidParameter for anything else. */
export function topicKey(arn: string | undefined): DocumentKey {
  const parsed = parseArn(arn ?? '');
  if (parsed === undefined || parsed.service !== 'sns' || parsed.resource.includes(':'))
    throw new AwsError('InvalidParameter', 'Invalid parameter: TopicArn');
  return { account: parsed.account, region: parsed.region, id: parsed.resource };
}

export function subscriptionKey(arn: string | undefined): DocumentKey {
  const parsed = parseArn(arn ?? '');
  if (parsed === undefined || parsed.service !== 'sns' || !parsed.resource.includes(':'))
    throw new AwsError('InvalidParameter', 'Invalid parameter: SubscriptionArn');
  return { account: parsed.account, region: parsed.region, id: arn ?? '' };
}

export async function requireTopic(q: Queryable, arn: string | undefined): Promise<Stored<Topic>> {
  const found = await topics.get(q, topicKey(arn));
  if (found === undefined) throw new AwsError('NotFound', 'Topic does not exist');
  return found;
}

export async function requireSubscription(q: Queryable, arn: string | undefined): Promise<Stored<Subscription>> {
  const found = await subscriptions.get(q, subscriptionKey(arn));
  if (found === undefined) throw new AwsError('NotFound', 'Subscription does not exist');
  return found;
}

/**
 * The policy that AWS gives a new topic. Its condition holds for CloudWatch's alarms alone: everybody else needs a grant of
 * their own, EventBridge and S3 one in the topic's policy.
 */
export function defaultPolicy(arn: string, account: string): string {
  return JSON.stringify({
    Version: '2008-10-17',
    Id: '__default_policy_ID',
    Statement: [
      {
        Sid: '__default_statement_ID',
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'SNS:GetTopicAttributes',
          'SNS:SetTopicAttributes',
          'SNS:AddPermission',
          'SNS:RemovePermission',
          'SNS:DeleteTopic',
          'SNS:Subscribe',
          'SNS:ListSubscriptionsByTopic',
          'SNS:Publish',
        ],
        Resource: arn,
        Condition: { StringEquals: { 'AWS:SourceOwner': account } },
      },
    ],
  });
}

export async function topicAccess(action: string, arn: string | undefined, call: Call): Promise<AccessRequest[]> {
  const parsed = parseArn(arn ?? '');
  const found =
    parsed?.service === 'sns' && !parsed.resource.includes(':')
      ? await topics.get(call.house.store, topicKey(arn))
      : undefined;
  return [
    {
      action: `sns:${action}`,
      resource: arn ?? '*',
      ...(parsed === undefined ? {} : { resourceAccount: parsed.account }),
      ...(found === undefined
        ? {}
        : { resourcePolicies: [{ name: `topic policy of ${found.document.name}`, document: found.document.policy }] }),
      context: sourceOwner(call),
    },
  ];
}

/** The account of the alarm that publishes. Source: SNS Developer Guide, "Amazon SNS policy keys": only some services set it. */
function sourceOwner({ principal }: Call): RequestContext {
  if (principal.type !== 'Service' || principal.service !== 'cloudwatch.amazonaws.com') return {};
  const account = principal.sourceAccount ?? parseArn(principal.sourceArn ?? '')?.account;
  return account === undefined ? {} : { 'aws:SourceOwner': account };
}
