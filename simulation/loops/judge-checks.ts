/**
 * What must hold of the judge in the world of loops, whatever dies, waits or comes twice in between.
 *
 * - `tally`: what is counted on the disk are requests that were, each counted once.
 * - `evidence`: what a deployment has heard is what lay on the disk when it was read, each second once: nothing is lost
 *   that was there, nothing is heard twice. With one process, what was written in time is there when it is read.
 * - `verdict`: a deployment is stopped by the judge if, and only if, the statistic of what it has heard (`statistic.ts`)
 *   says so, in the moment in which it has heard it; and it goes on from a bake that is over only if the statistic says
 *   Safe, or no time is left. One that was found bad does not succeed.
 * - `extension`: all extensions together are no longer than the settings allow.
 */
import { type EpochMs, SECOND_MS } from '../../src/common/index.ts';
import type { RequestTally, SplitTally } from '../../src/services/request-tallies.ts';
import { isEnding } from '../../src/core/lambda-deployment/index.ts';
import type { Deployment } from './records.ts';
import { type Piece, type Side, type Statistic, statisticOf } from './statistic.ts';
import type { World } from './world.ts';

/** A deployment's look at the tallies: what lay on the disk at some moment from `first` to `last`. */
export type Reading = Readonly<{ since: EpochMs; until: EpochMs; first: number; last: number }>;

type Tally = Readonly<{ at: EpochMs; versions: { commit: number; tally: RequestTally }[] }>;
type Heard = { pieces: readonly Piece[]; statistic: Statistic; extensions: number };

const EXTENSION_MS = 10 * SECOND_MS;
/** Closer to a bound than this, rounding decides. */
const ROUNDING = 1e-6;
/** What is written within this is there when it is read. */
const IN_TIME_MS = 2 * SECOND_MS;

export class JudgeChecks {
  readonly #world: World;
  /** By group, in order of time. */
  readonly #tallies = new Map<string, Tally[]>();
  readonly #readings = new Map<string, Reading[]>();
  readonly #heard = new Map<string, Heard>();
  /** Counts the commits that changed a tally. */
  commits = 0;
  found = 0;
  /** Requests whose end was written when their second had been read already: nobody hears of them. */
  late = 0;

  constructor(world: World) {
    this.#world = world;
  }

  read(deploymentId: string, reading: Reading): void {
    const before = this.#readings.get(deploymentId);
    if (before === undefined) this.#readings.set(deploymentId, [reading]);
    else before.push(reading);
  }

