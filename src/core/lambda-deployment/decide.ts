/**
 * A deployment of a Lambda function: moves an alias from one version to another, step by step, under the eyes of alarms.
 *
 *   Preparing ─▶ CheckingAlarms ─▶ BeforeAllowTraffic ─▶ ┌▶ CheckingAlarms ─▶ Moving ─▶ Baking ─┐ ─▶ AfterAllowTraffic
 *                                                        └───────────── next step ──────────────┘        │
 *                                  Ended: Succeeded ◀── CheckingAlarms ◀────────────────────────────────┘
 *   any ── failure, alarm or stop ──▶ Ended: Failed or Stopped
 *   with a judge: Baking ─▶ Judging ─▶ CheckingAlarms, or back to Baking (`judging.ts`)
 *   a rollback: ... BeforeAllowTraffic ─▶ Returning ─▶ AfterAllowTraffic ─▶ Ended
 *
 * What always holds:
 * - The alarms are read after a step's time has come and before the step is taken, and again before success: a deployment
 *   whose alarm is raised then does not succeed.
 * - A deployment that is to end while a weight is being set waits for the answer, so that nothing of it touches the alias
 *   once it has ended and its rollback begun.
 * - `Ended` ignores every event. A rollback is a deployment of its own, watched by no alarm, without hooks, all at once.
 *
 * A rollback returns the alias to the current version of the deployment that it undoes, as far as that makes nothing worse
 * (`returning.ts`). It leaves the alias alone if that deployment never touched it, and then succeeds only where the alias is
 * seen to send all of its requests to that version.
 * Source: CodeDeploy User Guide, "Deployments on an AWS Lambda compute platform", "Redeploy and roll back a deployment".
 */
import { assert, assertNever, type Decision, type EpochMs, HOUR_MS, SECOND_MS } from '../../common/index.ts';
import type { LambdaHookName } from '../appspec/index.ts';
import {
  alarmError,
  activeDuring,
  hookError,
  noPreviousMessage,
  type Place,
  rollbackMessage,
  timeoutError,
} from './messages.ts';
import { nothingToJudgeMessage } from './judge-messages.ts';
import { badProblem, endBake, type EvidenceRead, heard, isSplit, JUDGE_POLL_MS } from './judging.ts';
import { beginReturn, decideReturn, isSetting } from './returning.ts';
import type {
  DeploymentEffect,
  DeploymentError,
  DeploymentEvent,
  DeploymentState,
  Ending,
  LifecycleEvent,
  LifecycleEventName,
  Phase,
  Target,
} from './types.ts';
import { isEnding } from './view.ts';

const ALARM_POLL_MS = 10 * SECOND_MS;
const HOOK_TIMEOUT_MS = HOUR_MS;
const DEPLOYMENT_TIMEOUT_MS = 50 * HOUR_MS;

const EVENT_NAMES: readonly LifecycleEventName[] = ['BeforeAllowTraffic', 'AllowTraffic', 'AfterAllowTraffic'];

type Result<Info> = Decision<DeploymentState<Info>, DeploymentEffect>;

/** The first state's effects. */
export const firstEffects: readonly DeploymentEffect[] = [{ type: 'ReadRevision' }];

export function isFinal(state: DeploymentState): boolean {
  return state.phase.name === 'Ended';
}

