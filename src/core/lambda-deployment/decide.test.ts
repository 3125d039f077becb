import { describe, expect, test } from 'vitest';
import { shiftSteps } from '../traffic-shift/index.ts';
import { decide } from './decide.ts';
import type { DeploymentEvent, DeploymentState, Original, Target } from './types.ts';
import { deploymentStatus, isEnding, targetStatus } from './view.ts';

const T0 = Date.UTC(2026, 10, 24, 6);
const MINUTE = 60_000;
const ALARM_ARN = 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:errors';
const target: Target = { functionName: 'fn', alias: 'live', currentVersion: '1', targetVersion: '2', hooks: {} };
const hooked: Target = { ...target, hooks: { BeforeAllowTraffic: 'before', AfterAllowTraffic: 'after' } };

function deployment(over: Partial<DeploymentState> = {}): DeploymentState {
  return {
    deploymentId: 'd-1',
    deploymentArn: 'arn:aws:codedeploy:us-east-1:000000000000:deployment:d-1',
    info: {},
    createdAt: T0,
    phase: { name: 'Preparing' },
    lifecycleEvents: [],
    steps: shiftSteps({ type: 'TimeBasedCanary', percent: 10, intervalMinutes: 5 }),
    stepIndex: 0,
    weightPercent: 0,
    touchedTraffic: false,
    checks: 0,
    alarms: { names: [], arns: [], ignorePollFailure: false },
    rollbackPolicy: { onFailure: false, onAlarm: false, onRequest: false },
    reservedRollbackId: 'd-2',
    hookExecutionIds: { BeforeAllowTraffic: 'hook-before', AfterAllowTraffic: 'hook-after' },
    ...over,
  };
}

const watched = { alarms: { names: ['errors'], arns: [ALARM_ARN], ignorePollFailure: false } };
const always = { rollbackPolicy: { onFailure: true, onAlarm: true, onRequest: true } };
const succeededBefore = { previousDeploymentId: 'd-0' };

/** Decides event after event; `at` moves the time. Returns the last decision. */
function play(state: DeploymentState, ...events: (DeploymentEvent | { at: number })[]) {
  let now = T0;
  let last = { state, effects: [] as readonly { type: string }[] };
  for (const event of events) {
    if ('at' in event) now = event.at;
    else last = decide(last.state, event, now);
  }
  return last;
}

const read: DeploymentEvent = { type: 'RevisionRead', target };
const clear = (check: number): DeploymentEvent => ({ type: 'AlarmsRead', check, raised: [] });
const raised: DeploymentEvent = { type: 'AlarmsRead', raised: ['errors'] };
const sound = (look: number): DeploymentEvent => ({
  type: 'OriginalRead',
  look,
  original: { exists: true, state: 'Active', minutes: [], unread: [] },
});
const set = (weightPercent: number): DeploymentEvent => ({ type: 'TrafficSet', weightPercent });
const shift: DeploymentEvent = { type: 'TimerFired', timer: 'shift' };

test('decide() moves a canary in two steps, with five minutes between them', () => {
  const first = play(deployment(), read);
  expect(first.effects).toContainEqual({ type: 'SetTraffic', weightPercent: 10, lane: 'traffic' });
  const baking = play(first.state, set(10));
  expect(baking.effects).toEqual([{ type: 'WakeAt', timer: 'shift', at: T0 + 5 * MINUTE }]);
  expect(play(baking.state, { at: T0 + 5 * MINUTE - 1 }, shift).effects).toEqual([
    { type: 'WakeAt', timer: 'shift', at: T0 + 5 * MINUTE },
  ]);
  const last = play(baking.state, { at: T0 + 5 * MINUTE }, shift);
  expect(last.effects).toEqual([{ type: 'SetTraffic', weightPercent: 100, lane: 'traffic' }]);
  const done = play(last.state, { at: T0 + 5 * MINUTE + 50 }, set(100));
  expect([deploymentStatus(done.state), targetStatus(done.state), done.state.weightPercent]).toEqual([
    'Succeeded',
    'Succeeded',
    100,
  ]);
  expect(done.effects.map((effect) => effect.type)).toEqual(['Wake', 'Announce']);
  expect(done.state.lifecycleEvents.map((event) => event.status)).toEqual(['Succeeded', 'Succeeded', 'Succeeded']);
});

