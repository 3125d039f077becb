/** Documents of the logs service, and the names and ARNs that its operations share. */
import { type AccessRequest, AwsError, parseArn } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { Scope } from '../service.ts';

export type LogGroup = Readonly<{
  name: string;
  createdAt: number;
  retentionDays?: number | undefined;
  tags: Readonly<Record<string, string>>;
}>;
export type LogStream = Readonly<{ name: string; createdAt: number }>;

export const groups = collection<LogGroup>('logs.group');
export const streams = collection<LogStream>('logs.stream');

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

/** A group's name from a name, a group ARN or a group ARN ending in `:*`. */
export function nameOf(identifier: string | undefined): string {
  const arn = parseArn(identifier ?? '');
  return arn === undefined ? (identifier ?? '') : arn.resource.replace(/^log-group:/, '').replace(/:\*$/, '');
}

export function groupArn(scope: Scope, name: string): string {
  return `arn:aws:logs:${scope.region}:${scope.account}:log-group:${name}`;
}

export function groupAccess(
  operationName: string,
  identifier: string | undefined,
  scope: Scope,
): readonly AccessRequest[] {
  return [{ action: `logs:${operationName}`, resource: `${groupArn(scope, nameOf(identifier))}:*` }];
}

export function streamAccess(
  operationName: string,
  group: string | undefined,
  stream: string | undefined,
  scope: Scope,
): readonly AccessRequest[] {
  return [
    { action: `logs:${operationName}`, resource: `${groupArn(scope, nameOf(group))}:log-stream:${stream ?? ''}` },
  ];
}

export async function requireGroup(q: Queryable, scope: Scope, name: string): Promise<Stored<LogGroup>> {
  const group = await groups.get(q, groupKey(scope, name));
  if (group === undefined) throw new AwsError('ResourceNotFoundException', 'The specified log group does not exist.');
  return group;
}