export function decide<Info>(state: DeploymentState<Info>, event: DeploymentEvent, now: EpochMs): Result<Info> {
  const { phase } = state;
  if (phase.name === 'Ended') return unchanged(state);
  if ((phase.name === 'Returning' || phase.name === 'Restoring') && isOfReturn(event)) {
    return goOnReturning(state, phase, event, now);
  }
  switch (event.type) {
    case 'RevisionRead':
      return phase.name === 'Preparing'
        ? begin({ ...state, ...withMessages(state, event.messages) }, event.target, now)
        : unchanged(state);
    case 'PreparationFailed':
      return phase.name === 'Preparing' ? fail(state, event, now) : unchanged(state);
    case 'AlarmsRead':
      return alarmsRead(state, event, now);
    case 'TrafficSet':
      return trafficSet(state, event.weightPercent, now);
    case 'TrafficNotSet':
      if (phase.name !== 'Moving' || phase.weightPercent !== event.weightPercent) return unchanged(state);
      return phase.ending === undefined
        ? fail(withPhase(state, settled(now)), event, now)
        : conclude(state, phase.ending, now);
    case 'HookNotInvoked':
      return phase.name === event.hook ? fail(state, event, now) : unchanged(state);
    case 'HookAnswered':
      return hookAnswered(state, event.executionId, event.succeeded, now);
    case 'OriginalRead':
      return unchanged(state);
    case 'EvidenceRead':
      return evidenceRead(state, event, now);
    case 'StopRequested': {
      if (isEnding(state)) return unchanged(state);
      const rollback = event.rollback ?? state.rollbackPolicy.onRequest;
      return end(
        state,
        { status: 'Stopped', code: 'MANUAL_STOP', message: 'The deployment was stopped by a user.', rollback },
        now,
      );
    }
    case 'TimerFired':
      return timerFired(state, event.timer, now);
    default:
      return assertNever(event);
  }
}

// Beginning

function begin<Info>(state: DeploymentState<Info>, target: Target, now: EpochMs): Result<Info> {
  const begun: DeploymentState<Info> = {
    ...state,
    target,
    startedAt: now,
    lifecycleEvents: EVENT_NAMES.map((name) => ({ name, status: 'Pending' })),
    ...withMessages(state, judgeMessages(state)),
  };
  const effects: DeploymentEffect[] = [
    { type: 'Announce', announcement: 'START', at: now, lane: 'announce' },
    { type: 'WakeAt', timer: 'deadline', at: state.createdAt + DEPLOYMENT_TIMEOUT_MS },
    ...watchAlarms(state, now),
  ];
  return after(effects, checkAlarms(begun, 'Begin', now));
}

function judgeMessages({ judge, steps }: DeploymentState): readonly string[] {
  return judge === undefined || steps.some(({ weightPercent }) => isSplit(weightPercent))
    ? []
    : [nothingToJudgeMessage()];
}

/** The regular look, and for each alarm a timer that its change of state makes due. */
function watchAlarms(state: DeploymentState, now: EpochMs): DeploymentEffect[] {
  if (state.alarms.names.length === 0) return [];
  return [
    { type: 'WakeAt', timer: 'alarms', at: now + ALARM_POLL_MS },
    ...state.alarms.arns.map((arn, index) => wakeByAlarm(state, arn, index)),
  ];
}

function wakeByAlarm(state: DeploymentState, wakeKey: string, index: number): DeploymentEffect {
  return { type: 'WakeAt', timer: `alarm:${index}`, at: state.createdAt + DEPLOYMENT_TIMEOUT_MS, wakeKey };
}

/** Goes on to `next` once the alarms are read and none is raised; at once where none is watched. */
function checkAlarms<Info>(
  state: DeploymentState<Info>,
  next: 'Begin' | 'Move' | 'Succeed',
  now: EpochMs,
): Result<Info> {
  if (state.alarms.names.length === 0) return proceed(state, next, now);
  const check = state.checks + 1;
  return {
    state: { ...state, checks: check, phase: { name: 'CheckingAlarms', check, next } },
    effects: [{ type: 'ReadAlarms', check, lane: 'alarms' }],
  };
}

function proceed<Info>(state: DeploymentState<Info>, next: 'Begin' | 'Move' | 'Succeed', now: EpochMs): Result<Info> {
  if (next === 'Begin') return runHook(startEvent(state, 'BeforeAllowTraffic', now), 'BeforeAllowTraffic', now);
  return next === 'Move' ? move(state, now) : succeed(state, now);
}

// Alarms