test('decide() reads the alarms before it begins, before each step and before success', () => {
  let { state, effects } = play(deployment(watched), read);
  expect(effects).toContainEqual({ type: 'ReadAlarms', check: 1, lane: 'alarms' });
  expect(effects).toContainEqual({ type: 'WakeAt', timer: 'alarm:0', at: T0 + 50 * 60 * MINUTE, wakeKey: ALARM_ARN });
  ({ state, effects } = play(state, clear(1)));
  expect(effects).toEqual([{ type: 'ReadAlarms', check: 2, lane: 'alarms' }]);
  ({ state, effects } = play(state, clear(2)));
  expect(effects).toEqual([{ type: 'SetTraffic', weightPercent: 10, lane: 'traffic' }]);
  ({ state, effects } = play(state, set(10), { at: T0 + 5 * MINUTE }, shift));
  expect(effects).toEqual([{ type: 'ReadAlarms', check: 3, lane: 'alarms' }]);
  // An answer to an earlier look does not let it go on.
  expect(play(state, clear(2), { type: 'AlarmsRead', raised: [] }).effects).toEqual([]);
  ({ state, effects } = play(state, clear(3), set(100)));
  expect(effects).toEqual([{ type: 'ReadAlarms', check: 4, lane: 'alarms' }]);
  expect(deploymentStatus(play(state, clear(4)).state)).toBe('Succeeded');
});

test('decide() stops on a raised alarm, and rolls back to the deployment before', () => {
  const baking = play(
    deployment({ ...watched, ...always, ...succeededBefore }),
    read,
    clear(1),
    clear(2),
    set(10),
  ).state;
  const { state, effects } = play(baking, { at: T0 + MINUTE }, raised);
  expect(state.phase).toMatchObject({ name: 'Ended', status: 'Stopped', error: { code: 'ALARM_ACTIVE' } });
  expect(state.phase).toHaveProperty('error.message', expect.stringMatching(/Activated alarms: <errors>$/));
  expect(effects[0]).toEqual({
    type: 'CreateRollback',
    rollbackId: 'd-2',
    previousDeploymentId: 'd-0',
    moveTraffic: true,
    lane: 'rollback',
  });
  expect(state.rollbackInfo?.rollbackDeploymentId).toBe('d-2');
  expect(state.lifecycleEvents.map((event) => event.status)).toEqual(['Succeeded', 'Failed', 'Skipped']);
});

test('decide() stops a deployment whose alarm is raised already, before any traffic moves', () => {
  const { state, effects } = play(deployment({ ...watched, ...always, ...succeededBefore }), read, {
    ...raised,
    check: 1,
  } as DeploymentEvent);
  expect(deploymentStatus(state)).toBe('Stopped');
  expect(effects[0]).toMatchObject({ type: 'CreateRollback', moveTraffic: false });
});

test('decide() waits for the weight that is being set before it ends', () => {
  const moving = play(deployment({ ...watched, ...always, ...succeededBefore }), read, clear(1), clear(2)).state;
  const ending = play(moving, raised);
  expect([deploymentStatus(ending.state), isEnding(ending.state), ending.effects]).toEqual(['InProgress', true, []]);
  const ended = play(ending.state, set(10));
  expect([deploymentStatus(ended.state), ended.state.weightPercent]).toEqual(['Stopped', 10]);
  expect(ended.effects[0]?.type).toBe('CreateRollback');
});

