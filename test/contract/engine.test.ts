/** The engine on a real store: group commit, effects at least once, timers, wake-ups, crashes at every named point. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, MemoryDisk } from '../../simulation/memory-store/index.ts';
import { effectRecord, fingerprint, ManualClock } from '../../src/common/index.ts';
import { type CrashPoint, defineLoop, LoopEngine, type RunningEngine } from '../../src/engine/index.ts';
import { collection, openStore, readLoopHistory, type Store } from '../../src/store/index.ts';

/** Counts to `goal`, one performed step at a time, with a timer between steps. */
type Count = Readonly<{ goal: number; done: number; waiting: boolean }>;
type CountEvent = Readonly<
  { type: 'StepDone'; step: number } | { type: 'Skip' } | { type: 'TimerFired'; timer: string }
>;
type CountEffect = Readonly<
  { type: 'Step'; step: number } | { type: 'WakeAt'; timer: string; at: number; wakeKey?: string }
>;

let store: Store;
let serial = 0;

/** Each world has a kind of its own, so that worlds on one store do not meet. */
function makeWorld(
  options: {
    crashAt?: (point: CrashPoint) => boolean;
    fail?: (step: number, attempt: number) => boolean;
    clock?: ManualClock;
    kind?: string;
    historyTurns?: number;
  } = {},
): {
  engine: RunningEngine;
  clock: ManualClock;
  performed: string[];
  errors: string[];
  kind: string;
} {
  const clock = options.clock ?? new ManualClock(1_000_000);
  const kind = options.kind ?? `test.count-${serial++}`;
  const performed: string[] = [];
  const errors: string[] = [];
  let crashed = false;
  const engine: LoopEngine = new LoopEngine({
    store,
    clock,
    wallNow: () => clock.now(),
    wallTimer: (callback, ms) => {
      const timer = setTimeout(callback, ms);
      return () => clearTimeout(timer);
    },
    owner: `owner-${serial++}`,
    alone: true,
    ...(options.historyTurns !== undefined && { historyTurns: options.historyTurns }),
    onError: (message) => errors.push(message),
    crashPoint: (point) => {
      if (crashed || options.crashAt?.(point) === true) {
        crashed = true;
        // A dead process does nothing more.
        void engine.stop();
        throw new Error(`crash at ${point}`);
      }
    },
  });
  engine.register(
    defineLoop<Count, CountEvent, CountEffect>({
      kind,
      decide: (state, event, now) => {
        if (state.done === state.goal) return { state, effects: [] };
        switch (event.type) {
          case 'StepDone': {
            if (event.step !== state.done) return { state, effects: [] };
            const next = { ...state, done: state.done + 1, waiting: true };
            return {
              state: next,
              effects:
                next.done === next.goal
                  ? []
                  : [{ type: 'WakeAt', timer: 'next', at: now + 60_000, wakeKey: `wake-${kind}` }],
            };
          }
          case 'Skip':
            return { state: { ...state, goal: state.done }, effects: [] };
          case 'TimerFired':
            return state.waiting
              ? { state: { ...state, waiting: false }, effects: [{ type: 'Step', step: state.done }] }
              : { state, effects: [] };
        }
      },
      isFinal: (state) => state.done === state.goal,
      perform: async (effect, { attempt, effectId }) => {
        if (effect.type !== 'Step') return;
        if (options.fail?.(effect.step, attempt) === true) throw new Error('not now');
        performed.push(`${effectId}:${effect.step}`);
        return { type: 'StepDone', step: effect.step };
      },
    }),
  );
  return { engine, clock, performed, errors, kind };
}

const key = (id: string): { account: string; region: string; id: string } => ({ account: 'a', region: 'r', id });

async function begin(world: ReturnType<typeof makeWorld>, id: string, goal: number): Promise<void> {
  await store.transaction((tx) =>
    world.engine.create<Count>(tx, world.kind, key(id), { goal, done: 0, waiting: false }, [{ type: 'Step', step: 0 }]),
  );
}

async function read(world: { kind: string }, id: string): Promise<Count | undefined> {
  return (await collection<Count>(world.kind).get(store, key(id)))?.document;
}