function alarmsRead<Info>(
  state: DeploymentState<Info>,
  event: Extract<DeploymentEvent, { type: 'AlarmsRead' }>,
  now: EpochMs,
): Result<Info> {
  const { phase, alarms, rollbackPolicy } = state;
  if (isEnding(state)) return unchanged(state);
  if (event.raised.length > 0) {
    return end(state, { status: 'Stopped', ...alarmError(event.raised), rollback: rollbackPolicy.onAlarm }, now);
  }
  if (event.unreadable !== undefined && !alarms.ignorePollFailure) {
    const { code, message } = event.unreadable;
    return end(state, { status: 'Stopped', code, message, rollback: rollbackPolicy.onAlarm }, now);
  }
  if (phase.name !== 'CheckingAlarms' || event.check !== phase.check) return unchanged(state);
  return proceed(state, phase.next, now);
}

// Hooks

/** The hook of a started lifecycle event, or past it where there is none. */
function runHook<Info>(state: DeploymentState<Info>, hook: LambdaHookName, now: EpochMs): Result<Info> {
  const functionName = state.rollbackOf === undefined ? state.target?.hooks[hook] : undefined;
  if (functionName === undefined) return hookDone(state, hook, now);
  const deadlineAt = now + HOOK_TIMEOUT_MS;
  return {
    state: withPhase(state, { name: hook, deadlineAt }),
    effects: [
      { type: 'InvokeHook', hook, functionName, executionId: state.hookExecutionIds[hook], lane: 'hooks' },
      { type: 'WakeAt', timer: 'hook', at: deadlineAt },
    ],
  };
}

function hookAnswered<Info>(
  state: DeploymentState<Info>,
  executionId: string,
  succeeded: boolean,
  now: EpochMs,
): Result<Info> {
  const { phase } = state;
  if (phase.name !== 'BeforeAllowTraffic' && phase.name !== 'AfterAllowTraffic') return unchanged(state);
  if (state.hookExecutionIds[phase.name] !== executionId) return unchanged(state);
  const answered = succeeded ? hookDone(state, phase.name, now) : fail(state, hookError(phase.name), now);
  return after([{ type: 'CancelTimer', timer: 'hook' }], answered);
}

function hookDone<Info>(state: DeploymentState<Info>, hook: LambdaHookName, now: EpochMs): Result<Info> {
  const done = endEvent(state, hook, 'Succeeded', now);
  if (hook === 'AfterAllowTraffic') return checkAlarms(done, 'Succeed', now);
  return checkAlarms({ ...startEvent(done, 'AllowTraffic', now), shiftStartedAt: now }, 'Move', now);
}

// Traffic

/** Takes the step whose time has come. */
function move<Info>(state: DeploymentState<Info>, now: EpochMs): Result<Info> {
  const step = state.steps[state.stepIndex];
  if (step === undefined) return trafficMoved(state, now);
  const { weightPercent } = step;
  if (state.rollbackOf !== undefined) {
    const begun = beginReturn('Rollback', placeOf(state, 'Returning'), now, !state.rollbackOf.moveTraffic);
    return { state: withPhase(state, { name: 'Returning', returning: begun.returning }), effects: begun.effects };
  }
  return {
    state: { ...state, touchedTraffic: true, phase: { name: 'Moving', weightPercent } },
    effects: [{ type: 'SetTraffic', weightPercent, lane: 'traffic' }],
  };
}

function trafficSet<Info>(state: DeploymentState<Info>, weightPercent: number, now: EpochMs): Result<Info> {
  const { phase } = state;
  if (phase.name !== 'Moving' || phase.weightPercent !== weightPercent) return unchanged(state);
  const set: DeploymentState<Info> = { ...state, weightPercent, stepIndex: state.stepIndex + 1 };
  if (phase.ending !== undefined) return conclude(set, phase.ending, now);
  const next = set.steps[set.stepIndex];
  if (next === undefined) return trafficMoved(set, now);
  const nextAt = (set.shiftStartedAt ?? now) + next.afterMs + (set.judge?.extendedMs ?? 0);
  return {
    state: withPhase(set, { name: 'Baking', nextAt }),
    effects: [
      { type: 'WakeAt', timer: 'shift', at: nextAt },
      ...(isJudged(set) ? [{ type: 'WakeAt', timer: 'judge', at: now + JUDGE_POLL_MS } as const] : []),
    ],
  };
}