test('decide() returns the traffic itself when there is no deployment to roll back to', () => {
  const baking = play(deployment({ ...watched, ...always }), read, clear(1), clear(2), set(10)).state;
  const looking = play(baking, raised);
  expect(looking.effects[0]).toMatchObject({ type: 'ReadOriginal', original: '1', replacement: '2' });
  const restoring = play(looking.state, sound(1));
  expect(restoring.effects).toContainEqual({ type: 'SetTraffic', weightPercent: 0, lane: 'traffic' });
  const { state } = play(restoring.state, set(0));
  expect([deploymentStatus(state), state.weightPercent]).toEqual(['Stopped', 0]);
  expect(state.rollbackInfo?.rollbackDeploymentId).toBeUndefined();
  expect(state.rollbackInfo?.message).toContain('no successful deployment to return to');
});

test('decide() stops on request and leaves the weights, unless a rollback is asked for', () => {
  const baking = play(deployment(succeededBefore), read, set(10)).state;
  const left = play(baking, { type: 'StopRequested' });
  expect(left.state).toMatchObject({ phase: { status: 'Stopped', error: { code: 'MANUAL_STOP' } }, weightPercent: 10 });
  expect(left.effects.map((effect) => effect.type)).toEqual(['Wake', 'Announce']);
  expect(play(baking, { type: 'StopRequested', rollback: true }).effects[0]?.type).toBe('CreateRollback');
  const configured = play(deployment({ ...succeededBefore, ...always }), read, set(10)).state;
  expect(play(configured, { type: 'StopRequested', rollback: false }).effects[0]?.type).toBe('Wake');
});

test('decide() runs the hooks around the shift and waits an hour for their answers', () => {
  const before = play(deployment(), { type: 'RevisionRead', target: hooked });
  expect(before.effects).toContainEqual({
    type: 'InvokeHook',
    hook: 'BeforeAllowTraffic',
    functionName: 'before',
    executionId: 'hook-before',
    lane: 'hooks',
  });
  expect(before.effects).toContainEqual({ type: 'WakeAt', timer: 'hook', at: T0 + 60 * MINUTE });
  const wrong = play(before.state, { type: 'HookAnswered', executionId: 'hook-after', succeeded: true });
  expect(wrong.state).toBe(before.state);
  const moving = play(before.state, { type: 'HookAnswered', executionId: 'hook-before', succeeded: true });
  expect(moving.effects).toContainEqual({ type: 'SetTraffic', weightPercent: 10, lane: 'traffic' });
  const silent = play(before.state, { at: T0 + 60 * MINUTE }, { type: 'TimerFired', timer: 'hook' });
  expect(silent.state.phase).toMatchObject({ status: 'Failed', error: { code: 'TIMEOUT' } });
});

test('decide() fails when a hook answers Failed, and rolls back on failure where that is configured', () => {
  const waiting = play(deployment({ ...always, ...succeededBefore }), { type: 'RevisionRead', target: hooked }).state;
  const { state, effects } = play(waiting, { type: 'HookAnswered', executionId: 'hook-before', succeeded: false });
  expect(state.phase).toMatchObject({ status: 'Failed', error: { code: 'HOOK_EXECUTION_FAILURE' } });
  expect(state.lifecycleEvents.map((event) => event.status)).toEqual(['Failed', 'Skipped', 'Skipped']);
  expect(effects).toContainEqual(expect.objectContaining({ type: 'CreateRollback', moveTraffic: false }));
});

test('decide() goes on without the alarms only where the configuration says so', () => {
  const unreadable: DeploymentEvent = {
    type: 'AlarmsRead',
    check: 1,
    raised: [],
    unreadable: { code: 'IAM_ROLE_PERMISSIONS', message: 'denied' },
  };
  expect(play(deployment(watched), read, unreadable).state.phase).toMatchObject({
    status: 'Stopped',
    error: { code: 'IAM_ROLE_PERMISSIONS' },
  });
  const ignoring = deployment({ alarms: { ...watched.alarms, ignorePollFailure: true } });
  expect(deploymentStatus(play(ignoring, read, unreadable).state)).toBe('InProgress');
});

