/** Statements of a topic's policy, one by one. Source: SNS API Reference, AddPermission and RemovePermission. */
import type { AddPermissionInput, RemovePermissionInput } from '@aws-sdk/client-sns';
import { AwsError } from '../../common/index.ts';
import { operation } from '../service.ts';
import { topicAccess } from './records.ts';
import { changeTopic } from './topics.ts';

type Statement = Readonly<{ Sid?: string }>;

/** Source: SNS Developer Guide, "Amazon SNS API permissions". */
const ACTIONS: ReadonlySet<string> = new Set([
  'AddPermission',
  'DeleteTopic',
  'GetDataProtectionPolicy',
  'GetTopicAttributes',
  'ListSubscriptionsByTopic',
  'ListTagsForResource',
  'Publish',
  'PutDataProtectionPolicy',
  'RemovePermission',
  'SetTopicAttributes',
  'Subscribe',
]);

export const addPermission = operation<AddPermissionInput, object>({
  authorize: ({ TopicArn }, call) => topicAccess('AddPermission', TopicArn, call),
  handle: async (input, call) => {
    const accounts = input.AWSAccountId ?? [];
    const actions = input.ActionName ?? [];
    const refuse = (what: string): AwsError => new AwsError('InvalidParameter', `Invalid parameter: ${what}`);
    if (accounts.length === 0 || accounts.some((account) => !/^\d{12}$/.test(account)))
      throw refuse('AWSAccountId Reason: each must be an account id of twelve digits');
    for (const action of actions)
      if (!ACTIONS.has(action)) throw refuse('Policy statement action out of service scope!');
    const granted = actions.map((action) => `SNS:${action}`);
    const principals = accounts.map((account) => `arn:aws:iam::${account}:root`);
    await changeTopic(call, input.TopicArn, (topic) => {
      const policy = JSON.parse(topic.policy) as { Statement?: Statement | Statement[] };
      const statements = statementsOf(policy.Statement);
      if (statements.some(({ Sid }) => Sid === input.Label)) throw refuse('Statement already exists');
      const statement = {
        Sid: input.Label,
        Effect: 'Allow',
        Principal: { AWS: one(principals) },
        Action: one(granted),
        Resource: input.TopicArn,
      };
      return { ...topic, policy: JSON.stringify({ ...policy, Statement: [...statements, statement] }) };
    });
    return {};
  },
});

/** Removing a statement that is not there succeeds. */
export const removePermission = operation<RemovePermissionInput, object>({
  authorize: ({ TopicArn }, call) => topicAccess('RemovePermission', TopicArn, call),
  handle: async (input, call) => {
    await changeTopic(call, input.TopicArn, (topic) => {
      const policy = JSON.parse(topic.policy) as { Statement?: Statement | Statement[] };
      const Statement = statementsOf(policy.Statement).filter(({ Sid }) => Sid !== input.Label);
      return { ...topic, policy: JSON.stringify({ ...policy, Statement }) };
    });
    return {};
  },
});

function statementsOf(statement: Statement | Statement[] | undefined): readonly Statement[] {
  return statement === undefined ? [] : Array.isArray(statement) ? statement : [statement];
}

function one<T>(values: readonly T[]): T | readonly T[] {
  const [first] = values;
  return values.length === 1 && first !== undefined ? first : values;
}
