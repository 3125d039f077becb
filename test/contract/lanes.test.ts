/** The order of effects in a lane, also where one fails: the others wait behind it, and not for ever. */
import { describe, expect, it } from 'vitest';
import { connect, MemoryDisk } from '../../simulation/memory-store/index.ts';
import { ManualClock } from '../../src/common/index.ts';
import { defineLoop, LoopEngine } from '../../src/engine/index.ts';
import { collection } from '../../src/store/index.ts';

type List = Readonly<{ done: readonly string[] }>;
type ListEvent = Readonly<
  | { type: 'Ask'; names: readonly string[]; lane?: string }
  | { type: 'Done'; name: string }
  | { type: 'GivenUp'; name: string }
  | { type: 'TimerFired'; timer: string }
>;
type ListEffect = Readonly<{ type: 'Step'; name: string; lane?: string }>;

const KIND = 'test.lanes';
const KEY = { account: 'a', region: 'r', id: 'list' };
const T0 = 1_000_000;

class World {
  readonly clock = new ManualClock(T0);
  readonly disk = new MemoryDisk();
  /** Seconds since the beginning, step, attempt. */
  readonly tried: string[] = [];
  failing = new Set<string>();
  engine = this.#begin();

  #begin(): LoopEngine {
    const engine = new LoopEngine({
      store: connect(this.disk),
      clock: this.clock,
      wallNow: () => this.clock.now(),
      wallTimer: (callback, delayMs) => this.clock.onReach(this.clock.now() + delayMs, callback),
      owner: 'me',
      alone: true,
      onError: () => {},
    });
    engine.register(
      defineLoop<List, ListEvent, ListEffect>({
        kind: KIND,
        decide: (state, event) => {
          if (event.type === 'TimerFired') return { state, effects: [] };
          if (event.type === 'Ask') {
            const effects = event.names.map(
              (name) => ({ type: 'Step', name, ...(event.lane !== undefined && { lane: event.lane }) }) as const,
            );
            return { state, effects };
          }
          const name = event.type === 'Done' ? event.name : `not ${event.name}`;
          return { state: { done: [...state.done, name] }, effects: [] };
        },
        isFinal: () => false,
        perform: async ({ name }, { attempt }) => {
          this.tried.push(`${(this.clock.now() - T0) / 1_000} ${name} ${attempt}`);
          if (this.failing.has(name)) throw new Error('not now');
          return { type: 'Done', name };
        },
        maxAttempts: 4,
        onGivenUp: ({ name }) => ({ type: 'GivenUp', name }),
      }),
    );
    return engine;
  }

  async start(): Promise<this> {
    await this.engine.start();
    const store = connect(this.disk);
    await store.transaction((tx) => this.engine.create<List>(tx, KIND, KEY, { done: [] }, []));
    return this;
  }

  async restart(): Promise<void> {
    await this.engine.stop();
    this.engine = this.#begin();
    await this.engine.start();
    await this.engine.settled();
  }

  async ask(names: readonly string[], lane?: string): Promise<void> {
    await this.engine.submit(KIND, KEY, { type: 'Ask', names, ...(lane !== undefined && { lane }) });
    await this.engine.settled();
  }

  async pass(seconds: number): Promise<void> {
    for (let second = 0; second < seconds; second++) {
      this.clock.set(this.clock.now() + 1_000);
      await new Promise((resolve) => setImmediate(resolve));
      await this.engine.settled();
    }
  }

  async done(): Promise<readonly string[]> {
    return (await collection<List>(KIND).get(connect(this.disk), KEY))?.document.done ?? [];
  }
}

describe('a lane', () => {
  it('waits behind an effect that is tried again, and lets other lanes pass', async () => {
    const world = await new World().start();
    world.failing.add('a');
    await world.ask(['a', 'b', 'c']);
    await world.ask(['x'], 'other');
    expect(world.tried).toEqual(['0 a 1', '0 x 1']);
    expect(await world.engine.nextDueAt()).toBe(T0 + 1_000);
    world.failing.clear();
    await world.pass(1);
    expect(world.tried).toEqual(['0 a 1', '0 x 1', '1 a 2', '1 b 1', '1 c 1']);
    expect(await world.done()).toEqual(['x', 'a', 'b', 'c']);
    expect(await world.engine.nextDueAt()).toBeUndefined();
  });

  it('goes on behind one that is given up', async () => {
    const world = await new World().start();
    world.failing.add('a');
    await world.ask(['a', 'b']);
    await world.pass(6);
    expect(await world.done()).toEqual([]);
    await world.pass(1);
    expect(world.tried).toEqual(['0 a 1', '1 a 2', '3 a 3', '7 a 4', '7 b 1']);
    expect(await world.done()).toEqual(['not a', 'b']);
  });

  it('tries the one that failed before its time when another comes, and counts that for no try', async () => {
    const world = await new World().start();
    world.failing.add('a');
    await world.ask(['a']);
    await world.pass(1);
    for (const name of ['b', 'c', 'd', 'e']) await world.ask([name]);
    expect(world.tried.slice(2)).toEqual(['1 a 3', '1 a 3', '1 a 3', '1 a 3']);
    await world.pass(1);
    expect(world.tried).toHaveLength(6);
    world.failing.clear();
    await world.ask(['f']);
    expect(await world.done()).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    expect(world.tried.slice(6)[0]).toBe('2 a 3');
  });

  it('keeps its order over a restart', async () => {
    const world = await new World().start();
    world.failing.add('a');
    await world.ask(['a', 'b']);
    await world.pass(1);
    await world.restart();
    expect(await world.done()).toEqual([]);
    world.failing.clear();
    await world.pass(2);
    expect(await world.done()).toEqual(['a', 'b']);
  });
});