function trafficMoved<Info>(state: DeploymentState<Info>, now: EpochMs): Result<Info> {
  const moved = startEvent(endEvent(state, 'AllowTraffic', 'Succeeded', now), 'AfterAllowTraffic', now);
  return runHook(moved, 'AfterAllowTraffic', now);
}

// The judge

function isJudged({ judge, weightPercent }: DeploymentState): boolean {
  return judge !== undefined && isSplit(weightPercent);
}

/** The time of a bake is over: what was seen up to now is read before anything follows. */
function askJudge<Info>(state: DeploymentState<Info>): Result<Info> {
  const { judge } = state;
  assert(judge !== undefined, 'a judged deployment has a judge');
  const look = judge.look + 1;
  return {
    state: { ...state, judge: { ...judge, look }, phase: { name: 'Judging', look } },
    effects: [{ type: 'ReadEvidence', look, lane: 'judge' }],
  };
}

function evidenceRead<Info>(before: DeploymentState<Info>, event: EvidenceRead, now: EpochMs): Result<Info> {
  if (before.judge === undefined || isEnding(before)) return unchanged(before);
  const judge = heard(before.judge, event);
  const state = { ...before, judge };
  const { functionName, targetVersion, currentVersion } = targetOf(state);
  const judged = { functionName, fresh: targetVersion, old: currentVersion };
  const stop = (problem: DeploymentError): Result<Info> =>
    end(state, { status: 'Stopped', ...problem, rollback: state.rollbackPolicy.onAlarm }, now);
  const bad = badProblem(judge, judged);
  if (bad !== undefined) return stop(bad);
  if (state.phase.name !== 'Judging' || event.look !== state.phase.look) return { state, effects: [] };
  const next = endBake(judge, state.weightPercent, judged);
  if (next.type === 'Stop') return stop(next.problem);
  const told = { ...state, ...withMessages(state, [next.message]) };
  if (next.type === 'GoOn') return checkAlarms(told, 'Move', now);
  const nextAt = now + next.byMs;
  return {
    state: { ...told, judge: next.watch, phase: { name: 'Baking', nextAt } },
    effects: [{ type: 'WakeAt', timer: 'shift', at: nextAt }],
  };
}

// Returning

/** Those that the return of traffic decides by; whatever else happens is decided as ever. */
function isOfReturn(event: DeploymentEvent): boolean {
  if (event.type === 'TimerFired') return event.timer === 'original';
  return event.type === 'OriginalRead' || event.type === 'TrafficSet' || event.type === 'TrafficNotSet';
}

function goOnReturning<Info>(
  before: DeploymentState<Info>,
  phase: Extract<Phase, { name: 'Returning' | 'Restoring' }>,
  event: DeploymentEvent,
  now: EpochMs,
): Result<Info> {
  const decision = decideReturn(phase.returning, event, placeOf(before, phase.name), now);
  const { returning, effects, outcome } = decision;
  const went = outcome !== undefined || returning !== phase.returning;
  const state: DeploymentState<Info> = {
    ...before,
    phase: { ...phase, returning },
    touchedTraffic: before.touchedTraffic || isSetting(returning),
    ...(event.type === 'TrafficSet' && went && { weightPercent: event.weightPercent }),
    ...withMessages(before, decision.messages),
  };
  const { ending } = phase;
  const stayed = outcome?.type === 'Stayed' ? outcome.problem : undefined;
  if (phase.name === 'Restoring') {
    if (outcome === undefined) return { state, effects };
    const { message } = phase.ending;
    const ends = stayed === undefined ? phase.ending : { ...phase.ending, message: `${message} ${stayed.message}` };
    return after(effects, conclude(state, ends, now, stayed === undefined));
  }
  if (ending !== undefined && (outcome !== undefined || !isSetting(returning))) return conclude(state, ending, now);
  if (outcome === undefined) return { state, effects };
  return after(
    effects,
    stayed === undefined
      ? trafficMoved(wholly(state), now)
      : conclude(state, { status: 'Failed', ...stayed, rollback: false }, now),
  );
}

