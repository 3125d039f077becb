/**
 * A past deployment played once more with something changed, in the world that was recorded: what it asks is answered as it
 * was answered then, after as long as it took then. What the record does not say is assumed, and each assumption is named.
 *
 * - The alarms change their state when they did; one whose rule is changed is judged again by its datapoints.
 * - Traffic is moved as asked. The datapoints, and what the judge hears, stay those of the traffic as it was.
 * - Once the traffic was taken back, nothing is known of the new version: no alarm changes any more.
 */
import { type EpochMs, fingerprint, isoSeconds, HOUR_MS } from '../../common/index.ts';
import type { AlarmValue } from '../alarm/index.ts';
import type { Evidence } from '../judge/index.ts';
import {
  decide,
  type DeploymentEffect,
  type DeploymentEvent,
  type DeploymentState,
  isFinal,
} from '../lambda-deployment/index.ts';
import type { AlarmMove } from './alarm-play.ts';
import type { Replay, ReplayedTurn, Tagged } from './replay.ts';

/** An alarm that the deployment watches, as the world had it. */
export type WorldAlarm = Readonly<{
  name: string;
  arn: string;
  /** When the deployment was made. */
  value: AlarmValue;
  /** From then on, in order of time. */
  moves: readonly AlarmMove[];
}>;

export type PlayedTurn<State> = Readonly<{
  at: EpochMs;
  event: Tagged;
  before: State;
  after: State;
  effects: readonly Tagged[];
}>;

export type PlayedDeployment = Readonly<{
  turns: readonly PlayedTurn<DeploymentState>[];
  state: DeploymentState;
  /** What had to be assumed; sentences. */
  assumed: readonly string[];
}>;

/** The requests of both versions while the traffic was split, up to an instant. */
export type Heard = Readonly<{ evidence: readonly Evidence[]; until: EpochMs }>;

const LONGEST_MS = 51 * HOUR_MS;

export function playDeployment(
  recorded: Replay<DeploymentState>,
  first: DeploymentState,
  firstEffects: readonly Tagged[],
  alarms: readonly WorldAlarm[],
  heard?: Heard,
): PlayedDeployment {
  return new World(recorded, first, alarms, heard ?? heardIn(recorded)).play(firstEffects);
}

/** When the traffic of a recorded deployment was taken back from the new version; undefined: it never was. */
export function takenBackAt({ turns, state }: Replay<DeploymentState>): EpochMs | undefined {
  if (!state.touchedTraffic || state.phase.name !== 'Ended' || state.phase.status === 'Succeeded') return undefined;
  const back = turns.find(
    ({ effects, after }) =>
      effects.some((effect) => effect.type === 'CreateRollback') || after.phase.name === 'Restoring',
  );
  return back?.at;
}

type Waiting = Readonly<{ at: EpochMs; event: DeploymentEvent }>;

class World {
  readonly #recorded: Replay<DeploymentState>;
  readonly #alarms: readonly WorldAlarm[];
  readonly #heard: Heard;
  readonly #takenBackAt: EpochMs | undefined;
  readonly #timers = new Map<string, Readonly<{ at: EpochMs; wakeKey?: string }>>();
  readonly #waiting: Waiting[] = [];
  readonly #turns: PlayedTurn<DeploymentState>[] = [];
  readonly #assumed = new Set<string>();
  /** Weights that were never asked for then. */
  readonly #unasked: number[] = [];
  #state: DeploymentState;
  #now: EpochMs;
  /** Up to when the alarms' changes have woken whom they wake. */
  #wokenAt: EpochMs;

  constructor(recorded: Replay<DeploymentState>, first: DeploymentState, alarms: readonly WorldAlarm[], heard: Heard) {
    this.#recorded = recorded;
    this.#heard = heard;
    this.#alarms = alarms;
    this.#takenBackAt = takenBackAt(recorded);
    this.#state = first;
    this.#now = first.createdAt;
    this.#wokenAt = first.createdAt;
    // What came from outside comes again when it came.
    for (const { at, event } of recorded.turns) {
      const given = event as DeploymentEvent;
      const unreadable = given.type === 'AlarmsRead' && given.check === undefined && given.unreadable !== undefined;
      if (given.type === 'StopRequested' || unreadable) this.#waiting.push({ at, event: given });
    }
  }

