/** The judge in a deployment: what it lets pass, holds up and stops, and that no evidence counts twice. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defaultJudge, type Evidence, type JudgeSettings, type Tally } from '../judge/index.ts';
import { type Routing, shiftSteps } from '../traffic-shift/index.ts';
import { decide, firstEffects } from './decide.ts';
import { newJudgeWatch } from './judging.ts';
import type { DeploymentEffect, DeploymentEvent, DeploymentState, Target } from './types.ts';

const T0 = Date.UTC(2026, 10, 24, 6);
const MINUTE_MS = 60_000;
const target: Target = { functionName: 'fn', alias: 'live', currentVersion: '1', targetVersion: '2', hooks: {} };
const CANARY: Routing = { type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 };
const { slow: _slow, ...byErrors } = defaultJudge;

function deployment(settings: JudgeSettings | undefined, routing: Routing): DeploymentState {
  return {
    deploymentId: 'd-1',
    deploymentArn: 'arn',
    info: {},
    createdAt: T0,
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    steps: shiftSteps(routing),
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    alarms: { names: [], arns: [], ignorePollFailure: false },
    ...(settings !== undefined && { judge: newJudgeWatch(settings, T0) }),
    rollbackPolicy: { onFailure: false, onAlarm: true, onRequest: false },
    previousDeploymentId: 'd-0',
    reservedRollbackId: 'd-2',
    hookExecutionIds: { BeforeAllowTraffic: 'b', AfterAllowTraffic: 'a' },
  };
}

/** What a second brings to both versions. */
type Traffic = (at: number) => Readonly<{ fresh: Tally; old: Tally }>;

const tally = (requests: number, failed = 0): Tally => ({ requests, failed, durations: [] });
const silence: Traffic = () => ({ fresh: tally(0), old: tally(0) });
const well: Traffic = () => ({ fresh: tally(2), old: tally(18) });

/** Performs effects at once, an evidence's answer `copies` times, and fires timers until the deployment ends. */
class World {
  now = T0;
  state: DeploymentState;
  rolledBack = false;
  /** When the weights were set. */
  readonly moves: (readonly [number, number])[] = [];
  readonly #timers = new Map<string, number>();
  readonly #traffic: Traffic;
  readonly #copies: number;

  constructor(state: DeploymentState, traffic: Traffic, copies = 1) {
    this.state = state;
    this.#traffic = traffic;
    this.#copies = copies;
  }

