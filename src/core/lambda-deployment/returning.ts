/**
 * The return of traffic to the original version, by a rollback deployment (`Returning`) or in place (`Restoring`).
 *
 *   Looking ── nothing bad is known ─▶ Setting 100 ─▶ Returned
 *      │ └──── it fails too ─▶ Setting a step ─▶ Watching ─▶ Looking ...
 *      └────── it would be worse ─▶ Stayed;  in steps: GoingBack ─▶ Stayed
 *   Looking ── nothing is to move, and it has all of the traffic ─▶ Returned, or else Stayed
 *
 * What always holds: with the traffic at the original not more requests fail than if nothing had been done, as far as that
 * is known; what is not known holds nothing up. So a look waits for its answer for a few seconds, no longer; and what is
 * found worse on the way is taken back to where it began.
 *
 * Differs from AWS: a rollback looks at the version it returns to, which AWS does not: one that is gone, cannot run or fails
 * more than the new version gets no traffic, and the rollback ends Failed and says what to do; one that fails as much
 * gets it in steps. See docs/adr/0014. Where the service role may not look, a rollback is what it is on AWS.
 */
import { type EpochMs, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import { bothFailMessage, elsewhereProblem, goneProblem, type Place, unreadMessage } from './messages.ts';
import { judge } from './original.ts';
import type { DeploymentEffect, DeploymentError, DeploymentEvent, Original, Returning } from './types.ts';

/** How long a look may take before the return goes on without it. */
const LOOK_MS = 10 * SECOND_MS;
/** How far back the first look goes. */
const EVIDENCE_MS = 5 * MINUTE_MS;
/** Whole minutes that a step is watched for. */
const WATCHED_MINUTES = 2;
/** Of a rollback that moves nothing, until it is known where the traffic is. */
const MOST_LOOKS = 6;
/** Of what the original lacks. */
const STEPS: readonly number[] = [0.25, 0.5];

export type ReturnOutcome = Readonly<{ type: 'Returned' } | { type: 'Stayed'; problem: DeploymentError }>;

export type ReturnDecision = Readonly<{
  returning: Returning;
  effects: readonly DeploymentEffect[];
  /** Set when it is over. */
  outcome?: ReturnOutcome;
  /** What people should know. */
  messages?: readonly string[];
}>;

/** The first look. `still`: nothing is to move. */
export function beginReturn(of: Returning['of'], place: Place, now: EpochMs, still = false): ReturnDecision {
  return look({ of, look: 0, ...(still && { still }) }, place, now - EVIDENCE_MS, now);
}

/** A weight is being set: nothing of the return may be over before its answer. */
export function isSetting({ stage }: Returning): boolean {
  return stage === 'Setting' || stage === 'GoingBack';
}

/** The weight, as deployments count it, that is being set; undefined: none is. */
export function weightOfReturn(returning: Returning): number | undefined {
  return returning.stage === 'Setting' || returning.stage === 'GoingBack'
    ? weightOf(returning.of, returning.percent)
    : undefined;
}

/** Ignores events that are not for it, or late. */
export function decideReturn(returning: Returning, event: DeploymentEvent, place: Place, now: EpochMs): ReturnDecision {
  const { stage } = returning;
  switch (event.type) {
    case 'OriginalRead':
      return stage === 'Looking' && event.look === returning.look
        ? after([{ type: 'CancelTimer', timer: 'original' }], seen(returning, event.original, place, now))
        : same(returning);
    case 'TimerFired':
      if (event.timer !== 'original' || (stage !== 'Looking' && stage !== 'Watching')) return same(returning);
      if (now < returning.waitUntil) {
        return { returning, effects: [{ type: 'WakeAt', timer: 'original', at: returning.waitUntil }] };
      }
      return stage === 'Looking' ? seen(returning, UNSEEN, place, now) : look(returning, place, returning.sinceAt, now);
    case 'TrafficSet':
      if (!isFor(returning, event.weightPercent)) return same(returning);
      if (stage === 'GoingBack') return over(returning, { type: 'Stayed', problem: returning.problem });
      if (stage !== 'Setting') return same(returning);
      return returning.percent === 100
        ? over(returning, { type: 'Returned' })
        : watch(returning, returning.percent, now);
    case 'TrafficNotSet': {
      if (!isFor(returning, event.weightPercent)) return same(returning);
      const { code, message } = event;
      const problem =
        stage === 'GoingBack'
          ? { ...returning.problem, message: `${returning.problem.message} ${message}` }
          : { code, message };
      return over(returning, { type: 'Stayed', problem });
    }
    default:
      return same(returning);
  }
}

const UNSEEN: Original = { minutes: [], unread: ['it did not answer in time'] };

type Kept = Pick<Returning, 'of' | 'still' | 'look' | 'steps'>;

function look(before: Kept, place: Place, sinceAt: EpochMs, now: EpochMs): ReturnDecision {
  const waitUntil = now + LOOK_MS;
  const next = before.look + 1;
  const { original, replacement } = place;
  return {
    returning: { ...kept(before), look: next, stage: 'Looking', waitUntil },
    effects: [
      { type: 'ReadOriginal', look: next, original, replacement, sinceAt, lane: 'original' },
      { type: 'WakeAt', timer: 'original', at: waitUntil },
    ],
  };
}

function seen(returning: Returning, original: Original, place: Place, now: EpochMs): ReturnDecision {
  if (returning.still === true) return confirm(returning, original, place, now);
  const messages = original.unread.length === 0 ? [] : [unreadMessage(place, original.unread)];
  const { steps } = returning;
  // It has all the traffic already: there is nothing to be worse than.
  if (steps === undefined && original.percent === 100) return set(returning, 100, messages);
  const judgement = judge(original, place, steps !== undefined);
  switch (judgement.kind) {
    case 'AtOnce':
      return set(returning, 100, messages);
    case 'Stay': {
      const { problem } = judgement;
      if (steps === undefined || steps.percent === steps.startPercent)
        return { ...over(returning, { type: 'Stayed', problem }), messages };
      const percent = steps.startPercent;
      return {
        returning: { ...kept(returning), stage: 'GoingBack', percent, problem },
        effects: [setTraffic(returning.of, percent)],
        messages,
      };
    }
    case 'InSteps': {
      // Where the weights are cannot be read: there is no step that would surely be one.
      const startPercent = steps?.startPercent ?? original.percent;
      if (startPercent === undefined) return set(returning, 100, messages);
      const percent = steps?.percent ?? startPercent;
      const told = judgement.seen === undefined || steps !== undefined ? [] : [bothFailMessage(place, judgement.seen)];
      const stepping: Returning = { ...returning, steps: { startPercent, percent } };
      return set(stepping, nextPercent(startPercent, percent), [...messages, ...told]);
    }
  }
}

/** Nothing is moved, but a rollback succeeds only where the traffic is seen to be at the version that it returns to. */
function confirm(returning: Returning, original: Original, place: Place, now: EpochMs): ReturnDecision {
  if (original.exists === false) return over(returning, { type: 'Stayed', problem: goneProblem(place) });
  if (original.percent === 100) return over(returning, { type: 'Returned' });
  if (original.percent === undefined && returning.look < MOST_LOOKS) {
    const waitUntil = now + LOOK_MS;
    return {
      returning: { ...kept(returning), stage: 'Watching', waitUntil, sinceAt: now },
      effects: [{ type: 'WakeAt', timer: 'original', at: waitUntil }],
    };
  }
  return over(returning, { type: 'Stayed', problem: elsewhereProblem(place, original) });
}

function set(returning: Returning, percent: number, messages: readonly string[]): ReturnDecision {
  return {
    returning: { ...kept(returning), stage: 'Setting', percent },
    effects: [setTraffic(returning.of, percent)],
    messages,
  };
}

/** Whole minutes after this one, in which every request was sent by the weight that is set now. */
function watch(returning: Returning, percent: number, now: EpochMs): ReturnDecision {
  const sinceAt = Math.ceil(now / MINUTE_MS) * MINUTE_MS;
  const waitUntil = sinceAt + WATCHED_MINUTES * MINUTE_MS;
  const startPercent = returning.steps?.startPercent ?? percent;
  return {
    returning: { ...kept(returning), stage: 'Watching', waitUntil, sinceAt, steps: { startPercent, percent } },
    effects: [{ type: 'WakeAt', timer: 'original', at: waitUntil }],
  };
}

function nextPercent(startPercent: number, percent: number): number {
  const lacking = 100 - startPercent;
  return STEPS.map((part) => Math.floor(startPercent + lacking * part)).find((step) => step > percent) ?? 100;
}

function setTraffic(of: Returning['of'], percent: number): DeploymentEffect {
  return { type: 'SetTraffic', weightPercent: weightOf(of, percent), lane: 'traffic' };
}

/** A deployment's weight is that of its target version: of a rollback the original, of any other the replacement. */
function weightOf(of: Returning['of'], percent: number): number {
  return of === 'Rollback' ? percent : 100 - percent;
}

function isFor(returning: Returning, weightPercent: number): boolean {
  return weightOfReturn(returning) === weightPercent;
}

function kept({ of, still, look: count, steps }: Kept): Kept {
  return { of, ...(still === true && { still }), look: count, ...(steps !== undefined && { steps }) };
}

function over(returning: Returning, outcome: ReturnOutcome): ReturnDecision {
  return { returning, effects: [], outcome };
}

function same(returning: Returning): ReturnDecision {
  return { returning, effects: [] };
}

function after(effects: readonly DeploymentEffect[], decision: ReturnDecision): ReturnDecision {
  return { ...decision, effects: [...effects, ...decision.effects] };
}
