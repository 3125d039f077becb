/** A history as the engine would have written it, of a decider fed with events: for tests of replay. */
import { effectRecord, fingerprint } from '../../src/common/index.ts';
import type { Decider, RecordedTurn, Tagged } from '../../src/core/replay/index.ts';

export class Recording<State> {
  readonly rows: RecordedTurn[];
  readonly #decider: Decider<State>;
  state: State;
  #version = 1;

  constructor(decider: Decider<State>, first: State, effects: readonly Tagged[], at: number) {
    this.#decider = decider;
    this.state = first;
    this.rows = [{ version: 1, at, event: stored({ type: 'Created', effects }) as Tagged, state: stored(first) }];
  }

  /** Returns the effects. */
  submit(event: Tagged, at: number): readonly Tagged[] {
    if (this.#decider.isFinal(this.state)) return [];
    const { state, effects } = this.#decider.decide(this.state, event, at);
    if (state === this.state) return effects;
    this.state = stored(state) as State;
    this.#version += 1;
    const kept = this.#version % 16 === 0 ? { state: stored(state) } : {};
    this.rows.push({
      version: this.#version,
      at,
      event: stored(event) as Tagged,
      fingerprint: fingerprint(state),
      effects: effectRecord(effects),
      ...kept,
    });
    return effects;
  }
}

/** As a `jsonb` column gives it back: without what is undefined, the members in another order. */
export function stored(value: unknown): unknown {
  return reordered(JSON.parse(JSON.stringify(value)));
}

function reordered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reordered);
  if (value === null || typeof value !== 'object') return value;
  const members = Object.entries(value).toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  return Object.fromEntries(members.map(([name, member]) => [name, reordered(member)]));
}
