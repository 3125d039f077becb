/** Change sets, by ARN or by the name they have in their stack. */
import { AwsError, parseArn } from '../../common/index.ts';
import type { Queryable } from '../../store/index.ts';
import type { Scope } from '../service.ts';
import { type ChangeSet, changeSets, findStack, invalid, pick, requireStack } from './records.ts';

export async function findChangeSet(
  q: Queryable,
  scope: Scope,
  nameOrArn: string,
  stackName: string | undefined,
): Promise<ChangeSet | undefined> {
  if (nameOrArn.startsWith('arn:')) {
    const arn = parseArn(nameOrArn);
    if (arn?.account !== scope.account || arn.region !== scope.region) return undefined;
    const id = arn.resource.split('/').at(-1) ?? '';
    return (await changeSets.get(q, { ...pick(scope), id }))?.document;
  }
  if (stackName === undefined)
    throw invalid('StackName must be specified if ChangeSetName is not specified as an ARN.');
  const { stackId } = await requireStack(q, scope, stackName);
  const all = await changeSets.list(q, { ...pick(scope), parent: stackId });
  return all.find(({ document }) => document.name === nameOrArn)?.document;
}

export async function requireChangeSet(
  q: Queryable,
  scope: Scope,
  nameOrArn: string,
  stackName: string | undefined,
): Promise<ChangeSet> {
  if (stackName !== undefined && (await findStack(q, scope, stackName)) === undefined && !nameOrArn.startsWith('arn:'))
    throw invalid(`Stack [${stackName}] does not exist`);
  const found = await findChangeSet(q, scope, nameOrArn, stackName);
  if (found === undefined)
    throw new AwsError('ChangeSetNotFound', `ChangeSet [${nameOrArn}] does not exist`, { statusCode: 404 });
  return found;
}