  play(firstEffects: readonly Tagged[]): PlayedDeployment {
    this.#perform(firstEffects as readonly DeploymentEffect[]);
    const endAt = this.#state.createdAt + LONGEST_MS;
    while (!isFinal(this.#state)) {
      const next = this.#next();
      if (next === undefined || next > endAt) break;
      this.#now = next;
      this.#step();
    }
    if (this.#unasked.length > 0) {
      const percents = this.#unasked.map((percent) => `${percent} %`).join(', ');
      this.#assumed.add(`${percents} of the traffic was never asked for then. Assumed: it is moved as asked.`);
    }
    this.#noteTraffic();
    this.#noteLate();
    return { turns: this.#turns, state: this.#state, assumed: [...this.#assumed] };
  }

  #next(): EpochMs | undefined {
    const due = [
      ...this.#waiting.map(({ at }) => at),
      ...[...this.#timers.values()].map(({ at }) => at),
      ...this.#alarms.flatMap(({ moves }) => this.#known(moves).find(({ at }) => at > this.#now)?.at ?? []),
    ];
    return due.length === 0 ? undefined : Math.max(this.#now, Math.min(...due));
  }

  /** Everything of one instant: alarms first, as they wake the deployment; then answers; then timers. */
  #step(): void {
    for (const { arn, moves } of this.#alarms) {
      if (!this.#known(moves).some(({ at }) => at > this.#wokenAt && at <= this.#now)) continue;
      for (const [name, { wakeKey, at }] of this.#timers)
        if (wakeKey === arn) this.#timers.set(name, { wakeKey, at: Math.min(at, this.#now) });
    }
    this.#wokenAt = this.#now;
    const answers = this.#waiting.filter(({ at }) => at <= this.#now);
    for (const answer of answers) {
      this.#waiting.splice(this.#waiting.indexOf(answer), 1);
      this.#tell(answer.event);
    }
    for (const [timer, { at }] of this.#timers) {
      if (at <= this.#now && this.#timers.delete(timer)) this.#tell({ type: 'TimerFired', timer });
    }
  }

  #known(moves: readonly AlarmMove[]): readonly AlarmMove[] {
    const until = this.#takenBackAt;
    return until === undefined ? moves : moves.filter(({ at }) => at <= until);
  }

  #tell(event: DeploymentEvent): void {
    if (isFinal(this.#state)) return;
    const before = this.#state;
    const { state, effects } = decide(before, event, this.#now);
    this.#state = state;
    // As in a history: what changed nothing is no turn.
    if (state !== before) this.#turns.push({ at: this.#now, event: event as Tagged, before, after: state, effects });
    this.#perform(effects);
  }

  #perform(effects: readonly DeploymentEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'WakeAt':
          this.#timers.set(effect.timer, {
            at: effect.at,
            ...(effect.wakeKey !== undefined && { wakeKey: effect.wakeKey }),
          });
          break;
        case 'CancelTimer':
          this.#timers.delete(effect.timer);
          break;
        case 'ReadAlarms':
          this.#readAlarms(effect);
          break;
        case 'ReadEvidence':
          this.#readEvidence(effect.look);
          break;
        case 'SetTraffic':
          this.#setTraffic(effect.weightPercent);
          break;
        case 'InvokeHook':
          this.#invokeHook(effect);
          break;
        default: {
          const answer = ANSWERS[effect.type];
          if (answer !== undefined) this.#answerAsThen(effect, answer);
        }
      }
    }
  }

  #readAlarms(effect: Extract<DeploymentEffect, { type: 'ReadAlarms' }>): void {
    const then =
      effect.check === undefined
        ? this.#lookedAt(this.#now)
        : this.#answerTo(effect, ['AlarmsRead'], ({ check }) => check === effect.check);
    const readAt = this.#now + (then?.tookMs ?? 0);
    const raised = this.#alarms.filter((alarm) => this.#valueAt(alarm, readAt) === 'ALARM').map(({ name }) => name);
    const unreadable = then?.event.type === 'AlarmsRead' ? then.event.unreadable : undefined;
    this.#answer(readAt, {
      type: 'AlarmsRead',
      ...(effect.check !== undefined && { check: effect.check }),
      raised,
      ...(unreadable !== undefined && { unreadable }),
    });
  }

  /** A look that nobody waits for is in the record only where it changed something: at once, or not at all. */
  #lookedAt(at: EpochMs): Readonly<{ event: DeploymentEvent; tookMs: number }> | undefined {
    const found = this.#recorded.turns.find(
      (turn) =>
        turn.at >= at && turn.at < at + SLACK_MS && turn.event.type === 'AlarmsRead' && !('check' in turn.event),
    );
    return found && { event: found.event as DeploymentEvent, tookMs: found.at - at };
  }

  #valueAt({ value, moves }: WorldAlarm, at: EpochMs): AlarmValue {
    const until = this.#takenBackAt;
    if (until !== undefined && at > until) {
      this.#assumed.add(
        `At ${isoSeconds(until)} the traffic was taken back: what the new version would have done after it is not recorded. Assumed: no alarm changes its state from then on.`,
      );
    }
    return this.#known(moves).findLast((move) => move.at <= at)?.value ?? value;
  }

  /** What the judge heard then, from where it has heard now. */
  #readEvidence(look: number | undefined): void {
    const since = this.#state.judge?.heardUntil ?? this.#now;
    for (const { at, event } of this.#recorded.turns) {
      if (at < this.#now || at >= this.#now + SLACK_MS || event.type !== 'EvidenceRead') continue;
      if (event['since'] === since && event['look'] === look) return this.#answer(at, event as DeploymentEvent);
    }
    const { evidence, until: known } = this.#heard;
    if (this.#now > known + LAG_MS)
      this.#assumed.add(
        `What both versions got after ${isoSeconds(known)} is not recorded. Assumed: the judge hears no request from then on.`,
      );
    const until = Math.max(since, this.#now - LAG_MS);
    const news = evidence.filter(({ at }) => at >= since && at < until);
    this.#answer(this.#now, {
      type: 'EvidenceRead',
      ...(look !== undefined && { look }),
      since,
      until,
      evidence: news,
    });
  }

  #setTraffic(weightPercent: number): void {
    const events = ['TrafficSet', 'TrafficNotSet'];
    const then = this.#recordedAsks('SetTraffic').find(({ effect }) => effect['weightPercent'] === weightPercent);
    const answer = then && this.#answerAfter(then.turn, events, (event) => event['weightPercent'] === weightPercent);
    if (answer !== undefined) return this.#answer(this.#now + answer.tookMs, answer.event);
    const [other] = this.#recordedAsks('SetTraffic').flatMap(
      ({ turn }) => this.#answerAfter(turn, events, () => true) ?? [],
    );
    this.#unasked.push(weightPercent);
    this.#answer(this.#now + (other?.tookMs ?? 0), { type: 'TrafficSet', weightPercent });
  }

  #invokeHook(effect: Extract<DeploymentEffect, { type: 'InvokeHook' }>): void {
    const { hook, executionId } = effect;
    const asked = this.#recordedAsks('InvokeHook').find((ask) => ask.effect['hook'] === hook);
    const then =
      asked &&
      this.#answerAfter(
        asked.turn,
        ['HookAnswered', 'HookNotInvoked'],
        (event) => event['hook'] === hook || event['executionId'] === executionId,
      );
    if (then !== undefined) return this.#answer(this.#now + then.tookMs, then.event);
    if (asked !== undefined) {
      this.#assumed.add(`The hook of ${hook} had not answered when the deployment ended. Assumed: it never does.`);
      return;
    }
    this.#assumed.add(`The hook of ${hook} was never called then. Assumed: it answers Succeeded at once.`);
    this.#answer(this.#now, { type: 'HookAnswered', executionId, succeeded: true });
  }

  #answerAsThen(effect: DeploymentEffect, answers: readonly string[]): void {
    const then = this.#answerTo(effect as Tagged, answers, () => true);
    if (then !== undefined) this.#answer(this.#now + then.tookMs, then.event);
  }

  #answer(at: EpochMs, event: DeploymentEvent): void {
    this.#waiting.push({ at, event });
  }

  /** The turns of the record in which such an effect was decided. */
  #recordedAsks(type: string): Readonly<{ turn: ReplayedTurn | undefined; effect: Tagged }>[] {
    const asks = this.#recorded.turns.flatMap((turn) =>
      turn.effects.filter((effect) => effect.type === type).map((effect) => ({ turn, effect })),
    );
    // The first effects came with the creation.
    return type === 'ReadRevision' ? [{ turn: undefined, effect: { type } }, ...asks] : asks;
  }

  #answerTo(effect: Tagged, answers: readonly string[], fits: (event: Tagged) => boolean) {
    const same = fingerprint(effect);
    const ask = this.#recordedAsks(effect.type).find((each) => fingerprint(each.effect) === same);
    return ask && this.#answerAfter(ask.turn, answers, fits);
  }

  #answerAfter(
    turn: ReplayedTurn | undefined,
    answers: readonly string[],
    fits: (event: Tagged) => boolean,
  ): Readonly<{ event: DeploymentEvent; tookMs: number }> | undefined {
    const { turns } = this.#recorded;
    const found = turns
      .slice(turn === undefined ? 0 : turns.indexOf(turn as ReplayedTurn<DeploymentState>) + 1)
      .find(({ event }) => answers.includes(event.type) && fits(event));
    if (found === undefined) return undefined;
    return {
      event: found.event as DeploymentEvent,
      tookMs: found.at - (turn?.at ?? this.#recorded.turns[0]?.before.createdAt ?? found.at),
    };
  }

  /** An alarm that comes when nobody looks any more. */
  #noteLate(): void {
    const { phase, completedAt = 0 } = this.#state;
    if (phase.name !== 'Ended' || phase.status !== 'Succeeded') return;
    for (const { name, moves } of this.#alarms) {
      const late = this.#known(moves).find(
        ({ at, value }) => value === 'ALARM' && at > completedAt && at <= completedAt + LATE_MS,
      );
      if (late !== undefined)
        this.#assumed.add(
          `The alarm ${name} is raised at ${isoSeconds(late.at)}, when the deployment has ended: too late.`,
        );
    }
  }

  /** Says where the datapoints are those of other shares of the traffic. */
  #noteTraffic(): void {
    const then = weightsOf(this.#recorded.turns);
    const now = weightsOf(this.#turns);
    const until = Math.min(this.#takenBackAt ?? Number.POSITIVE_INFINITY, this.#now);
    for (const { at } of [...now, ...then].toSorted((one, other) => one.at - other.at)) {
      // A moment of difference is how long an answer took.
      const [was, is] = [weightAt(then, at + SLACK_MS), weightAt(now, at + SLACK_MS)];
      if (at + SLACK_MS >= until || was === is) continue;
      this.#assumed.add(
        `From ${isoSeconds(at)} on ${is} % of the requests would have gone to the new version. Assumed: the alarms (and the judge) see what was recorded at ${was} %.`,
      );
      return;
    }
  }
}

/** What the judge of a recorded deployment heard. */
function heardIn({ turns }: Replay<DeploymentState>): Heard {
  const reads = turns.flatMap(({ event }) => {
    const read = event as DeploymentEvent;
    return read.type === 'EvidenceRead' ? [read] : [];
  });
  return { evidence: reads.flatMap(({ evidence }) => evidence), until: reads.at(-1)?.until ?? 0 };
}

const SLACK_MS = 2_000;
/** A second is heard once it has ended, and been written. */
const LAG_MS = 3_000;
const LATE_MS = HOUR_MS / 2;

/** What a simple question was answered with. */
const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  ReadRevision: ['RevisionRead', 'PreparationFailed'],
};

type Weight = Readonly<{ at: EpochMs; percent: number }>;

export function weightsOf(turns: readonly PlayedTurn<DeploymentState>[]): readonly Weight[] {
  return turns
    .filter(({ before, after }) => before.weightPercent !== after.weightPercent)
    .map(({ at, after }) => ({ at, percent: after.weightPercent }));
}

function weightAt(weights: readonly Weight[], at: EpochMs): number {
  return weights.findLast((weight) => weight.at <= at)?.percent ?? 0;
}