  #fail(invariant: string, message: string): void {
    this.#world.fail(invariant, message);
  }

  // What is counted

  tallyChanged(parent: string, tally: RequestTally): void {
    this.commits += 1;
    const group = parent.slice(0, parent.lastIndexOf(':'));
    for (const split of tally.splits) {
      for (const [isOther, counted] of [
        [false, split.mainTally],
        [true, split.otherTally],
      ] as const) {
        const truth = this.#world.requests.truth(group, tally.at, split, isOther);
        const { begun, requests, dropped, failed } = counted;
        if (begun <= truth.begun && requests + dropped <= truth.ended && failed <= truth.failed) continue;
        this.#fail('tally', `${begun} begun, ${requests} ended, ${failed} failed; in truth ${JSON.stringify(truth)}`);
      }
    }
    const known = this.#tallies.get(group) ?? [];
    this.#tallies.set(group, known);
    const version = { commit: this.commits, tally };
    const same = known.find(({ at }) => at === tally.at);
    const ended = requestsOf(tally) - (same === undefined ? 0 : requestsOf(same.versions.at(-1)?.tally));
    if (same !== undefined) same.versions.push(version);
    else {
      known.push({ at: tally.at, versions: [version] });
      known.sort((a, b) => a.at - b.at);
    }
    this.#cameInTime(group, tally.at, ended);
  }

  /** Where one clock counts and reads, nobody has read on past what is written in time. */
  #cameInTime(group: string, at: EpochMs, ended: number): void {
    const { processes, circumstances } = this.#world.scenario;
    const oneClock = processes === 1 && circumstances.clockJumpGapMs === 0;
    for (const { info, judge, deploymentId, phase } of this.#world.checker.deployments()) {
      if (info.group !== group || judge === undefined || phase.name === 'Ended') continue;
      const isOver = judge.heardUntil > at && judge.heardUntil % SECOND_MS === 0;
      if (!isOver || this.#heard.get(deploymentId)?.pieces.length === 0) continue;
      this.late += ended;
      if (oneClock && this.#world.scheduler.now() - at < IN_TIME_MS)
        this.#fail('evidence', `${deploymentId} has heard up to ${judge.heardUntil} when ${at} is written`);
    }
  }

  // What is heard

  deploymentChanged(was: Deployment | undefined, now: Deployment): void {
    const { judge, deploymentId } = now;
    if (judge === undefined) return;
    const heard = this.#heardOf(now);
    const before = was?.judge;
    if (before !== undefined && before.heardUntil !== judge.heardUntil) this.#hears(now, heard, before.heardUntil);
    const { statistic } = heard;
    if (!isSameCount(judge.judge.errors?.seen, statistic)) {
      this.#fail(
        'evidence',
        `${deploymentId} has heard ${JSON.stringify(judge.judge.errors?.seen)}, and there was ${JSON.stringify(statistic.requests)}`,
      );
    }
    this.#saysWhatIsThere(was, now, statistic);
    this.#extends(was, now, heard);
  }

  #heardOf({ deploymentId, judge }: Deployment): Heard {
    let heard = this.#heard.get(deploymentId);
    if (heard === undefined && judge !== undefined) {
      heard = { pieces: [], statistic: statisticOf(judge.judge.settings, [], 0), extensions: 0 };
      this.#heard.set(deploymentId, heard);
    }
    return heard as Heard;
  }

  /** It must be what one of its readings found. */
  #hears({ deploymentId, judge, target, info }: Deployment, heard: Heard, since: EpochMs): void {
    if (judge === undefined || target === undefined) return;
    const { settings, errors } = judge.judge;
    const readings = (this.#readings.get(deploymentId) ?? []).filter(
      (reading) => reading.since === since && reading.until === judge.heardUntil,
    );
    let found: Pick<Heard, 'pieces' | 'statistic'> | undefined;
    for (const reading of readings) {
      for (let commit = reading.first; commit <= reading.last; commit++) {
        const read = this.#onDisk(info.group, target.currentVersion, target.targetVersion, reading, commit);
        const pieces = [...heard.pieces, ...read];
        const statistic = heard.statistic.bad ? heard.statistic : statisticOf(settings, pieces, heard.pieces.length);
        if (found === undefined || isSameCount(errors?.seen, statistic)) found = { pieces, statistic };
      }
    }
    if (found === undefined) this.#fail('evidence', `${deploymentId} hears up to ${judge.heardUntil} what nobody read`);
    else Object.assign(heard, found);
  }

  /** As it lay there after this commit: by spans of ten seconds and shares, in the order in which they were drawn. */
  #onDisk(group: string, old: string, fresh: string, { since, until }: Reading, commit: number): Piece[] {
    const pieces = new Map<string, { at: number; share: number; splits: SplitTally[] }>();
    for (const { at, versions } of this.#tallies.get(group) ?? []) {
      if (at < since - (since % SECOND_MS) || at >= until) continue;
      const tally = versions.findLast((version) => version.commit <= commit)?.tally;
      for (const split of tally?.splits ?? []) {
        if (split.main !== old || split.other !== fresh) continue;
        const key = `${Math.floor(at / 10_000)} ${split.share}`;
        const piece = pieces.get(key);
        if (piece === undefined) pieces.set(key, { at, share: split.share, splits: [split] });
        else piece.splits.push(split);
      }
    }
    return [...pieces.values()].map(({ at, share, splits }) => ({
      at,
      share,
      fresh: sideOf(splits.map(({ otherTally }) => otherTally)),
      old: sideOf(splits.map(({ mainTally }) => mainTally)),
    }));
  }

  // What follows from it

  #saysWhatIsThere(was: Deployment | undefined, now: Deployment, statistic: Statistic): void {
    const { deploymentId, phase, judge, weightPercent } = now;
    if (judge === undefined) return;
    const { bad, margin } = statistic;
    const doubtful = margin < ROUNDING;
    const saysBad = judge.judge.bad !== undefined;
    if (bad !== saysBad && !doubtful)
      this.#fail('verdict', `the judge of ${deploymentId} says ${judge.judge.bad}; bad by the statistic: ${bad}`);
    const ends = isEnding(now) || (phase.name === 'Ended' && phase.status !== 'Succeeded');
    if (bad && !doubtful && !ends) this.#fail('verdict', `${deploymentId} was found bad and goes on: ${phase.name}`);
    const error = phase.name === 'Ended' ? phase.error : 'ending' in phase ? phase.ending : undefined;
    if (error?.message.startsWith('The judge finds') === true) {
      if (was?.phase !== phase && phase.name === 'Ended') this.found += 1;
      if (!bad && !doubtful) this.#fail('verdict', `${deploymentId} was stopped by a judge who had no cause`);
    }
    if (was?.phase.name !== 'Judging' || phase.name === 'Judging' || phase.name === 'Baking' || ends) return;
    const { settings } = judge.judge;
    const outOfTime = judge.extendedMs >= settings.extendMs && settings.undecided === 'go';
    if (!outOfTime && !(statistic.safe || statistic.safeMargin < ROUNDING))
      this.#fail('verdict', `${deploymentId} goes on from ${weightPercent} % and was not found safe`);
  }

  #extends(was: Deployment | undefined, now: Deployment, heard: Heard): void {
    const { judge, deploymentId, phase } = now;
    if (was?.phase.name === 'Judging' && phase.name === 'Baking') heard.extensions += 1;
    const mostMs = judge?.judge.settings.extendMs ?? 0;
    if ((judge?.extendedMs ?? 0) > mostMs || heard.extensions > Math.ceil(mostMs / EXTENSION_MS))
      this.#fail(
        'extension',
        `${deploymentId} has extended bakes ${heard.extensions} times, by more than ${mostMs} ms`,
      );
  }
}

function isSameCount(seen: Statistic['requests'] | undefined, { requests }: Statistic): boolean {
  return (
    seen === undefined ||
    (seen.fresh === requests.fresh &&
      seen.freshTrue === requests.freshTrue &&
      seen.old === requests.old &&
      seen.oldTrue === requests.oldTrue)
  );
}

function requestsOf(tally: RequestTally | undefined): number {
  return (tally?.splits ?? []).reduce(
    (sum, { mainTally, otherTally }) => sum + mainTally.requests + otherTally.requests,
    0,
  );
}

function sideOf(sides: readonly Side[]): Side {
  return {
    requests: sides.reduce((sum, { requests }) => sum + requests, 0),
    failed: sides.reduce((sum, { failed }) => sum + failed, 0),
    durations: sides.flatMap(({ durations }) => durations),
  };
}
