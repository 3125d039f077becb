import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type BuildEvent,
  type BuildState,
  currentPhase,
  decide,
  isFinal,
  MAX_RESTARTS,
  submitBuild,
} from './decide.ts';
import type { OnFailure, RunPhase } from './phases.ts';

const submitted = () => submitBuild({ id: 'p:1', arn: 'arn:build', definition: {}, queuedTimeoutMs: 480_000 }, 1_000);

function run(events: readonly BuildEvent[], from: BuildState = submitted().state): BuildState {
  return events.reduce((state, event) => decide(state, event, 2_000).state, from);
}

const ended = (phase: RunPhase, failed = false, onFailure?: OnFailure, runNumber = 1): BuildEvent => ({
  type: 'PhaseEnded',
  run: runNumber,
  phase,
  failed,
  contexts: failed ? [{ statusCode: 'COMMAND_EXECUTION_ERROR', message: 'no' }] : [],
  ...(onFailure === undefined ? {} : { onFailure }),
});
const types = (state: BuildState) => state.phases.map(({ phaseType }) => phaseType);
const ADMITTED: BuildEvent = { type: 'Admitted' };
const toInstall = [ADMITTED, ended('PROVISIONING'), ended('DOWNLOAD_SOURCE')];
const toBuild = [...toInstall, ended('INSTALL'), ended('PRE_BUILD')];

describe('decide()', () => {
  it('runs every phase and succeeds', () => {
    const state = run([
      ...toBuild,
      ended('BUILD'),
      ended('POST_BUILD'),
      ended('UPLOAD_ARTIFACTS'),
      ended('FINALIZING'),
    ]);
    expect(state.status).toBe('SUCCEEDED');
    expect(types(state).slice(-4)).toEqual(['POST_BUILD', 'UPLOAD_ARTIFACTS', 'FINALIZING', 'COMPLETED']);
    expect(state.endedAt).toBe(2_000);
  });

  it('goes to FINALIZING after a failed INSTALL, and on with CONTINUE', () => {
    expect(currentPhase(run([...toInstall, ended('INSTALL', true)]))).toBe('FINALIZING');
    expect(currentPhase(run([...toInstall, ended('INSTALL', true, 'CONTINUE')]))).toBe('PRE_BUILD');
  });

  it('runs POST_BUILD after a failed BUILD, unless told to abort; fails either way', () => {
    expect(currentPhase(run([...toBuild, ended('BUILD', true)]))).toBe('POST_BUILD');
    expect(currentPhase(run([...toBuild, ended('BUILD', true, 'ABORT')]))).toBe('FINALIZING');
    const state = run([
      ...toBuild,
      ended('BUILD', true, 'CONTINUE'),
      ended('POST_BUILD'),
      ended('UPLOAD_ARTIFACTS'),
      ended('FINALIZING'),
    ]);
    expect(state.status).toBe('FAILED');
  });

  it('times out in the queue, by the clock', () => {
    const state = run([{ type: 'TimerFired', timer: 'QueueTimeout' }]);
    expect(state.status).toBe('TIMED_OUT');
    expect(state.phases[1]).toMatchObject({ phaseType: 'QUEUED', status: 'TIMED_OUT' });
  });

  it('stops at once in the queue, and when the processes are gone otherwise', () => {
    expect(run([{ type: 'StopRequested' }]).status).toBe('STOPPED');
    const { state, effects } = decide(run(toBuild), { type: 'StopRequested' }, 3_000);
    expect(state.status).toBe('IN_PROGRESS');
    expect(effects).toEqual([{ type: 'Kill', run: 1, lane: 'kill' }]);
    const stopped = decide(state, { type: 'Stopped', run: 1 }, 4_000);
    expect(stopped.state.status).toBe('STOPPED');
    expect(stopped.effects).toContainEqual({ type: 'Wake', wakeKey: 'arn:build' });
  });

  it('queues again a build that was interrupted before its commands, but not for ever', () => {
    let state = run([ADMITTED, ended('PROVISIONING')]);
    for (let restart = 1; restart <= MAX_RESTARTS; restart++) {
      state = decide(state, { type: 'Interrupted' }, 3_000).state;
      expect(types(state)).toEqual(['SUBMITTED', 'QUEUED']);
      state = decide(state, ADMITTED, 3_000).state;
    }
    expect(decide(state, { type: 'Interrupted' }, 3_000).state.status).toBe('FAULT');
  });

  it('lets a build wait no longer than it may once it is back in line', () => {
    const back = decide(run([ADMITTED]), { type: 'Interrupted' }, 3_000);
    expect(back.effects).toEqual([{ type: 'WakeAt', timer: 'QueueTimeout', at: 483_000 }, { type: 'Enqueue' }]);
    expect(decide(back.state, { type: 'TimerFired', timer: 'QueueTimeout' }, 483_000).state.status).toBe('TIMED_OUT');
  });

  it('ends in FAULT a build that was interrupted after its commands began', () => {
    const state = run([...toInstall, { type: 'Interrupted' }]);
    expect(state.status).toBe('FAULT');
    expect(state.phases.at(-2)).toMatchObject({ phaseType: 'INSTALL', status: 'FAULT' });
  });

  it('ignores what an earlier run reports', () => {
    const again = run([ADMITTED, { type: 'Interrupted' }, ADMITTED]);
    expect(decide(again, ended('PROVISIONING', false, undefined, 1), 3_000).state).toBe(again);
    expect(currentPhase(run([ended('PROVISIONING', false, undefined, 2)], again))).toBe('DOWNLOAD_SOURCE');
  });

  it('keeps final states final, and succeeds only through an unfailed FINALIZING', () => {
    const phase = fc.constantFrom<RunPhase>(
      'PROVISIONING',
      'DOWNLOAD_SOURCE',
      'INSTALL',
      'PRE_BUILD',
      'BUILD',
      'POST_BUILD',
      'UPLOAD_ARTIFACTS',
      'FINALIZING',
    );
    const event: fc.Arbitrary<BuildEvent> = fc.oneof(
      fc.constant(ADMITTED),
      fc
        .tuple(phase, fc.boolean(), fc.integer({ min: 1, max: 2 }))
        .map(([p, failed, n]) => ended(p, failed, undefined, n)),
      fc.constantFrom<BuildEvent>(
        { type: 'StopRequested' },
        { type: 'Stopped', run: 1 },
        { type: 'RanOutOfTime', run: 1 },
        { type: 'RunnerFailed', run: 1, message: 'disk full' },
        { type: 'Interrupted' },
        { type: 'TimerFired', timer: 'QueueTimeout' },
      ),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        let state: BuildState = submitted().state;
        for (const each of events) {
          const next = decide(state, each, 5_000);
          if (isFinal(state)) expect(next).toEqual({ state, effects: [] });
          state = next.state;
          const open = state.phases.filter(({ endedAt }) => endedAt === undefined);
          expect(open).toHaveLength(1);
          expect(isFinal(state)).toBe(currentPhase(state) === 'COMPLETED');
          if (state.status === 'SUCCEEDED') {
            expect(state.phases.slice(0, -1).every(({ status }) => status === 'SUCCEEDED')).toBe(true);
            expect(types(state)).toContain('UPLOAD_ARTIFACTS');
          }
        }
      }),
    );
  });
});
