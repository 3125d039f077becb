/** What is whose where the store knows nobody's membership: leases by time, and what a broken commit may have left. */
import { describe, expect, it } from 'vitest';
import { connect, failure, MemoryDisk, type Trip } from '../../simulation/memory-store/index.ts';
import { ManualClock } from '../../src/common/index.ts';
import { defineLoop, LoopEngine } from '../../src/engine/index.ts';
import { heldEffects, renewLeases, takeOverEffects } from '../../src/engine/waiting.ts';
import { collection, type Store, type Tx } from '../../src/store/index.ts';

type List = Readonly<{ asked: number; done: readonly number[] }>;
type ListEvent = Readonly<{ type: 'Ask' } | { type: 'Done'; step: number } | { type: 'TimerFired'; timer: string }>;
type ListEffect = Readonly<{ type: 'Step'; step: number; lane: 'steps' }>;

const KIND = 'test.list';
const lists = collection<List>(KIND);
const KEY = { account: '111111111111', region: 'eu-central-1', id: 'list' };

type Process = Readonly<{ store: Store; engine: LoopEngine; die(): void }>;

type Options = Readonly<{ alone?: boolean; trip?: Trip }>;

function begin(
  disk: MemoryDisk,
  clock: ManualClock,
  owner: string,
  perform: () => Promise<void>,
  { alone = false, trip }: Options = {},
): Process {
  const store = connect(disk, { trip });
  let dead = false;
  const engine = new LoopEngine({
    store,
    clock,
    wallNow: () => clock.now(),
    wallTimer: (callback, delayMs) => clock.onReach(clock.now() + delayMs, () => void (dead || callback())),
    owner,
    alone,
    onError: () => {},
  });
  engine.register(
    defineLoop<List, ListEvent, ListEffect>({
      kind: KIND,
      decide: (state, event) => {
        switch (event.type) {
          case 'Ask':
            return {
              state: { ...state, asked: state.asked + 1 },
              effects: [{ type: 'Step', step: state.asked, lane: 'steps' }],
            };
          case 'Done':
            return { state: { ...state, done: [...state.done, event.step] }, effects: [] };
          case 'TimerFired':
            return { state, effects: [] };
        }
      },
      isFinal: () => false,
      perform: async ({ step }) => {
        await perform();
        return { type: 'Done', step };
      },
    }),
  );
  return {
    store,
    engine,
    die: () => {
      dead = true;
      store.die();
    },
  };
}

/** Second by second, each time until nothing follows any more. */
async function pass(clock: ManualClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.set(clock.now() + 1_000);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

describe('leases by time', () => {
  it('a lane of the dead is taken over, however often the living add to it', async () => {
    const [disk, clock] = [new MemoryDisk(), new ManualClock(1_000_000)];
    const doomed = begin(disk, clock, 'doomed', () => new Promise(() => {}));
    const heir = begin(disk, clock, 'heir', async () => {});
    await lists.insert(heir.store, KEY, { asked: 0, done: [] });
    await Promise.all([doomed.engine.start(), heir.engine.start()]);
    await doomed.engine.submit(KIND, KEY, { type: 'Ask' });
    doomed.die();
    for (let step = 1; step <= 5; step++) {
      await pass(clock, 8);
      // It goes to whoever has the lane: the dead one, as far as is known yet.
      await heir.engine.submit(KIND, KEY, { type: 'Ask' });
    }
    await pass(clock, 60);
    expect((await lists.get(heir.store, KEY))?.document).toEqual({ asked: 6, done: [0, 1, 2, 3, 4, 5] });
  });
});

describe('an effect of whose saving its process hears late', () => {
  it('is left alone when others took it meanwhile, though all leases have been renewed since', async () => {
    const [disk, clock] = [new MemoryDisk(), new ManualClock(1_000_000)];
    const performed: string[] = [];
    let hear: (() => void) | undefined;
    let answer: Promise<void> | undefined;
    const trip: Trip = ({ of, way }) => (of === 'Commit' && way === 'Coming' ? answer : undefined);
    const late = begin(disk, clock, 'late', async () => void performed.push('late'), { trip });
    const heir = begin(disk, clock, 'heir', async () => void performed.push('heir'));
    await lists.insert(late.store, KEY, { asked: 0, done: [] });
    await Promise.all([late.engine.start(), heir.engine.start()]);
    answer = new Promise((resolve) => (hear = resolve));
    const asked = late.engine.submit(KIND, KEY, { type: 'Ask' });
    await pass(clock, 1);
    answer = undefined;
    // It is taken for gone, and stands again; then it renews what it knows to have.
    await connect(disk).transaction((tx) => takeOverEffects(tx, { owner: 'heir', until: 9_000_000 }, () => true));
    await pass(clock, 25);
    hear?.();
    await asked;
    await pass(clock, 60);
    expect(performed).toEqual(['heir']);
    expect((await lists.get(heir.store, KEY))?.document).toEqual({ asked: 1, done: [0] });
  });
});

describe('takeOverEffects()', () => {
  it('takes nothing from one that came to renew its lease while it was decided', async () => {
    const [disk, clock] = [new MemoryDisk(), new ManualClock(1_000_000)];
    const slow = begin(disk, clock, 'slow', () => new Promise(() => {}));
    await lists.insert(slow.store, KEY, { asked: 0, done: [] });
    await slow.engine.start();
    await slow.engine.submit(KIND, KEY, { type: 'Ask' });
    const hasty = connect(disk);
    const { taken, handed } = await hasty.transaction((tx) => {
      const slowly: Tx = {
        ...tx,
        query: async (sql, parameters) => {
          if (sql.startsWith('UPDATE')) await renewLeases(slow.store, { owner: 'slow', until: 2_000_000 });
          return tx.query(sql, parameters);
        },
      };
      return takeOverEffects(slowly, { owner: 'hasty', until: 3_000_000 }, () => true);
    });
    expect([taken, handed.size]).toEqual([[], 0]);
    expect(await heldEffects(slow.store, 'slow', ['1'])).toHaveLength(1);
  });
});

describe('an engine alone', () => {
  it('finds what a commit saved whose answer was lost, even if the database is away when it first looks', async () => {
    const [disk, clock] = [new MemoryDisk(), new ManualClock(1_000_000)];
    const trouble = { answersLost: false, away: false };
    const trip: Trip = ({ of, way }) => {
      const lost = trouble.answersLost && of === 'Commit' && way === 'Coming';
      return lost || trouble.away ? Promise.reject(failure('08006', 'connection failure')) : undefined;
    };
    const process = begin(disk, clock, 'alone', async () => {}, { alone: true, trip });
    await lists.insert(process.store, KEY, { asked: 0, done: [] });
    await process.engine.start();
    trouble.answersLost = true;
    await expect(process.engine.submit(KIND, KEY, { type: 'Ask' })).rejects.toThrow('whether it happened is unknown');
    trouble.answersLost = false;
    trouble.away = true;
    await pass(clock, 25);
    trouble.away = false;
    await pass(clock, 35);
    expect((await lists.get(process.store, KEY))?.document).toEqual({ asked: 1, done: [0] });
  });
});
