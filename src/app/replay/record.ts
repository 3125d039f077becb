/** The history of a loop out of the store, decided again by the rules of now. */
import { AwsError, type EpochMs, isoMillis, type Json } from '../../common/index.ts';
import {
  type Decider,
  type Difference,
  type History,
  historyFrom,
  type Replay,
  replay,
  type ReplayedTurn,
  type Subject,
  told,
} from '../../core/replay/index.ts';
import type { RunningEngine } from '../../engine/index.ts';
import type { House } from '../../services/index.ts';
import { collection, type DocumentKey, readLoopHistory } from '../../store/index.ts';
import type { ReplayAnswer, TurnLine } from './answer.ts';

export type ReplayTools = Readonly<{ house: House; engine: RunningEngine }>;

export type Record<State> = Readonly<{
  history: History<State>;
  replay: Replay<State>;
  /** As it is kept now; undefined: it is gone. */
  stored: State | undefined;
}>;

/** Undefined: nothing was recorded. Throws `ValidationException` where events were, but no state to begin with. */
export async function recordOf<State>(
  { house, engine }: ReplayTools,
  kind: string,
  key: DocumentKey,
  options: Readonly<{ reaching?: EpochMs; until?: EpochMs }> = {},
): Promise<Record<State> | undefined> {
  const decider = engine.definitionOf(kind) as Decider<State> | undefined;
  if (decider === undefined) return undefined;
  const rows = await readLoopHistory(house.store, kind, key, options);
  const document = await collection<State>(kind).get(house.store, key);
  const history = historyFrom(rows) as History<State> | undefined;
  if (history === undefined) {
    if (rows.length === 0 && document === undefined) return undefined;
    throw new AwsError(
      'ValidationException',
      `The beginning of ${key.id} was not recorded: it was made by a version of Sluice that did not keep it. What came after cannot be decided again without it.`,
    );
  }
  // It may have gone on since the rows were read.
  const last = history.turns.at(-1)?.version ?? history.beginning.version;
  const comparable = options.until === undefined && document?.version === last;
  return {
    history,
    replay: replay(decider, history, comparable ? document.document : undefined),
    stored: document?.document,
  };
}

export function turnLine<State>(subject: Subject, turn: ReplayedTurn<State>, executionId?: string): TurnLine {
  const { at, version, check } = turn;
  return { at: isoMillis(at), version, check, ...told(subject, turn, executionId) };
}

/** The check, as every answer has it. */
export function checkOf<State>(
  subject: Subject,
  { replay: { difference, checked, effectsChecked, turns } }: Record<State>,
): Pick<ReplayAnswer, 'same' | 'checked' | 'effectsChecked' | 'difference'> {
  if (difference === undefined) return { same: true, checked, effectsChecked };
  const { version, at, how, differences } = difference;
  const turn = turns.find((each) => each.version === version);
  const event = turn === undefined ? difference.event.type : told(subject, turn).event;
  return {
    same: false,
    checked,
    effectsChecked,
    difference: { version, at: isoMillis(at), event, how, differences: differences.map(withoutSecret) },
  };
}

/** What proves who answers is not shown to who merely looks. */
const SECRETS: ReadonlySet<string> = new Set(['token', 'nonce', 'hookExecutionIds', 'executionId']);

export function withoutSecrets(value: unknown): Json {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (value === null || typeof value !== 'object') return (value ?? null) as Json;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name, member]) => member !== undefined && !SECRETS.has(name))
      .map(([name, member]) => [name, withoutSecrets(member)]),
  );
}

function withoutSecret(difference: Difference): Difference {
  const { path, was, is } = difference;
  if (path.split(/[.[\]]/).some((name) => SECRETS.has(name))) return { path };
  return {
    path,
    ...(was !== undefined && { was: withoutSecrets(was) }),
    ...(is !== undefined && { is: withoutSecrets(is) }),
  };
}
