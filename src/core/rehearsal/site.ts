/** What a deployment group deploys to: requests that come in, a weight that shares them out, alarms that watch them. */
import { type EpochMs, MINUTE_MS } from '../../common/index.ts';
import {
  type AlarmDefinition,
  type AlarmEvent,
  type AlarmState,
  decide as decideAlarm,
  startAlarm,
} from '../alarm/index.ts';
import type { Evidence } from '../judge/index.ts';
import type { Minute } from '../lambda-deployment/index.ts';
import type { Release } from './faults.ts';
import type { Chance } from './random.ts';
import { grainOf, type Series, Traffic, type Workload } from './workload.ts';

export type RehearsedAlarm = Readonly<{ name: string; definition: AlarmDefinition }> & Series;

/** How long before a deployment the alarms must have watched, so that they know the old version. */
export function quietMs(alarms: readonly RehearsedAlarm[]): number {
  const longest = Math.max(
    0,
    ...alarms.map(({ definition: { rule } }) => (rule.evaluationPeriods + 2) * rule.period * 1000),
  );
  return Math.ceil(longest / MINUTE_MS) * MINUTE_MS + 2 * MINUTE_MS;
}

/** A rollback looks back as far, and some more. */
const EVIDENCE_MS = 10 * MINUTE_MS;

type Watching = { state: AlarmState; at: EpochMs; readonly series: Series };

export class Site {
  readonly #traffic: Traffic;
  readonly #alarms: readonly RehearsedAlarm[];
  #watching = new Map<string, Watching>();
  #watchedUntil = -Infinity;
  /** The number of the release that serves; that of a deployment under way is another. */
  serving = 0;
  weightPercent = 0;
  /** When the first request went to the release of this number. */
  readonly movedAt = new Map<number, EpochMs>();

  /** `judged`: a judge will want evidence. */
  constructor(alarms: readonly RehearsedAlarm[], workload: Workload, random: Chance, judged = false) {
    this.#alarms = alarms;
    const watched = alarms.map(({ definition: { rule }, ...alarm }) => ({ ...alarm, periodMs: rule.period * 1000 }));
    const publishing = workload.publishDelayMs + MINUTE_MS;
    this.#traffic = new Traffic(
      workload,
      random,
      grainOf(watched, Math.max(quietMs(alarms), EVIDENCE_MS) + publishing, workload, judged),
      -Infinity,
    );
  }

  get hurt(): number {
    return this.#traffic.hurt;
  }

  get requests(): number {
    return this.#traffic.requests;
  }

  failingPerMinute(at: EpochMs): number {
    return this.#traffic.failingPerMinute(at);
  }

  /** When an alarm is evaluated next; Infinity while nobody watches. */
  get nextAt(): EpochMs {
    let next = Infinity;
    for (const { at } of this.#watching.values()) if (at < next) next = at;
    return next;
  }

  /** A deployment of a release begins. The alarms have watched for a while. */
  open(release: Release, now: EpochMs): void {
    const quiet = quietMs(this.#alarms);
    if (this.#watchedUntil < now - quiet) {
      this.#traffic.skipTo(now - quiet);
      this.#watching = new Map(
        this.#alarms.map(({ name, definition, ...series }) => {
          const { state, effects } = startAlarm(name, definition, {}, now - quiet);
          const wake = effects.find((effect) => effect.type === 'WakeAt');
          return [name, { state, at: wake?.type === 'WakeAt' ? wake.at : Infinity, series }];
        }),
      );
    }
    for (let at = this.nextAt; at <= now; at = this.nextAt) this.evaluate(at);
    this.#traffic.advance(now);
    if (this.weightPercent === 0) this.#traffic.bring(release);
  }

  /** The deployment of a release is over. A release that has all the traffic is the one that serves now. */
  close(release: number, now: EpochMs): void {
    this.#traffic.advance(now);
    this.#watchedUntil = now;
    if (this.weightPercent < 100) return;
    this.#traffic.settle();
    this.serving = release;
    this.weightPercent = 0;
  }

  /** Evaluates the alarms that are due. Answers with those whose state is another now. */
  evaluate(now: EpochMs): readonly Readonly<{ name: string; value: string }>[] {
    this.#traffic.playWhole(now);
    const changed: { name: string; value: string }[] = [];
    for (const [name, alarm] of this.#watching) {
      if (alarm.at > now) continue;
      const before = alarm.state.current.value;
      this.#evaluateOne(alarm, now);
      const { value } = alarm.state.current;
      if (value !== before) changed.push({ name, value });
    }
    return changed;
  }

  #evaluateOne(alarm: Watching, now: EpochMs): void {
    alarm.at = Infinity;
    const events: AlarmEvent[] = [{ type: 'TimerFired', timer: 'evaluate' }];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const { state, effects } = decideAlarm(alarm.state, event, now);
      alarm.state = state;
      for (const effect of effects) {
        if (effect.type === 'WakeAt') alarm.at = effect.at;
        if (effect.type !== 'ReadDatapoints') continue;
        const { endAt, count } = effect.window;
        const periodMs = effect.definition.rule.period * 1000;
        const points = Array.from({ length: count }, (_, index) => {
          const from = endAt - (count - index) * periodMs;
          return this.#traffic.datapoint(alarm.series, from, from + periodMs, now);
        });
        events.push({ type: 'DatapointsRead', revision: effect.revision, points });
      }
    }
  }

  /** What each version served in the minutes from `sinceAt` on, as far as it is published. */
  minutes(sinceAt: EpochMs, now: EpochMs): readonly Minute[] {
    this.#traffic.advance(now);
    return this.#traffic.minutes(sinceAt, now);
  }

  evidence(since: EpochMs, now: EpochMs): Readonly<{ until: EpochMs; evidence: readonly Evidence[] }> {
    this.#traffic.advance(now);
    return this.#traffic.evidence(since, now);
  }

  raised(): readonly string[] {
    const names: string[] = [];
    for (const [name, { state }] of this.#watching) if (state.current.value === 'ALARM') names.push(name);
    return names;
  }

  weigh(release: number, weightPercent: number, now: EpochMs): void {
    this.weightPercent = weightPercent;
    if (weightPercent > 0 && !this.movedAt.has(release)) this.movedAt.set(release, now);
    this.#traffic.weigh(now, weightPercent);
  }
}
