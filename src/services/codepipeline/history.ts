/**
 * Executions wherever they are: in the line while they are under way or may be retried, in a document of their own when
 * they are over. The line is read first: an execution is written out before it leaves the line, so one of the two
 * always has it.
 */
import type { Execution, ExecutionMode, PipelineLine } from '../../core/pipeline-execution/index.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import type { House, Scope } from '../service.ts';
import { definitionOf } from './definitions.ts';
import { ordinalSort } from './line-loop.ts';
import { executionKey, executions, invalidNextToken, requireLine } from './records.ts';

export async function findExecution(
  house: House,
  scope: Scope,
  pipelineName: string,
  executionId: string,
): Promise<Readonly<{ execution: Execution; mode: ExecutionMode }> | undefined> {
  const line = await requireLine(house.store, scope, pipelineName);
  const execution =
    line.executions.find((candidate) => candidate.id === executionId) ??
    (await executions.get(house.store, executionKey(scope, pipelineName, executionId)))?.document;
  return execution && { execution, mode: await modeOf(house, scope, pipelineName, line, execution.version) };
}

async function modeOf(
  house: House,
  scope: Scope,
  pipelineName: string,
  line: PipelineLine,
  version: number,
): Promise<ExecutionMode> {
  const known = line.plans[version]?.mode;
  if (known !== undefined) return known;
  const definition = await definitionOf(house, scope, pipelineName, line.pipelineId, version);
  return (definition?.declaration.executionMode ?? 'SUPERSEDED') as ExecutionMode;
}

export type Page = Readonly<{ executions: readonly Execution[]; nextToken?: string }>;

/** Newest first. */
export async function listExecutions(
  house: House,
  scope: Scope,
  pipelineName: string,
  options: Readonly<{
    limit: number;
    nextToken?: string | undefined;
    matches?: (execution: Execution) => boolean;
  }>,
): Promise<Page> {
  const { limit, nextToken, matches = () => true } = options;
  const before = nextToken === undefined ? Number.POSITIVE_INFINITY : decodeOrdinal(nextToken);
  const found: Execution[] = [];
  for await (const execution of newestFirst(house, scope, pipelineName, before, limit + 1)) {
    if (!matches(execution)) continue;
    if (found.length === limit) {
      return { executions: found, nextToken: encodeToken({ before: found.at(-1)?.ordinal }) };
    }
    found.push(execution);
  }
  return { executions: found };
}

/** Every execution older than the ordinal `before`, newest first, read `pageSize` at a time. */
export async function* newestFirst(
  house: House,
  scope: Scope,
  pipelineName: string,
  before: number,
  pageSize: number,
): AsyncGenerator<Execution> {
  const line = await requireLine(house.store, scope, pipelineName);
  const live = line.executions.filter((execution) => execution.ordinal < before).toReversed();
  const liveIds = new Set(live.map((execution) => execution.id));
  let after = Number.isFinite(before) ? { sort: ordinalSort(before), id: '' } : undefined;
  while (true) {
    const stored = await executions.list(house.store, {
      account: scope.account,
      region: scope.region,
      parent: pipelineName,
      descending: true,
      limit: pageSize,
      ...(after === undefined ? {} : { after }),
    });
    for (const { document } of stored) {
      while ((live[0]?.ordinal ?? -1) > document.ordinal) yield live.shift() as Execution;
      if (!liveIds.has(document.id)) yield document;
    }
    const last = stored.at(-1);
    if (stored.length < pageSize || last === undefined) break;
    after = { sort: last.sort, id: last.key.id };
  }
  yield* live;
}

function decodeOrdinal(token: string): number {
  const { before } = decodeToken(token, invalidNextToken);
  if (typeof before !== 'number' || !Number.isInteger(before)) throw invalidNextToken();
  return before;
}