test('decide() runs a rollback without hooks, all at once, and is not undone when it fails', () => {
  const rollback = deployment({
    ...always,
    ...succeededBefore,
    rollbackOf: { deploymentId: 'd-0', moveTraffic: true },
    steps: shiftSteps({ type: 'AllAtOnce' }),
  });
  const looking = play(rollback, { type: 'RevisionRead', target: hooked });
  expect(looking.effects).toContainEqual(
    expect.objectContaining({ type: 'ReadOriginal', original: '2', replacement: '1', look: 1 }),
  );
  const begun = play(looking.state, sound(1));
  expect(begun.effects).toContainEqual({ type: 'SetTraffic', weightPercent: 100, lane: 'traffic' });
  expect(deploymentStatus(play(begun.state, set(100)).state)).toBe('Succeeded');
  const failed = play(begun.state, {
    type: 'TrafficNotSet',
    weightPercent: 100,
    code: 'INVALID_LAMBDA_FUNCTION',
    message: 'gone',
  });
  expect(failed.state.phase).toMatchObject({ status: 'Failed' });
  expect(failed.effects.map((effect) => effect.type)).toEqual(['Wake', 'Announce']);
});

describe('decide() on a rollback of a deployment that never touched the alias', () => {
  const begun = (): DeploymentState =>
    play(
      deployment({
        rollbackOf: { deploymentId: 'd-0', moveTraffic: false },
        steps: shiftSteps({ type: 'AllAtOnce' }),
      }),
      read,
    ).state;
  const found = (look: number, original: Partial<Original>): DeploymentEvent => ({
    type: 'OriginalRead',
    look,
    original: { minutes: [], unread: [], ...original },
  });

  test('leaves it alone, and succeeds where it is as it shall be', () => {
    const { state, effects } = play(begun(), found(1, { percent: 100 }));
    expect(deploymentStatus(state)).toBe('Succeeded');
    expect(state.weightPercent).toBe(100);
    expect(effects.some((effect) => effect.type === 'SetTraffic')).toBe(false);
  });

  test('leaves it alone, and fails where somebody else has moved it', () => {
    const { state, effects } = play(begun(), found(1, { percent: 90 }));
    expect(state.phase).toMatchObject({
      status: 'Failed',
      error: { code: 'INVALID_LAMBDA_CONFIGURATION', message: expect.stringContaining('sends 90 % of its requests') },
    });
    expect(effects.map((effect) => effect.type)).not.toContain('SetTraffic');
    expect(effects.map((effect) => effect.type)).not.toContain('CreateRollback');
  });

  test('fails where the version is gone', () => {
    expect(play(begun(), found(1, { percent: 100, exists: false })).state.phase).toMatchObject({
      status: 'Failed',
      error: { code: 'INVALID_LAMBDA_FUNCTION' },
    });
  });

  test('looks again while it cannot be read, and does not claim what it has not seen', () => {
    let state = begun();
    for (let look = 1; look < 6; look++) {
      const at = T0 + 10_000 * look;
      const unknown = found(look, { unread: ['lambda:GetAlias answered 503'] });
      const before = play(state, { at: at - 10_000 }, unknown);
      expect(before.effects).toContainEqual({ type: 'WakeAt', timer: 'original', at });
      state = play(before.state, { at }, { type: 'TimerFired', timer: 'original' }).state;
      expect(deploymentStatus(state)).toBe('InProgress');
    }
    const last = found(6, { unread: ['lambda:GetAlias answered 503'] });
    expect(play(state, last).state.phase).toMatchObject({
      status: 'Failed',
      error: { message: expect.stringContaining('could not be read (lambda:GetAlias answered 503)') },
    });
    expect(deploymentStatus(play(state, found(6, { percent: 100 })).state)).toBe('Succeeded');
  });
});
