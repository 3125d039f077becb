/** Queues: documents, names, access. Source: SQS API Reference; Developer Guide, "Quotas". */
import { type AccessRequest, AwsError, formatArn, parseArn } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';
import type { Call, Scope } from '../service.ts';

export type Queue = Readonly<{
  name: string;
  createdAt: number;
  changedAt: number;
  /** `Policy` is bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
  attributes: Readonly<Record<string, string>>;
  policyPrincipals?: PolicyPrincipals | undefined;
  tags: Readonly<Record<string, string>>;
}>;

export const queues = collection<Queue>('sqs.queue');

export function queueKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

export function queueArn(scope: Scope, name: string): string {
  return formatArn('sqs', scope.region, scope.account, name);
}

/** The key of the queue that an ARN names; undefined for anything else. */
export function queueKeyOfArn(arn: string): DocumentKey | undefined {
  const parsed = parseArn(arn);
  if (parsed === undefined || parsed.service !== 'sqs') return undefined;
  return { account: parsed.account, region: parsed.region, id: parsed.resource };
}

/** The key of a queue's messages in the store. */
export function messagesKey(key: DocumentKey): string {
  return `${key.account}/${key.region}/${key.id}`;
}

export function queueUrl(call: Call, key: DocumentKey): string {
  return `${call.house.config.endpoint()}/${key.account}/${key.id}`;
}

/** The key that a queue URL names: its last two path parts; the Region is the call's. */
export function keyOfUrl(url: string | undefined, scope: Scope): DocumentKey {
  const parts = (url ?? '').split('/').filter((part) => part !== '');
  const name = parts.at(-1) ?? '';
  const account = parts.at(-2) ?? '';
  return { account: /^\d{12}$/.test(account) ? account : scope.account, region: scope.region, id: name };
}

export async function requireQueue(q: Queryable, call: Scope, url: string | undefined): Promise<Stored<Queue>> {
  const found = await queues.get(q, keyOfUrl(url, call));
  if (found === undefined) throw queueMissing();
  return found;
}

export function queueMissing(): AwsError {
  return new AwsError('QueueDoesNotExist', 'The specified queue does not exist.');
}

export async function access(action: string, url: string | undefined, call: Call): Promise<AccessRequest[]> {
  const key = keyOfUrl(url, call);
  const policy = (await queues.get(call.house.store, key))?.document.attributes['Policy'];
  return [
    {
      action: `sqs:${action}`,
      resource: queueArn(key, key.id),
      resourceAccount: key.account,
      ...(policy === undefined || policy === ''
        ? {}
        : { resourcePolicies: [{ name: `queue policy of ${key.id}`, document: policy }] }),
    },
  ];
}
