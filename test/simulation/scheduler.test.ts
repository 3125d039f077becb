/** The scheduler itself: the same seed takes the same steps, another seed others, and the dead do nothing. */
import { describe, expect, it } from 'vitest';
import { SimulatedClock } from '../../simulation/clock.ts';
import { Random } from '../../simulation/random.ts';
import { Scheduler } from '../../simulation/scheduler.ts';

/** Three walkers that wait by turns, with microtasks of different depth in between. */
async function walk(seed: number): Promise<{ digest: string; order: string[]; now: number }> {
  const scheduler = new Scheduler({ seed, startAt: 1_000 });
  const order: string[] = [];
  const walker = async (name: string, depth: number): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) {
      await scheduler.wait({ process: name, label: name, afterMs: (u) => Math.floor(u * 3) });
      for (let i = 0; i < depth; i++) await Promise.resolve();
      order.push(name);
    }
  };
  for (const [depth, name] of ['a', 'b', 'c'].entries()) void walker(name, depth * 7);
  await scheduler.run(() => false);
  return { digest: scheduler.digest(), order, now: scheduler.now() };
}

describe('Scheduler', () => {
  it('takes the same steps for the same seed, and others for another', async () => {
    const first = await walk(7);
    expect(first.order).toHaveLength(60);
    expect(await walk(7)).toEqual(first);
    expect((await walk(8)).digest).not.toBe(first.digest);
  });

  it('drains whatever follows from a step before the next is taken', async () => {
    const scheduler = new Scheduler({ seed: 1, startAt: 0 });
    const order: string[] = [];
    for (let i = 0; i < 5; i++) {
      scheduler.offer({
        label: 'x',
        run: () => {
          void (async () => {
            order.push('begin');
            for (let depth = 0; depth < 50; depth++) await Promise.resolve();
            order.push('end');
          })();
        },
      });
    }
    await scheduler.run(() => false);
    expect(order).toEqual(Array.from({ length: 5 }, () => ['begin', 'end']).flat());
  });

  it('kill() drops what the process waits for, and what it offers later', async () => {
    const scheduler = new Scheduler({ seed: 1, startAt: 0 });
    const done: string[] = [];
    void scheduler.wait({ process: 'a', label: 'a' }).then(() => done.push('a'));
    void scheduler.wait({ process: 'b', label: 'b' }).then(() => done.push('b'));
    scheduler.kill('a');
    void scheduler.wait({ process: 'a', label: 'a' }).then(() => done.push('a, later'));
    await scheduler.run(() => false);
    expect(done).toEqual(['b']);
  });

  it('hold() stops it until real work has ended', async () => {
    const scheduler = new Scheduler({ seed: 1, startAt: 0 });
    const order: string[] = [];
    scheduler.offer({
      label: 'real',
      run: () => {
        const release = scheduler.hold();
        setImmediate(() => {
          order.push('real work');
          release();
        });
      },
    });
    scheduler.offer({ label: 'next', afterMs: 1, run: () => void order.push('next') });
    await scheduler.run(() => false);
    expect(order).toEqual(['real work', 'next']);
  });

  it('run() hands on what a step throws', async () => {
    const scheduler = new Scheduler({ seed: 1, startAt: 0 });
    scheduler.offer({
      label: 'x',
      run: () => {
        throw new Error('broken');
      },
    });
    await expect(scheduler.run(() => false)).rejects.toThrow('broken');
  });

  it('leaving one thing out leaves the order of the others', async () => {
    const order = async (without: string): Promise<string> => {
      const scheduler = new Scheduler({ seed: 3, startAt: 0 });
      const done: string[] = [];
      for (const label of 'abcdefgh') {
        if (label !== without) scheduler.offer({ label, run: () => void done.push(label) });
      }
      await scheduler.run(() => false);
      return done.join('');
    };
    const whole = await order('');
    for (const label of whole) expect(await order(label)).toBe(whole.replace(label, ''));
  });
});

describe('SimulatedClock', () => {
  it('jump() does not make a timer fire before its time by the clock', async () => {
    const scheduler = new Scheduler({ seed: 1, startAt: 0 });
    const clock = new SimulatedClock(scheduler, 'a');
    const fired: number[] = [];
    clock.onReach(100, () => fired.push(clock.now()));
    clock.jump(-50);
    await scheduler.run(() => false);
    expect(fired).toEqual([100]);
    expect(scheduler.now()).toBe(150);
  });
});

describe('Random', () => {
  it('draws the same for the same seed and purpose, evenly', () => {
    const draws = (seed: number, purpose: string): number[] => {
      const random = new Random(seed, purpose);
      return Array.from({ length: 1_000 }, () => random.uniform());
    };
    expect(draws(1, 'a')).toEqual(draws(1, 'a'));
    expect(draws(1, 'a')).not.toEqual(draws(1, 'b'));
    expect(draws(1, 'a')).not.toEqual(draws(2, 'a'));
    const mean = draws(5, 'mean').reduce((sum, u) => sum + u, 0) / 1_000;
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.05);
  });
});
