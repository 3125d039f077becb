/**
 * What CloudFormation keeps. The document of a stack is the state of its loop; its key is the last part of the stack's ARN,
 * and it is listed under the stack's name. A name is held by a document of its own, so that it is given once.
 */
import { AwsError, parseArn, type Principal } from '../../common/index.ts';
import type { Configuration, PlannedChange, StackState } from '../../core/cloudformation-stack/index.ts';
import { collection, type DocumentKey, type Queryable } from '../../store/index.ts';
import type { Scope } from '../service.ts';

export const STACK_KIND = 'cloudformation.stack';

export type StackParameter = Readonly<{
  key: string;
  /** Absent: a NoEcho parameter. */
  value?: string;
  /** Of a NoEcho parameter: under which name its value lies in `secrets`. */
  secret?: string;
}>;

/** Everything that an operation is given. */
export type StackConfiguration = Configuration &
  Readonly<{
    templateBody: string;
    description?: string;
    parameters: readonly StackParameter[];
    /** Sealed values of NoEcho parameters, base64, by name. Those of earlier operations stay: a rollback needs them. */
    secrets: Readonly<Record<string, string>>;
    capabilities: readonly string[];
    tags: Readonly<Record<string, string>>;
    /** The role that makes the resources; absent: `caller` does. */
    roleArn?: string;
    caller: Principal;
    disableRollback: boolean;
  }>;

export type Stack = StackState<StackConfiguration>;

export type ChangeSet = Readonly<{
  changeSetId: string;
  name: string;
  stackId: string;
  stackName: string;
  type: 'CREATE' | 'UPDATE';
  description?: string;
  createdAt: number;
  target: StackConfiguration;
  changes: readonly PlannedChange[];
  status: 'CREATE_COMPLETE' | 'FAILED';
  statusReason?: string;
  /** How many operations the stack had had: after another one the change set is obsolete. */
  operations: number;
  onStackFailure?: 'DO_NOTHING' | 'ROLLBACK' | 'DELETE';
  /** The number of the operation that it became. */
  executedAs?: number;
  clientToken?: string;
}>;

export const stacks = collection<Stack>(STACK_KIND);
export const stackNames = collection<Readonly<{ id: string }>>('cloudformation.stack-name');
export const changeSets = collection<ChangeSet>('cloudformation.change-set');

export function stackArn({ account, region }: Scope, name: string, id: string): string {
  return `arn:aws:cloudformation:${region}:${account}:stack/${name}/${id}`;
}

export function stackKey(scope: Scope, id: string): DocumentKey {
  return { account: scope.account, region: scope.region, id };
}

/** The key's id in a stack's ARN; undefined for a name, or an ARN of another account or Region. */
export function idInArn(scope: Scope, nameOrArn: string): string | undefined {
  const arn = parseArn(nameOrArn);
  if (arn?.service !== 'cloudformation' || arn.account !== scope.account || arn.region !== scope.region)
    return undefined;
  return /^stack\/[^/]+\/([^/]+)$/.exec(arn.resource)?.[1];
}

/** By name: the one that stands. By ARN: whatever became of it. */
export async function findStack(q: Queryable, scope: Scope, nameOrArn: string): Promise<Stack | undefined> {
  if (nameOrArn.startsWith('arn:')) {
    const id = idInArn(scope, nameOrArn);
    return id === undefined ? undefined : (await stacks.get(q, stackKey(scope, id)))?.document;
  }
  const held = (await stackNames.get(q, { ...pick(scope), id: nameOrArn }))?.document;
  const stack = held && (await stacks.get(q, stackKey(scope, held.id)))?.document;
  return stack?.status === 'DELETE_COMPLETE' ? undefined : stack;
}

export async function requireStack(q: Queryable, scope: Scope, nameOrArn: string): Promise<Stack> {
  const stack = await findStack(q, scope, nameOrArn);
  if (stack === undefined) throw invalid(`Stack with id ${nameOrArn} does not exist`);
  return stack;
}

export function keyOf(scope: Scope, { stackId }: Pick<Stack, 'stackId'>): DocumentKey {
  return stackKey(scope, stackId.slice(stackId.lastIndexOf('/') + 1));
}

export function pick({ account, region }: Scope): Scope {
  return { account, region };
}

export function invalid(message: string): AwsError {
  return new AwsError('ValidationError', message, { statusCode: 400 });
}

export function refuse(what: string): AwsError {
  return invalid(`${what} is not implemented by Sluice`);
}
