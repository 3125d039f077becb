/** Documents of the logs service, and the names and ARNs that its operations share. */
import { type AccessRequest, AwsError, parseArn, type ResourcePolicy } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { Call, Scope } from '../service.ts';

export type LogGroup = Readonly<{
  name: string;
  createdAt: number;
  retentionDays?: number | undefined;
  tags: Readonly<Record<string, string>>;
}>;
export type LogStream = Readonly<{ name: string; createdAt: number }>;

/** A policy of the account's logs, which lets AWS services write. */
export type AccountPolicy = Readonly<{ name: string; document: string; changedAt: number }>;

export const groups = collection<LogGroup>('logs.group');
export const streams = collection<LogStream>('logs.stream');
export const accountPolicies = collection<AccountPolicy>('logs.policy');

export function groupKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

export function streamParent(group: string): string {
  return group;
}

/** The key of a group's events in the store. */
export function eventsKey(scope: Scope, group: string): string {
  return `${scope.account}/${scope.region}/${group}`;
}

/** A group's name from a name, a group ARN or a group ARN ending in `:*`; a group elsewhere is not found. */
export function nameOf(identifier: string | undefined, scope: Scope): string {
  const arn = parseArn(identifier ?? '');
  if (arn === undefined) return identifier ?? '';
  if (arn.service !== 'logs' || arn.account !== scope.account || arn.region !== scope.region) throw groupMissing();
  return arn.resource.replace(/^log-group:/, '').replace(/:\*$/, '');
}

export function groupArn(scope: Scope, name: string): string {
  return `arn:aws:logs:${scope.region}:${scope.account}:log-group:${name}`;
}

export async function groupAccess(
  operationName: string,
  identifier: string | undefined,
  call: Call,
): Promise<readonly AccessRequest[]> {
  return streamAccess(operationName, identifier, '', call);
}

/** Tagging by ARN is an action on the group itself, without `:*`. */
export function tagAccess(operationName: string, arn: string | undefined, call: Call): readonly AccessRequest[] {
  return [{ action: `logs:${operationName}`, resource: groupArn(call, nameOf(arn, call)) }];
}

/**
 * An action on a group is evaluated on its stream without a name, so that `log-group:g:*` grants it and `log-group:g`
 * does not. Source: CloudWatch Logs User Guide, "Overview of managing access permissions"; AWS's managed policies.
 */
export async function streamAccess(
  operationName: string,
  group: string | undefined,
  stream: string | undefined,
  call: Call,
): Promise<readonly AccessRequest[]> {
  return [
    {
      action: `logs:${operationName}`,
      resource: `${groupArn(call, nameOf(group, call))}:log-stream:${stream ?? ''}`,
      resourcePolicies: await policiesFor(call),
    },
  ];
}

/** The account's policies are for services alone; nobody else's call pays for reading them. */
export async function policiesFor(
  call: Pick<Call, 'house' | 'principal' | 'account' | 'region'>,
): Promise<readonly ResourcePolicy[]> {
  if (call.principal.type !== 'Service') return [];
  const stored = await accountPolicies.list(call.house.store, { account: call.account, region: call.region });
  return stored.map(({ document }) => ({ name: `logs resource policy ${document.name}`, document: document.document }));
}

export async function requireGroup(q: Queryable, scope: Scope, name: string): Promise<Stored<LogGroup>> {
  const group = await groups.get(q, groupKey(scope, name));
  if (group === undefined) throw groupMissing();
  return group;
}

export function groupMissing(): AwsError {
  return new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
}