function withMessages(
  { statusMessages = [] }: DeploymentState,
  messages: readonly string[] = [],
): Pick<DeploymentState, 'statusMessages'> {
  const fresh = messages.filter((message) => !statusMessages.includes(message));
  return fresh.length === 0 ? {} : { statusMessages: [...statusMessages, ...fresh] };
}

function placeOf(state: DeploymentState, phase: 'Returning' | 'Restoring'): Place {
  const { functionName, alias, currentVersion, targetVersion } = targetOf(state);
  return phase === 'Returning'
    ? { functionName, alias, original: targetVersion, replacement: currentVersion }
    : { functionName, alias, original: currentVersion, replacement: targetVersion };
}

// Timers

function timerFired<Info>(state: DeploymentState<Info>, timer: string, now: EpochMs): Result<Info> {
  const { phase } = state;
  if (timer === 'shift') {
    if (phase.name !== 'Baking') return unchanged(state);
    if (now < phase.nextAt) return { state, effects: [{ type: 'WakeAt', timer, at: phase.nextAt }] };
    return isJudged(state) ? askJudge(state) : checkAlarms(state, 'Move', now);
  }
  if (timer === 'judge') {
    if (phase.name !== 'Baking' && phase.name !== 'Judging') return unchanged(state);
    return {
      state,
      effects: [
        { type: 'ReadEvidence', lane: 'judge' },
        { type: 'WakeAt', timer, at: now + JUDGE_POLL_MS },
      ],
    };
  }
  if (timer === 'hook') {
    if (phase.name !== 'BeforeAllowTraffic' && phase.name !== 'AfterAllowTraffic') return unchanged(state);
    if (now < phase.deadlineAt) return { state, effects: [{ type: 'WakeAt', timer, at: phase.deadlineAt }] };
    return fail(state, timeoutError(`the lifecycle event ${phase.name} within an hour`), now);
  }
  if (timer === 'deadline') {
    const at = state.createdAt + DEPLOYMENT_TIMEOUT_MS;
    if (now < at) return { state, effects: [{ type: 'WakeAt', timer, at }] };
    return fail(state, timeoutError('the deployment within 50 hours'), now);
  }
  const index = timer.startsWith('alarm:') ? Number(timer.slice('alarm:'.length)) : undefined;
  const arn = index === undefined ? undefined : state.alarms.arns[index];
  if (timer !== 'alarms' && arn === undefined) return unchanged(state);
  return {
    state,
    effects: [
      { type: 'ReadAlarms', lane: 'alarms' },
      arn === undefined || index === undefined
        ? { type: 'WakeAt', timer: 'alarms', at: now + ALARM_POLL_MS }
        : wakeByAlarm(state, arn, index),
    ],
  };
}

// Ending

function succeed<Info>(state: DeploymentState<Info>, now: EpochMs): Result<Info> {
  return {
    state: { ...state, completedAt: now, phase: { name: 'Ended', status: 'Succeeded' } },
    effects: finalEffects(state, 'SUCCESS', now),
  };
}

function fail<Info>(
  state: DeploymentState<Info>,
  error: Readonly<{ code: string; message: string }>,
  now: EpochMs,
): Result<Info> {
  const { code, message } = error;
  return end(state, { status: 'Failed', code, message, rollback: state.rollbackPolicy.onFailure }, now);
}

/** Ends now, or once the weight that is being set has been set. */
function end<Info>(state: DeploymentState<Info>, ending: Ending, now: EpochMs): Result<Info> {
  const { phase } = state;
  if (isEnding(state)) return unchanged(state);
  if (phase.name === 'Moving' || (phase.name === 'Returning' && isSetting(phase.returning))) {
    return { state: withPhase(state, { ...phase, ending }), effects: [] };
  }
  return conclude(state, ending, now);
}

/**
 * Nothing touches the alias any more: return to the version before, if that is asked for, and end. `restored`: it has been
 * tried in place, and whether it came to pass.
 */
