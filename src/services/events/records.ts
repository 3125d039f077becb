/** Documents of EventBridge: buses, rules with their targets. */
import type { Target } from '@aws-sdk/client-eventbridge';
import { AwsError, parseArn } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { Scope } from '../service.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';

export type Bus = Readonly<{
  name: string;
  createdAt: number;
  changedAt: number;
  description?: string | undefined;
  /** Bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
  policy?: string | undefined;
  policyPrincipals?: PolicyPrincipals | undefined;
  tags: Tags;
}>;

export type Rule = Readonly<{
  name: string;
  bus: string;
  pattern?: string | undefined;
  schedule?: string | undefined;
  enabled: boolean;
  description?: string | undefined;
  roleArn?: string | undefined;
  /** When the schedule began to count. */
  scheduledAt: number;
  targets: readonly Target[];
  tags: Tags;
}>;

export type Tags = Readonly<Record<string, string>>;

/** In the context of a PutEvents by which a rule passes an event on: the account and the Region that the event comes from. */
export const EVENT_ACCOUNT = 'sluice:EventAccount';
export const EVENT_REGION = 'sluice:EventRegion';

export const buses = collection<Bus>('events.bus');
export const rules = collection<Rule>('events.rule');

/** A bus by name or ARN; absent: `default`. */
export function busName(nameOrArn: string | undefined): string {
  if (nameOrArn === undefined) return 'default';
  const arn = parseArn(nameOrArn);
  return arn === undefined ? nameOrArn : arn.resource.replace(/^event-bus\//, '');
}

/** A bus of the caller's account and Region. Rules on the buses of other accounts are not implemented: such a bus is not found. */
export function ownBus(nameOrArn: string | undefined, scope: Scope): string {
  const where = busScope(nameOrArn, scope);
  if (where.account !== scope.account || where.region !== scope.region)
    throw new AwsError(
      'ResourceNotFoundException',
      `Event bus ${nameOrArn} does not exist in this account and Region.`,
    );
  return busName(nameOrArn);
}

/** Where a bus named by ARN lives; the caller's own account and Region otherwise. */
export function busScope(nameOrArn: string | undefined, scope: Scope): Scope {
  const arn = nameOrArn === undefined ? undefined : parseArn(nameOrArn);
  return arn === undefined
    ? { account: scope.account, region: scope.region }
    : { account: arn.account, region: arn.region };
}

export function busArn(scope: Scope, name: string): string {
  return `arn:aws:events:${scope.region}:${scope.account}:event-bus/${name}`;
}

export function ruleArn(scope: Scope, bus: string, name: string): string {
  return `arn:aws:events:${scope.region}:${scope.account}:rule/${bus === 'default' ? '' : `${bus}/`}${name}`;
}

export function ruleKey(scope: Scope, bus: string, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: `${bus}\n${name}` };
}

/** The default bus is always there; its document appears with its first policy or tag. */
export async function findBus(q: Queryable, scope: Scope, name: string): Promise<Bus | undefined> {
  const stored = await buses.get(q, { account: scope.account, region: scope.region, id: name });
  return stored?.document ?? (name === 'default' ? { name, createdAt: 0, changedAt: 0, tags: {} } : undefined);
}

export async function requireBus(q: Queryable, scope: Scope, name: string): Promise<Bus> {
  const bus = await findBus(q, scope, name);
  if (bus === undefined) throw new AwsError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  return bus;
}

export async function requireRule(q: Queryable, scope: Scope, bus: string, name: string): Promise<Stored<Rule>> {
  const rule = await rules.getForUpdate(q, ruleKey(scope, bus, name));
  if (rule === undefined)
    throw new AwsError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus ${bus}.`);
  return rule;
}

/** `arn:aws:events:R:A:rule/name` or `rule/bus/name`. */
export function parseRuleArn(arn: string): Readonly<{ bus: string; name: string }> | undefined {
  const resource = parseArn(arn)?.resource;
  if (resource === undefined || !resource.startsWith('rule/')) return undefined;
  const parts = resource.slice('rule/'.length).split('/');
  return parts.length === 1
    ? { bus: 'default', name: parts[0] ?? '' }
    : { bus: parts.slice(0, -1).join('/'), name: parts.at(-1) ?? '' };
}
