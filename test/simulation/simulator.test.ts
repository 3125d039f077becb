/**
 * A short share of the simulator: fresh seeds, the seeds that once broke something, and the simulator itself: it replays to
 * the digest, it is not empty, and it sees what is broken on purpose.
 */
import { describe, expect, it } from 'vitest';
import { campaign, summaryOf, summed, NOTHING } from '../../simulation/campaign.ts';
import { shrink } from '../../simulation/loops/shrink.ts';
import { type AnyLoop, runWorld } from '../../simulation/loops/world.ts';
import { REGRESSIONS } from '../../simulation/regressions.ts';

describe('the world of loops', () => {
  it('breaks no invariant under a few seeds, and gets somewhere', async () => {
    const sum = await campaign(runWorld, { from: 1, count: 8, steps: 600, mostFailures: 1 });
    expect(sum.failures).toEqual([]);
    expect(sum.mischief['crash']).toBeGreaterThan(0);
    expect(sum.reached['execution Succeeded']).toBeGreaterThan(0);
    expect(sum.reached['deployment Succeeded']).toBeGreaterThan(0);
    expect(sum.reached['build SUCCEEDED']).toBeGreaterThan(0);
  });

  it('breaks no invariant of judged deployments, and finds some bad', async () => {
    const { failures, reached } = await campaign(runWorld, { from: 45, count: 1, steps: 1_000, mostFailures: 1 });
    expect(failures).toEqual([]);
    expect(reached['judged request']).toBeGreaterThan(0);
    expect(reached['found bad']).toBeGreaterThan(0);
  });

  it('takes the same steps for the same seed', async () => {
    for (const seed of [3, 4]) {
      const [first, second] = [await runWorld({ seed, steps: 400 }), await runWorld({ seed, steps: 400 })];
      expect(second).toEqual(first);
    }
  });

  it.each(REGRESSIONS)('holds under seed $options.seed, which once broke: $was', async ({ options }) => {
    expect((await runWorld(options)).violation).toBeUndefined();
  });
});

describe('the simulator', () => {
  /** Deployments that say that the traffic is set, and set nothing. */
  const lies = (loop: AnyLoop): AnyLoop =>
    loop.kind !== 'codedeploy.deployment'
      ? loop
      : {
          ...loop,
          perform: async (effect, context) =>
            effect.type === 'SetTraffic'
              ? { type: 'TrafficSet', weightPercent: effect.weightPercent }
              : loop.perform(effect, context),
        };

  it('sees what is broken on purpose, and makes it small', async () => {
    let sum = NOTHING;
    for (let seed = 1; sum.failures.length === 0 && seed < 20; seed++) {
      sum = summed(sum, summaryOf(await runWorld({ seed, steps: 600, sabotage: { loop: lies } })));
    }
    const [failure] = sum.failures;
    const invariant = failure?.violation.invariant;
    expect(invariant).toMatch(/weights/);
    const options = { seed: failure?.seed ?? 0, steps: 600, sabotage: { loop: lies } };
    const whole = await runWorld(options);
    const small = await shrink(options, whole, runWorld, 10_000);
    expect(small.outcome.violation?.invariant).toBe(invariant);
    expect(small.outcome.done.length).toBeLessThanOrEqual(whole.done.length);
    expect(small.outcome.story.join('\n')).toContain(`VIOLATED ${invariant}`);
    // What is left is enough to see it again.
    const again = await runWorld({ ...options, only: small.outcome.done });
    expect(again.violation?.invariant).toBe(invariant);
  });
});
