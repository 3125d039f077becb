/** Who is told of processes that are gone, where the database fails while it is found out. On a simulated database. */
import { describe, expect, it } from 'vitest';
import { HouseFaults } from '../../simulation/house/faults.ts';
import { Sessions } from '../../simulation/house/sessions.ts';
import { BlobDisk } from '../../simulation/memory-blobs.ts';
import { connect, failure, MemoryDisk, type Trip } from '../../simulation/memory-store/index.ts';
import { Scheduler } from '../../simulation/scheduler.ts';
import { ManualClock } from '../../src/common/index.ts';
import { type Membership, openMembership } from '../../src/store/index.ts';

function makeWorld() {
  const [disk, clock] = [new MemoryDisk(), new ManualClock(1_000_000)];
  const scheduler = new Scheduler({ seed: 1, startAt: 0 });
  const sessions = new Sessions(scheduler, new HouseFaults(scheduler, new BlobDisk()));
  const join = (name: string, trip?: Trip): Promise<Membership> =>
    openMembership({
      store: sessions.seen(connect(disk, { trip })),
      client: () => sessions.client(name),
      about: { host: name, pid: 1, clock: 'real' },
      wallNow: () => clock.now(),
      wallTimer: (callback, delayMs) => clock.onReach(clock.now() + delayMs, callback),
    });
  const pass = async (seconds: number): Promise<void> => {
    for (let n = 0; n < seconds * 4; n++) {
      clock.set(clock.now() + 250);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  return { sessions, join, pass };
}

describe('onGone()', () => {
  it('is told again for as long as it fails, and then no more', async () => {
    const { sessions, join, pass } = makeWorld();
    const [doomed, heir] = [await join('doomed'), await join('heir')];
    const told: (readonly string[])[] = [];
    heir.onGone(async (names) => {
      told.push(names);
      if (told.length < 3) throw new Error('The database does not answer.');
    });
    heir.watch();
    sessions.break('doomed');
    await pass(10);
    expect(told).toEqual([[doomed.self], [doomed.self], [doomed.self]]);
  });

  it('is told by one that did not hear whether it was the one that found out', async () => {
    const { sessions, join, pass } = makeWorld();
    let answersUntilLost = Infinity;
    const trip: Trip = ({ way }) =>
      way === 'Coming' && --answersUntilLost === 0 ? Promise.reject(failure('08006', 'connection failure')) : undefined;
    const [doomed, heir] = [await join('doomed'), await join('heir', trip)];
    const told: (readonly string[])[] = [];
    heir.onGone(async (names) => void told.push(names));
    heir.watch();
    sessions.break('doomed');
    await pass(1);
    // A beat asks twice, and the one that finds out a third time: it removes the record.
    answersUntilLost = 5;
    await pass(9);
    expect(answersUntilLost).toBeLessThan(0);
    expect(told).toEqual([[doomed.self]]);
  });

  it('is not told of one that comes in while it is looked who is gone', async () => {
    const { join, pass } = makeWorld();
    const gates: (Promise<void> | undefined)[] = [];
    const heir = await join('heir', ({ way }) => (way === 'Going' ? gates.shift() : undefined));
    const told: (readonly string[])[] = [];
    heir.onGone(async (names) => void told.push(names));
    const opens: (() => void)[] = [];
    const shut = (): Promise<void> => new Promise((resolve) => void opens.push(resolve));
    // A beat looks; another look begins; whatever either asks after the first two questions is slow, the last the least.
    gates.push(undefined, undefined, shut(), shut());
    heir.watch();
    await pass(0.5);
    const standing = heir.standing();
    const newcomer = await join('newcomer');
    for (const open of opens.toReversed()) {
      open();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await standing;
    await pass(5);
    expect(told).toEqual([]);
    expect(await heir.standing()).toContain(newcomer.self);
  });
});