/** From due instant to due instant until nothing is due. */
async function runDry(world: ReturnType<typeof makeWorld>): Promise<void> {
  for (let turns = 0; turns < 1_000; turns++) {
    await world.engine.settled();
    const next = await world.engine.nextDueAt();
    if (next === undefined) return;
    world.clock.set(Math.max(next, world.clock.now()));
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the loop does not end');
}

const stores: readonly Readonly<{ name: string; open(): Promise<Store> }>[] = [
  {
    name: 'a server',
    open: () =>
      openStore({
        kind: 'auto',
        ephemeral: true,
        migrationsDir: fileURLToPath(new URL('../../migrations', import.meta.url)),
        wallNow: () => performance.timeOrigin + performance.now(),
      }),
  },
  { name: 'the memory of a simulation', open: () => Promise.resolve(connect(new MemoryDisk())) },
];

describe.each(stores)('on $name', ({ open }) => {
  beforeAll(async () => {
    store = await open();
  });

  afterAll(() => store.close());

  describe('LoopEngine', () => {
    it('performs the effects of saved decisions until the state is final', async () => {
      const world = makeWorld();
      await world.engine.start();
      await begin(world, 'one', 3);
      await runDry(world);
      expect(await read(world, 'one')).toMatchObject({ done: 3 });
      expect(world.performed.map((name) => name.split(':')[1])).toEqual(['0', '1', '2']);
      await world.engine.stop();
    });

    it('decides many events in few transactions', async () => {
      const world = makeWorld();
      await world.engine.start();
      await Promise.all(Array.from({ length: 200 }, (_, i) => begin(world, `many-${i}`, 1)));
      await runDry(world);
      const states = await collection<Count>(world.kind).list(store);
      expect(states.filter(({ document }) => document.done === 1)).toHaveLength(200);
      await world.engine.stop();
    });

    it('fires a timer no sooner than it is due, and a wake makes it due at once', async () => {
      const world = makeWorld();
      await world.engine.start();
      await begin(world, 'timer', 2);
      await world.engine.settled();
      world.clock.set(world.clock.now() + 59_999);
      await world.engine.settled();
      expect(world.performed).toHaveLength(1);
      await store.transaction((tx) => world.engine.wake(tx, `wake-${world.kind}`));
      await world.engine.settled();
      expect(world.performed).toHaveLength(2);
      await world.engine.stop();
    });

    it('tries a failed effect again, later each time', async () => {
      const world = makeWorld({ fail: (_step, attempt) => attempt < 3 });
      await world.engine.start();
      const startedAt = world.clock.now();
      await begin(world, 'retry', 1);
      await runDry(world);
      expect(await read(world, 'retry')).toMatchObject({ done: 1 });
      expect(world.clock.now() - startedAt).toBe(3_000);
      expect(world.errors).toHaveLength(2);
      await world.engine.stop();
    });

    it('leaves a final state alone', async () => {
      const world = makeWorld();
      await world.engine.start();
      await begin(world, 'final', 1);
      await runDry(world);
      const before = await collection<Count>(world.kind).get(store, key('final'));
      await world.engine.submit(world.kind, key('final'), { type: 'StepDone', step: 0 });
      await world.engine.submit(world.kind, key('final'), { type: 'Skip' });
      expect(await collection<Count>(world.kind).get(store, key('final'))).toEqual(before);
      await world.engine.stop();
    });

    it('answers undefined for a state that is not there', async () => {
      const world = makeWorld();
      await world.engine.start();
      expect(await world.engine.submit(world.kind, key('nobody'), { type: 'Skip' })).toBeUndefined();
      await world.engine.stop();
    });

    it('rolls back what a handler created when its transaction fails', async () => {
      const world = makeWorld();
      await world.engine.start();
      const failing = store.transaction(async (tx) => {
        await world.engine.create<Count>(tx, world.kind, key('gone'), { goal: 1, done: 0, waiting: false }, [
          { type: 'Step', step: 0 },
        ]);
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      await world.engine.settled();
      expect(await read(world, 'gone')).toBeUndefined();
      expect(world.performed).toEqual([]);
      await world.engine.stop();
    });

    describe.each<CrashPoint>(['BeforeCommit', 'AfterCommit', 'BeforeEffect', 'AfterEffect'])('crashed %s', (point) => {
      it.each([1, 2, 3])('for the %ith time, carries on where it was', async (nth) => {
        let seen = 0;
        const first = makeWorld({ crashAt: (at) => at === point && ++seen === nth });
        await first.engine.start();
        await begin(first, 'crash', 4);
        const limited = Promise.race([
          runDry(first).catch(() => {}),
          new Promise((resolve) => setTimeout(resolve, 300)),
        ]);
        await limited;
        await first.engine.stop();
        const second = makeWorld({ clock: first.clock, kind: first.kind });
        await second.engine.start();
        await runDry(second);
        expect(await read(second, 'crash')).toMatchObject({ done: 4 });
        // Every step was performed; one may have been performed twice, under the same effect id.
        const all = [...first.performed, ...second.performed];
        expect(new Set(all.map((name) => name.split(':')[1]))).toEqual(new Set(['0', '1', '2', '3']));
        expect(new Set(all).size).toBe(4);
        await second.engine.stop();
      });
    });
  });

  describe('history', () => {
    const columns = 'version::int AS version, at, event, state, fingerprint';
    const historyOf = (world: { kind: string }, id: string) =>
      store.query<{
        version: number;
        at: number;
        event: { type: string };
        state: Count | null;
        fingerprint: number | null;
      }>(`SELECT ${columns} FROM history WHERE kind = $1 AND document_id = $2 ORDER BY version`, [world.kind, id]);

    it('is the creation, then every event that changed the state, with the state that it came to', async () => {
      const world = makeWorld();
      await world.engine.start();
      await begin(world, 'told', 2);
      await runDry(world);
      const rows = await historyOf(world, 'told');
      expect(rows.map(({ version, event }) => `${version} ${event.type}`)).toEqual([
        '1 Created',
        '2 StepDone',
        '3 TimerFired',
        '4 StepDone',
      ]);
      expect(rows[0]).toMatchObject({
        event: { effects: [{ type: 'Step', step: 0 }] },
        state: { goal: 2, done: 0, waiting: false },
      });
      expect(rows.slice(1).map(({ state }) => state)).toEqual([null, null, null]);
      expect(rows.at(-1)?.fingerprint).toBe(fingerprint(await read(world, 'told')));
      const told = await readLoopHistory(store, world.kind, key('told'));
      expect(told.map(({ effects }) => effects?.names)).toEqual([undefined, 'WakeAt:next', 'Step', '']);
      expect(told[2]?.effects).toEqual(effectRecord([{ type: 'Step', step: 1 } as never]));
      await world.engine.stop();
    });

    it('has several turns of one batch in order', async () => {
      const world = makeWorld();
      await begin(world, 'batch', 100);
      await Promise.all(
        Array.from({ length: 20 }, (_, step) =>
          world.engine.submit(world.kind, key('batch'), { type: 'StepDone', step }),
        ),
      );
      const rows = await historyOf(world, 'batch');
      expect(rows.slice(1).map(({ event }) => event)).toEqual(
        Array.from({ length: 20 }, (_, step) => ({ type: 'StepDone', step })),
      );
      await world.engine.stop();
    });

    it('leaves out what changed nothing', async () => {
      const world = makeWorld();
      await begin(world, 'poll', 5);
      await world.engine.submit(world.kind, key('poll'), { type: 'TimerFired', timer: 'next' });
      await world.engine.submit(world.kind, key('poll'), { type: 'StepDone', step: 4 });
      expect(await historyOf(world, 'poll')).toHaveLength(1);
      expect((await collection<Count>(world.kind).get(store, key('poll')))?.version).toBe(1);
      await world.engine.stop();
    });

    it('keeps the newest turns of a state that goes on for ever, from a beginning on', async () => {
      const world = makeWorld({ historyTurns: 300 });
      await begin(world, 'long', 10_000);
      for (let step = 0; step < 1_100; step += 50) {
        await Promise.all(
          Array.from({ length: 50 }, (_, index) =>
            world.engine.submit(world.kind, key('long'), { type: 'StepDone', step: step + index }),
          ),
        );
      }
      const rows = await historyOf(world, 'long');
      expect(rows[0]).toMatchObject({ version: 512, state: { done: 511 } });
      expect(rows.at(-1)?.version).toBe(1_101);
      expect(rows).toHaveLength(1_101 - 512 + 1);
      expect(rows.filter(({ state }) => state !== null).map(({ version }) => version)).toEqual([512, 768, 1024]);
      expect(rows.find(({ version }) => version === 768)?.fingerprint).toBe(
        fingerprint(rows.find(({ version }) => version === 768)?.state),
      );
      const read = async (options?: { reaching?: number; until?: number }) =>
        (await readLoopHistory(store, world.kind, key('long'), options)).map(({ version }) => version);
      const now = world.clock.now();
      expect((await read())[0]).toBe(512);
      expect((await read({ reaching: now - 1 }))[0]).toBe(512);
      expect((await read({ reaching: now }))[0]).toBe(1024);
      expect(await read({ until: now - 1 })).toEqual([]);
      await world.engine.stop();
    });
  });
});