  play(): this {
    for (const effect of firstEffects) this.#perform(effect);
    while (this.state.phase.name !== 'Ended') {
      const next = [...this.#timers].sort(([, a], [, b]) => a - b)[0];
      if (next === undefined) throw new Error('nothing would ever happen');
      this.#timers.delete(next[0]);
      this.now = Math.max(this.now, next[1]);
      this.#tell({ type: 'TimerFired', timer: next[0] });
    }
    return this;
  }

  #tell(event: DeploymentEvent): void {
    const { state, effects } = decide(this.state, event, this.now);
    this.state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform(effect: DeploymentEffect): void {
    if (effect.type === 'WakeAt') this.#timers.set(effect.timer, effect.at);
    if (effect.type === 'ReadRevision') this.#tell({ type: 'RevisionRead', target });
    if (effect.type === 'CreateRollback') this.rolledBack = true;
    if (effect.type === 'SetTraffic') {
      this.moves.push([this.now - T0, effect.weightPercent]);
      this.#tell({ type: 'TrafficSet', weightPercent: effect.weightPercent });
    }
    if (effect.type === 'ReadEvidence') {
      const since = this.state.judge?.heardUntil ?? 0;
      const evidence: Evidence[] = [];
      for (let at = since; at + 1000 <= this.now; at += 1000)
        evidence.push({ at, share: this.state.weightPercent / 100, ...this.#traffic(at - T0) });
      const until = since + evidence.length * 1000;
      const { look } = effect;
      for (let copy = 0; copy < this.#copies; copy++)
        this.#tell({ type: 'EvidenceRead', ...(look !== undefined && { look }), since, until, evidence });
    }
  }
}

function play(settings: JudgeSettings | undefined, traffic: Traffic, routing = CANARY, copies = 1): World {
  return new World(deployment(settings, routing), traffic, copies).play();
}

describe('decide() with a judge', () => {
  test('goes on in time when the new version is found safe', () => {
    const world = play(byErrors, well);
    expect(world.state.phase).toEqual({ name: 'Ended', status: 'Succeeded' });
    expect(world.moves).toEqual([
      [0, 10],
      [5 * MINUTE_MS, 100],
    ]);
    expect(world.state.statusMessages).toEqual([
      'At 10 % the judge finds version 2 safe: 0 of 600 requests of version 2 failed, and 0 of 5400 of version 1.',
    ]);
  });

  test('stops a version that fails as soon as it is known, and rolls back as after an alarm', () => {
    const world = play(byErrors, (at) => ({ fresh: tally(2, at < MINUTE_MS ? 0 : 1), old: tally(18) }));
    expect(world.state.phase).toMatchObject({
      name: 'Ended',
      status: 'Stopped',
      error: {
        code: 'CUSTOMER_APPLICATION_UNHEALTHY',
        message: expect.stringMatching(/^The judge finds that version 2/),
      },
    });
    expect([world.rolledBack, world.state.weightPercent]).toEqual([true, 10]);
    expect(world.now - T0).toBe(70_000);
  });

  test('lets pass what both versions suffer', () => {
    const outage: Traffic = (at) => {
      const down = at >= MINUTE_MS && at < 2 * MINUTE_MS;
      return { fresh: tally(2, down ? 2 : 0), old: tally(18, down ? 18 : 0) };
    };
    expect(play(byErrors, outage).state.phase).toMatchObject({ status: 'Succeeded' });
  });

  test('extends a bake only for as long as evidence is missing', () => {
    // Nobody comes for six minutes.
    const world = play(byErrors, (at) => (at < 6 * MINUTE_MS ? silence(at) : well(at)));
    expect(world.state.phase).toMatchObject({ status: 'Succeeded' });
    const [, moved] = world.moves;
    expect(moved?.[0]).toBeGreaterThan(8 * MINUTE_MS);
    expect(moved?.[0]).toBeLessThan(9 * MINUTE_MS);
    expect(world.state.statusMessages?.map((message) => message.slice(0, 40))).toEqual([
      'At 10 % the judge has not enough evidenc',
      'At 10 % the judge finds version 2 safe: ',
    ]);
  });

  test('extends by no more than the limit in all, and then does as it is asked', () => {
    const settings = { ...byErrors, extendMs: 7 * MINUTE_MS };
    const steps: Routing = { type: 'TimeBasedLinear', percent: 25, intervalMinutes: 2 };
    const went = play(settings, silence, steps);
    expect(went.moves).toEqual([
      [0, 25],
      [9 * MINUTE_MS, 50],
      [11 * MINUTE_MS, 75],
      [13 * MINUTE_MS, 100],
    ]);
    const stopped = play({ ...settings, undecided: 'stop' }, silence, steps);
    expect(stopped.state.phase).toMatchObject({ status: 'Stopped' });
    expect([stopped.rolledBack, stopped.now - T0]).toEqual([true, 9 * MINUTE_MS]);
  });

  test('says that there is nothing to go by when all traffic moves at once', () => {
    const { state } = play(byErrors, silence, { type: 'AllAtOnce' });
    expect(state.phase).toMatchObject({ status: 'Succeeded' });
    expect(state.statusMessages).toEqual([expect.stringMatching(/^The judge has nothing to go by/)]);
  });

  test('never shortens a bake, never extends it beyond the limit, and hears evidence once', () => {
    const routings: fc.Arbitrary<Routing> = fc.record({
      type: fc.constantFrom('TimeBasedCanary' as const, 'TimeBasedLinear' as const),
      percent: fc.integer({ min: 20, max: 60 }),
      intervalMinutes: fc.integer({ min: 1, max: 4 }),
    });
    const scenes = fc.record({
      fresh: fc.integer({ min: 0, max: 3 }),
      failing: fc.constantFrom(0, 0, 7, 2),
      from: fc.integer({ min: 0, max: 300_000 }),
      extendMs: fc.integer({ min: 0, max: 5 * MINUTE_MS }),
      undecided: fc.constantFrom('go' as const, 'stop' as const),
    });
    fc.assert(
      fc.property(routings, scenes, (routing, { fresh, failing, from, extendMs, undecided }) => {
        const traffic: Traffic = (at) => ({
          fresh: tally(fresh, failing > 0 && at >= from && (at / 1000) % failing === 0 ? fresh : 0),
          old: tally(10),
        });
        const settings = { ...byErrors, extendMs, undecided };
        const once = play(settings, traffic, routing);
        const plain = play(undefined, traffic, routing);
        for (const [index, [at, weight]] of once.moves.entries()) {
          const [planned, same] = plain.moves[index] ?? [Infinity, 0];
          expect(weight).toBe(same);
          expect(at).toBeGreaterThanOrEqual(planned);
          expect(at).toBeLessThanOrEqual(planned + extendMs);
        }
        const { judge } = once.state;
        const bad = judge?.judge.bad !== undefined;
        const ended = once.state.phase.name === 'Ended' ? once.state.phase.status : '';
        if (bad) expect(ended).toBe('Stopped');
        if (undecided === 'go' && !bad) expect(ended).toBe('Succeeded');
        const twice = play(settings, traffic, routing, 2);
        expect(twice.state).toEqual(once.state);
      }),
      { numRuns: 60 },
    );
  });
});
