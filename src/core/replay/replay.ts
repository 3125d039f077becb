/**
 * A loop decided again from its history: the state it began with, and every event that changed it, each at its instant.
 * The same rules come to the same states and to the same effects; where a rule has changed since, the first turn that differs
 * is found by the fingerprints that were kept of both.
 *
 * Events that changed nothing then are not in a history, so a rule of today that would act on one of them is not seen here.
 */
import { type Decision, effectRecord, type EffectRecord, type EpochMs, fingerprint } from '../../common/index.ts';
import { differencesOf, type Difference } from './difference.ts';

export type Tagged = Readonly<{ type: string; [member: string]: unknown }>;

export type Decider<State = unknown> = Readonly<{
  decide(state: State, event: Tagged, now: EpochMs): Decision<State, Tagged>;
  isFinal(state: State): boolean;
}>;

/** One row of a history. */
export type RecordedTurn = Readonly<{
  version: number;
  at: EpochMs;
  event: Tagged;
  /** Of the state after it; absent in rows that are older than fingerprints. */
  fingerprint?: number;
  /** The state after it, where it was kept: a replay may begin here. */
  state?: unknown;
  /** Of what was to be done after it; absent in rows that are older than such records. */
  effects?: EffectRecord;
}>;

export type History<State = unknown> = Readonly<{
  /** The row that it begins with. */
  beginning: Readonly<{ version: number; at: EpochMs; state: State; effects: readonly Tagged[]; created: boolean }>;
  turns: readonly RecordedTurn[];
}>;

/**
 * - `Same`: the state is the one that was recorded, and so are the effects where they were. - `Unchecked`: nothing was kept to
 *   compare them with. - `Different`: the first turn whose state is another, or whose effects are. - `After`: a turn after that one; what it shows is of no world.
 */
export type TurnCheck = 'Same' | 'Unchecked' | 'Different' | 'After';

export type ReplayedTurn<State = unknown> = Readonly<{
  version: number;
  at: EpochMs;
  event: Tagged;
  before: State;
  after: State;
  effects: readonly Tagged[];
  check: TurnCheck;
}>;

export type FirstDifference = Readonly<{
  version: number;
  at: EpochMs;
  event: Tagged;
  how: string;
  /** Between the state that was kept and the one decided now; empty where only a fingerprint was kept. */
  differences: readonly Difference[];
}>;

export type Replay<State = unknown> = Readonly<{
  turns: readonly ReplayedTurn<State>[];
  /** After the last turn. */
  state: State;
  /** Turns that were compared and found the same. */
  checked: number;
  /** Of those, the ones whose effects were compared too. */
  effectsChecked: number;
  difference?: FirstDifference;
}>;

/** The beginning nearest before the first row is the rows' own first one; undefined: none of them holds a state. */
export function historyFrom(rows: readonly RecordedTurn[]): History | undefined {
  const index = rows.findIndex((row) => row.state !== undefined);
  const row = rows[index];
  if (row === undefined) return undefined;
  const created = row.event.type === 'Created';
  return {
    beginning: {
      version: row.version,
      at: row.at,
      state: row.state,
      effects: created ? ((row.event as Tagged & { effects?: readonly Tagged[] }).effects ?? []) : [],
      created,
    },
    turns: rows.slice(index + 1),
  };
}

/** `stored`: the state as it is kept now, when the last turn is the last that there was. */
export function replay<State>(decider: Decider<State>, history: History<State>, stored?: State): Replay<State> {
  const turns: ReplayedTurn<State>[] = [];
  let state = history.beginning.state;
  let checked = 0;
  let effectsChecked = 0;
  let difference: FirstDifference | undefined;
  for (const row of history.turns) {
    const { version, at, event } = row;
    const before = state;
    const decided = decideAgain(decider, state, event, at);
    state = decided.state;
    const found = difference === undefined ? differenceAt(row, before, decided) : undefined;
    difference ??= found;
    const compared = row.fingerprint !== undefined || row.state !== undefined;
    if (difference === undefined && compared) {
      checked += 1;
      if (row.effects !== undefined) effectsChecked += 1;
    }
    const check =
      found !== undefined ? 'Different' : difference !== undefined ? 'After' : compared ? 'Same' : 'Unchecked';
    turns.push({ version, at, event, before, after: state, effects: decided.effects, check });
  }
  const last = turns.at(-1);
  if (difference === undefined && stored !== undefined && fingerprint(stored) !== fingerprint(state)) {
    const { version, at, event } = last ?? { ...history.beginning, event: { type: 'Created' } };
    const how = 'the state that is stored is another';
    difference = { version, at, event, how, differences: differencesOf(stored, state) };
  }
  return { turns, state, checked, effectsChecked, ...(difference !== undefined && { difference }) };
}

/** The state at an instant; undefined: before the beginning. */
export function stateAt<State>(history: History<State>, { turns }: Replay<State>, at: EpochMs): State | undefined {
  if (at < history.beginning.at) return undefined;
  return turns.findLast((turn) => turn.at <= at)?.after ?? history.beginning.state;
}

type Decided<State> = Readonly<{ state: State; effects: readonly Tagged[]; refused?: string }>;

/** A decider of today may not know what to do with an event of then. */
function decideAgain<State>(decider: Decider<State>, state: State, event: Tagged, at: EpochMs): Decided<State> {
  if (decider.isFinal(state)) return { state, effects: [] };
  try {
    return decider.decide(state, event, at);
  } catch (error) {
    return { state, effects: [], refused: error instanceof Error ? error.message : String(error) };
  }
}

function differenceAt<State>(row: RecordedTurn, before: State, decided: Decided<State>): FirstDifference | undefined {
  const { version, at, event } = row;
  const differs = (how: string): FirstDifference => ({
    version,
    at,
    event,
    how,
    differences: row.state === undefined ? [] : differencesOf(row.state, decided.state),
  });
  if (decided.refused !== undefined) return differs(`the rules of now cannot take it: ${decided.refused}`);
  // What changed nothing was not recorded, so what was recorded changed something.
  if (decided.state === before) return differs('it changed the state then, and changes nothing now');
  const kept = row.fingerprint ?? (row.state === undefined ? undefined : fingerprint(row.state));
  if (kept !== undefined && kept !== fingerprint(decided.state)) return differs('it led to another state then');
  const done = effectRecord(decided.effects);
  if (row.effects !== undefined && row.effects.fingerprint !== done.fingerprint)
    return differs(`the state is the same, but ${otherEffects(row.effects, done)}`);
  return undefined;
}

function otherEffects(then: EffectRecord, now: EffectRecord): string {
  if (then.names === now.names) return `what was to be done then differs in its members (${then.names})`;
  return `what was to be done then was ${then.names || 'nothing'}, and now is ${now.names || 'nothing'}`;
}
