/** Statements of a queue's policy, one by one. Source: SQS API Reference, AddPermission and RemovePermission. */
import type { AddPermissionRequest, RemovePermissionRequest } from '@aws-sdk/client-sqs';
import { AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { changeQueue } from './queues.ts';
import { access, keyOfUrl, queueArn } from './records.ts';

type Statement = Readonly<{ Sid?: string }>;
type Policy = Readonly<{ Statement?: Statement | readonly Statement[] }>;

const ACTIONS: ReadonlySet<string> = new Set([
  '*',
  'ChangeMessageVisibility',
  'DeleteMessage',
  'GetQueueAttributes',
  'GetQueueUrl',
  'ListDeadLetterSourceQueues',
  'PurgeQueue',
  'ReceiveMessage',
  'SendMessage',
]);
const MOST_STATEMENTS = 20;
const MOST_ACTIONS = 7;

export const addPermission = operation<AddPermissionRequest, object>({
  authorize: ({ QueueUrl }, call) => access('AddPermission', QueueUrl, call),
  handle: async (input, call) => {
    const accounts = input.AWSAccountIds ?? [];
    const actions = input.Actions ?? [];
    const label = input.Label ?? '';
    if (!/^[\w-]{1,80}$/.test(label)) throw invalid('Label', label, 'Must be alphanumeric, hyphens or underscores.');
    for (const account of accounts)
      if (!/^\d{12}$/.test(account)) throw invalid('PrincipalId', account, 'Unable to verify.');
    for (const action of actions)
      if (!ACTIONS.has(action))
        throw invalid('ActionName', `SQS:${action}`, 'Only the queue owner is allowed to invoke this action.');
    if (actions.length > MOST_ACTIONS)
      throw new AwsError('OverLimit', `${actions.length} Actions were found, maximum allowed is ${MOST_ACTIONS}.`);
    const arn = queueArn(keyOfUrl(input.QueueUrl, call), keyOfUrl(input.QueueUrl, call).id);
    await changePolicy(call, input.QueueUrl, arn, (statements) => {
      if (statements.some(({ Sid }) => Sid === label)) throw invalid('Label', label, 'Already exists.');
      if (statements.length >= MOST_STATEMENTS)
        throw new AwsError('OverLimit', `The queue's policy has ${MOST_STATEMENTS} statements, the most allowed.`);
      const statement = {
        Sid: label,
        Effect: 'Allow',
        Principal: { AWS: one(accounts.map((account) => `arn:aws:iam::${account}:root`)) },
        Action: one(actions.map((action) => `SQS:${action}`)),
        Resource: arn,
      };
      return [...statements, statement];
    });
    return {};
  },
});

export const removePermission = operation<RemovePermissionRequest, object>({
  authorize: ({ QueueUrl }, call) => access('RemovePermission', QueueUrl, call),
  handle: async (input, call) => {
    const key = keyOfUrl(input.QueueUrl, call);
    await changePolicy(call, input.QueueUrl, queueArn(key, key.id), (statements) => {
      const left = statements.filter(({ Sid }) => Sid !== input.Label);
      if (left.length === statements.length) throw invalid('Label', input.Label ?? '', "can't find label.");
      return left;
    });
    return {};
  },
});

function changePolicy(
  call: Call,
  url: string | undefined,
  arn: string,
  to: (statements: readonly Statement[]) => readonly Statement[],
): Promise<void> {
  return changeQueue(call, url, (queue) => {
    const text = queue.attributes['Policy'] ?? '';
    const policy = (
      text === '' ? { Version: '2012-10-17', Id: `${arn}/SQSDefaultPolicy` } : JSON.parse(text)
    ) as Policy;
    const Statement = to(statementsOf(policy));
    const Policy = Statement.length === 0 ? '' : JSON.stringify({ ...policy, Statement });
    return { ...queue, changedAt: call.now, attributes: { ...queue.attributes, Policy } };
  });
}

function statementsOf({ Statement = [] }: Policy): readonly Statement[] {
  return Array.isArray(Statement) ? (Statement as readonly Statement[]) : [Statement as Statement];
}

function one<T>(values: readonly T[]): T | readonly T[] {
  const [first] = values;
  return values.length === 1 && first !== undefined ? first : values;
}

function invalid(parameter: string, value: string, reason: string): AwsError {
  return new AwsError(
    'InvalidParameterValue',
    `Value ${value} for parameter ${parameter} is invalid. Reason: ${reason}`,
  );
}
