/** The engine alone on a database that goes away for a while: whatever was saved is performed when it is back, without a restart. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/common/index.ts';
import { defineLoop, LoopEngine } from '../../src/engine/index.ts';
import { collection, CommitUnknownError, openStore, type Store } from '../../src/store/index.ts';
import { migrationsDir, wallNow } from './store-kinds.ts';

type Job = Readonly<{ done: number; timers: number }>;
type JobEvent = Readonly<{ type: 'Ask' } | { type: 'Done' } | { type: 'TimerFired'; timer: string }>;
type JobEffect = Readonly<{ type: 'Work' } | { type: 'WakeAt'; timer: string; at: number }>;

/** The machine's time in these tests runs so many times as fast. */
const FASTER = 100;
const KEY = { account: 'a', region: 'r', id: 'job' };

let store: Store;
let serial = 0;

beforeAll(async () => {
  store = await openStore({ kind: 'auto', ephemeral: true, migrationsDir, wallNow });
});
afterAll(() => store.close());

/** `away`: nothing gets through. `loseAnswers`: commits happen, and nobody is told. */
function makeWorld() {
  const kind = `test.job-${serial++}`;
  const weather = { away: false, loseAnswers: false };
  const clock = new ManualClock(1_000_000);
  let performed = 0;
  const gone = (): never => {
    throw Object.assign(new Error('Connection terminated'), { code: '08006' });
  };
  const shaky: Store = {
    kind: store.kind,
    query: async (sql, parameters) => (weather.away ? gone() : store.query(sql, parameters)),
    transaction: async (work) => {
      if (weather.away) gone();
      if (!weather.loseAnswers) return store.transaction(work);
      // As the store does it: what was to run after the commit does not, what was to run at the end does.
      const endings: (() => void)[] = [];
      await store.transaction((tx) =>
        work({
          query: (sql, parameters) => tx.query(sql, parameters),
          afterCommit: () => {},
          afterEnd: (ending) => void endings.push(ending),
        }),
      );
      for (const ending of endings) ending();
      throw new CommitUnknownError(new Error('Connection terminated'));
    },
    close: () => Promise.resolve(),
  };
  const engine = new LoopEngine({
    store: shaky,
    clock,
    wallNow: () => Math.floor(performance.now() * FASTER),
    wallTimer: (callback, delayMs) => {
      const timer = setTimeout(callback, delayMs / FASTER);
      return () => clearTimeout(timer);
    },
    owner: `owner-${serial++}`,
    alone: true,
    onError: () => {},
  });
  engine.register(
    defineLoop<Job, JobEvent, JobEffect>({
      kind,
      decide: (state, event, now) => {
        if (event.type === 'TimerFired') return { state: { ...state, timers: state.timers + 1 }, effects: [] };
        if (event.type === 'Ask')
          return { state, effects: [{ type: 'Work' }, { type: 'WakeAt', timer: 'soon', at: now }] };
        return { state: { ...state, done: state.done + 1 }, effects: [] };
      },
      isFinal: () => false,
      perform: async (effect) => {
        if (effect.type !== 'Work') return;
        performed += 1;
        if (weather.away) gone();
        return { type: 'Done' };
      },
    }),
  );
  const start = async (): Promise<void> => {
    await engine.start();
    await store.transaction((tx) => engine.create<Job>(tx, kind, KEY, { done: 0, timers: 0 }, []));
  };
  const job = async (): Promise<Job | undefined> => (await collection<Job>(kind).get(store, KEY))?.document;
  return { engine, clock, weather, kind, start, job, shaky, performed: () => performed };
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('LoopEngine, when the database is away', () => {
  it('tries an effect again, though that it failed could not be noted', async () => {
    const world = makeWorld();
    await world.start();
    const { weather } = world;
    // The effect is saved, and by the time it is performed nothing gets through.
    await store.transaction(async (tx) => {
      tx.afterCommit(() => (weather.away = true));
      await world.engine.submitIn(tx, world.kind, KEY, { type: 'Ask' });
    });
    await until('it was tried', () => world.performed() === 1);
    weather.away = false;
    await until('it is done', async () => {
      world.clock.set(world.clock.now() + 1_000);
      return (await world.job())?.done === 1;
    });
    await world.engine.stop();
  });

  it.each([
    ['of its own', (world: ReturnType<typeof makeWorld>) => world.engine.submit(world.kind, KEY, { type: 'Ask' })],
    [
      'of a handler',
      (world: ReturnType<typeof makeWorld>) =>
        world.shaky.transaction((tx) => world.engine.submitIn(tx, world.kind, KEY, { type: 'Ask' })),
    ],
  ])('performs, and fires, what a commit %s saved that nobody was told of', async (_whose, ask) => {
    const world = makeWorld();
    await world.start();
    world.weather.loseAnswers = true;
    await expect(ask(world)).rejects.toThrow('broke during a commit');
    world.weather.loseAnswers = false;
    await until('it is performed', async () => (await world.job())?.done === 1);
    await until('the timer fired', async () => (await world.job())?.timers === 1);
    await world.engine.stop();
  });
});