function conclude<Info>(state: DeploymentState<Info>, ending: Ending, now: EpochMs, restored?: boolean): Result<Info> {
  const rollback = ending.rollback && state.rollbackOf === undefined;
  const first = state.previousDeploymentId === undefined;
  if (rollback && first && state.touchedTraffic && restored === undefined) {
    // Differs from AWS: whether AWS leaves the weights where they are is not documented; Sluice returns the traffic.
    const begun = beginReturn('Restore', placeOf(state, 'Restoring'), now);
    return {
      state: withPhase(state, { name: 'Restoring', ending, returning: begun.returning }),
      effects: begun.effects,
    };
  }
  const { status, code, message } = ending;
  const effects = finalEffects(state, status === 'Stopped' ? 'STOP' : 'FAILURE', now);
  const ended: DeploymentState<Info> = {
    ...state,
    lifecycleEvents: state.lifecycleEvents.map((each) => cutShort(each, message, now)),
    completedAt: now,
    phase: { name: 'Ended', status, error: { code, message } },
  };
  if (!rollback) return { state: ended, effects };
  if (state.previousDeploymentId === undefined) {
    return { state: { ...ended, rollbackInfo: { message: noPreviousMessage(state, restored) } }, effects };
  }
  const rollbackId = state.reservedRollbackId;
  return {
    state: {
      ...ended,
      rollbackInfo: { rollbackDeploymentId: rollbackId, message: rollbackMessage(state.deploymentId, rollbackId) },
    },
    effects: [
      {
        type: 'CreateRollback',
        rollbackId,
        previousDeploymentId: state.previousDeploymentId,
        moveTraffic: state.touchedTraffic,
        lane: 'rollback',
      },
      ...effects,
    ],
  };
}

function finalEffects(
  state: DeploymentState,
  announcement: 'SUCCESS' | 'FAILURE' | 'STOP',
  now: EpochMs,
): DeploymentEffect[] {
  return [
    { type: 'Wake', wakeKey: state.deploymentArn },
    { type: 'Announce', announcement, at: now, lane: 'announce' },
  ];
}

// Lifecycle events

/** The running event fails, those that have not begun are skipped. */
function cutShort(event: LifecycleEvent, message: string, now: EpochMs): LifecycleEvent {
  if (event.status === 'InProgress')
    return { ...event, status: 'Failed', endedAt: now, message: activeDuring(event.name, message) };
  return event.status === 'Pending' ? { ...event, status: 'Skipped' } : event;
}

function startEvent<Info>(state: DeploymentState<Info>, name: LifecycleEventName, now: EpochMs): DeploymentState<Info> {
  return changeEvent(state, name, { status: 'InProgress', startedAt: now });
}

function endEvent<Info>(
  state: DeploymentState<Info>,
  name: LifecycleEventName,
  status: 'Succeeded',
  now: EpochMs,
): DeploymentState<Info> {
  return changeEvent(state, name, { status, endedAt: now });
}

function changeEvent<Info>(
  state: DeploymentState<Info>,
  name: LifecycleEventName,
  change: Partial<LifecycleEvent>,
): DeploymentState<Info> {
  const lifecycleEvents = state.lifecycleEvents.map((each) => (each.name === name ? { ...each, ...change } : each));
  return { ...state, lifecycleEvents };
}

// Plumbing

function unchanged<Info>(state: DeploymentState<Info>): Result<Info> {
  return { state, effects: [] };
}

function withPhase<Info>(state: DeploymentState<Info>, phase: Phase): DeploymentState<Info> {
  return { ...state, phase };
}

function targetOf(state: DeploymentState): Target {
  assert(state.target !== undefined, 'traffic moves only once the target is known');
  return state.target;
}

/** The target version has all the traffic. */
function wholly<Info>(state: DeploymentState<Info>): DeploymentState<Info> {
  return { ...state, stepIndex: state.steps.length, weightPercent: 100 };
}

/** What `Moving` becomes when the weight could not be set: nothing is under way. */
function settled(now: EpochMs): Phase {
  return { name: 'Baking', nextAt: now };
}

function after<Info>(effects: readonly DeploymentEffect[], result: Result<Info>): Result<Info> {
  return { state: result.state, effects: [...effects, ...result.effects] };
}
