import { parseArn } from '../../common/index.ts';
import type { ActionExecution } from '../../core/pipeline-execution/index.ts';
import type { House, Scope } from '../service.ts';
import type { Work, WorkFailure } from '../work.ts';
import { definitionOf, findAction } from './definitions.ts';
import { findExecution } from './history.ts';
import { pipelineArn, type PipelineRecord, pipelines } from './records.ts';

/** A pipeline execution, by its id. */
export async function findWork(id: string, house: House): Promise<Work | undefined> {
  if (!/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/.test(id)) return undefined;
  for (const { key, document: pipeline } of await pipelines.list(house.store)) {
    const found = await findExecution(house, key, key.id, id);
    if (found === undefined) continue;
    const { execution } = found;
    const { account, region } = key;
    const failed = execution.actions.filter(({ status }) => status === 'Failed');
    const failures = await Promise.all(
      failed.map((action) => failureOf(house, { account, region }, pipeline, execution.version, action)),
    );
    return { kind: 'pipeline execution', id, name: key.id, account, region, status: execution.status, failures };
  }
  return undefined;
}

async function failureOf(
  house: House,
  scope: Scope,
  pipeline: PipelineRecord,
  version: number,
  action: ActionExecution,
): Promise<WorkFailure> {
  const { name } = pipeline.declaration;
  const definition = await definitionOf(house, scope, name, pipeline.pipelineId, version);
  const declared = definition && findAction(definition.declaration, action.stage, action.action);
  const roleAccounts = [definition?.declaration.roleArn, declared?.roleArn].flatMap((roleArn) => {
    const account = roleArn === undefined ? undefined : parseArn(roleArn)?.account;
    return account === undefined ? [] : [account];
  });
  return {
    part: `${action.stage}/${action.action}`,
    message: action.error?.message ?? action.summary ?? 'failed',
    from: action.startedAt,
    until: action.updatedAt,
    accounts: [...new Set([scope.account, ...roleAccounts])],
    sessionNames: [name.slice(0, 64)],
    sourceArns: [pipelineArn(scope, name)],
    ...(action.externalExecutionId === undefined ? {} : { externalId: action.externalExecutionId }),
  };
}
