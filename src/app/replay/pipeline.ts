/** A pipeline execution decided again out of the history of its line, and with another mode or other time-outs. */
import { AwsError, type EpochMs, isoMillis } from '../../common/index.ts';
import { type Execution, isLive, type PipelineLine } from '../../core/pipeline-execution/index.ts';
import {
  concerns,
  executionIn,
  executionsSeen,
  isProblem,
  lineChange,
  playLine,
  type PlayedTurn,
  type Replay,
  type Setting,
  stateAt,
  told,
} from '../../core/replay/index.ts';
import type { Work } from '../../services/index.ts';
import { collection } from '../../store/index.ts';
import type { ChangedAnswer, InstantAnswer, ReplayAnswer } from './answer.ts';
import { type Decided, rowsFrom } from './changed.ts';
import type { Asked } from './deployment.ts';
import { checkOf, type Record, recordOf, type ReplayTools, turnLine, withoutSecrets } from './record.ts';

const LINE = 'codepipeline.pipeline-line';
const lines = collection<PipelineLine>(LINE);
const archived = collection<Execution>('codepipeline.execution');

type OfExecution = Omit<ReplayAnswer, 'differs' | 'parts' | keyof Pick<Work, 'id' | 'name' | 'account' | 'region'>> &
  Readonly<{ externalIds: readonly string[] }>;

export async function executionAnswer(tools: ReplayTools, work: Work, asked: Asked): Promise<OfExecution | undefined> {
  const { account, region, id, name } = work;
  const key = { account, region, id: name };
  const { store } = tools.house;
  const line = (await lines.get(store, key))?.document;
  const inLine = line && executionIn(line, id);
  const stored = inLine ?? (await archived.get(store, { ...key, id: `${name}:${id}` }))?.document;
  if (stored === undefined) return undefined;
  const ended = !isLive(stored);
  const record = await recordOf<PipelineLine>(tools, LINE, key, {
    reaching: stored.startedAt - 1,
    ...(ended && { until: stored.updatedAt }),
  });
  if (record === undefined) return undefined;
  const { history, replay } = record;
  const mine = replay.turns.filter((turn) => concerns(turn, id));
  const whole = mine.some(({ event }) => event.type === 'ExecutionStarted' && event['executionId'] === id);
  if (!whole && !history.turns.some(({ at }) => at <= stored.updatedAt)) {
    throw new AwsError(
      'ValidationException',
      `The history of the pipeline ${name} goes back to ${isoMillis(history.beginning.at)} (SLUICE_HISTORY_TURNS); the execution ${id} ended before.`,
    );
  }
  const notes = whole
    ? []
    : [`The history of the pipeline begins at ${isoMillis(history.beginning.at)}, when the execution was under way.`];
  const instantAt = asked.at?.(stored.startedAt);
  const state = instantAt === undefined ? undefined : stateAt(history, replay, instantAt);
  return {
    kind: 'pipeline execution',
    status: stored.status,
    from: isoMillis(history.beginning.at),
    whole,
    turns: mine.map((turn) => turnLine('pipeline execution', turn, id)),
    ...checkOf('pipeline execution', record),
    notes,
    externalIds: [...new Set(stored.actions.flatMap(({ externalExecutionId }) => externalExecutionId ?? []))],
    ...(state !== undefined && instantAt !== undefined && { instant: instant(instantAt, state, id) }),
    ...(asked.settings.length > 0 && { changed: changedAnswer(record, stored, asked.settings) }),
  };
}

function instant(at: EpochMs, line: PipelineLine, id: string): InstantAnswer {
  const execution = executionIn(line, id);
  if (execution === undefined)
    return { at: isoMillis(at), is: ['not in the pipeline: not yet started, or over'], state: null };
  const stage = line.plans[execution.version]?.stages[execution.stageIndex]?.name ?? '?';
  const where = isLive(execution) ? `, ${execution.position === 'Inside' ? 'in' : 'waiting at'} ${stage}` : '';
  const others = line.executions.filter((other) => other.id !== id && isLive(other));
  return {
    at: isoMillis(at),
    is: [
      `${execution.status}${where}`,
      ...execution.actions.map(({ stage: of, action, status, externalExecutionId }) =>
        [`${of}/${action}`, status, externalExecutionId].filter((part) => part !== undefined).join(' '),
      ),
      ...others.map((other) => {
        const at = line.plans[other.version]?.stages[other.stageIndex]?.name ?? '?';
        return `beside it: ${other.id}, ${other.position === 'Inside' ? 'in' : 'waiting at'} ${at}`;
      }),
    ],
    state: withoutSecrets(execution),
  };
}

function changedAnswer(
  { history, replay }: Record<PipelineLine>,
  stored: Execution,
  settings: readonly Setting[],
): ChangedAnswer {
  const { id } = stored;
  const change = lineChange(settings, actionsOf(replay, stored));
  if (isProblem(change)) throw new AwsError('ValidationException', `--set ${change.problem}.`);
  const first = history.beginning.state;
  const played = playLine(replay, first, change);
  const then = executionsSeen(first, replay.turns);
  const rows = rowsFrom(decidedIn(replay.turns, id), decidedIn(played.turns, id));
  const others = [...new Set([...then.keys(), ...played.executions.keys()])].filter(
    (other) => other !== id && outcomeOf(then.get(other)) !== outcomeOf(played.executions.get(other)),
  );
  const also = (of: ReadonlyMap<string, Execution>): string =>
    others.map((other) => `; ${other} ${outcomeOf(of.get(other))}`).join('');
  return {
    settings: settings.map(({ key, value }) => `${key}=${value}`),
    same: rows.length === 0 && others.length === 0,
    rows,
    outcome: {
      was: `${outcomeOf(stored)}${also(then)}`,
      would: `${outcomeOf(played.executions.get(id))}${also(played.executions)}`,
    },
    assumed: played.assumed,
  };
}

function actionsOf({ state }: Replay<PipelineLine>, { version }: Execution): readonly string[] {
  const plan = state.plans[version] ?? state.plans[state.version];
  return (plan?.stages ?? []).flatMap(({ name, actions }) => actions.map((action) => `${name}/${action.name}`));
}

/** What the world was told of the execution: how often an action was looked at is no decision. */
function decidedIn(turns: readonly PlayedTurn<PipelineLine>[], id: string): readonly Decided[] {
  return turns
    .filter((turn) => concerns(turn, id))
    .map((turn) => ({ at: turn.at, lines: told('pipeline execution', turn, id).changes }))
    .filter(({ lines: changes }) => changes.length > 0);
}

function outcomeOf(execution: Execution | undefined): string {
  if (execution === undefined) return 'was not there';
  const { status, updatedAt } = execution;
  return isLive(execution) ? status : `${status} at ${isoMillis(updatedAt).replace(/\.\d+Z$/, 'Z')}`;
}
