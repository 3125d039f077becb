/**
 * The world outside the processes: the artifact bucket, the published versions with what is wrong in them, and the aliases
 * that route requests. Calls to it travel: a request that was sent arrives even if its sender has died meanwhile, a
 * request or its answer may be lost, and a request may arrive a second time, late.
 */
import { AwsError, type EpochMs, MINUTE_MS } from '../../src/common/index.ts';
import type { Datapoint, readWindow } from '../../src/core/alarm/index.ts';
import type { Minute, Served } from '../../src/core/lambda-deployment/index.ts';
import type { Artifact } from '../../src/core/pipeline-execution/index.ts';
import { hashText, mix } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Mischief } from './mischief.ts';
import type { Circumstances } from './scenario.ts';

type ReadWindow = ReturnType<typeof readWindow>;

export type Version = Readonly<{ name: string; sha256: string; errorPercent: number }>;

export type Alias = Readonly<{
  main: string;
  /** Another version that gets a share of the requests. */
  extra?: Readonly<{ version: string; weightPercent: number }>;
  /** Changes with every update. */
  revisionId: number;
}>;

export type Routed = Readonly<{ at: EpochMs; alias: Alias; by: string }>;

/** It may be tried again: a request or an answer was lost. */
export class LostError extends Error {
  override readonly name = 'LostError';
}

export class Outside {
  readonly #scheduler: Scheduler;
  readonly #mischief: Mischief;
  readonly #circumstances: Circumstances;
  readonly #versioned: boolean;
  readonly #objects = new Map<string, { versionId: string; text: string }[]>();
  readonly #versions = new Map<string, Version>();
  readonly #routes = new Map<string, Routed[]>();
  /** Told of each change of an alias, in the moment in which it happens. */
  onRouted: (group: string, routed: Routed) => void = () => {};
  writes = 0;
  #places = 0;

  constructor(scheduler: Scheduler, mischief: Mischief, circumstances: Circumstances, versioned: boolean) {
    this.#scheduler = scheduler;
    this.#mischief = mischief;
    this.#circumstances = circumstances;
    this.#versioned = versioned;
  }

  /** Asks something of the outside. Rejects with `LostError`, or with what `answer` throws. */
  call<T>(process: string, name: string, answer: () => T): Promise<T> {
    const { callSlow, callLost, answerLost, callTwice } = this.#circumstances;
    const slow = this.#mischief.strikes('slow call', callSlow);
    const lost = this.#mischief.strikes('lost call', callLost);
    const unanswered = this.#mischief.strikes('lost answer', answerLost);
    const twice = this.#mischief.strikes('call twice', callTwice);
    return new Promise<T>((resolve, reject) => {
      const fail = (what: string): void =>
        void this.#scheduler.offer({
          process,
          label: `${name}: ${what} lost`,
          afterMs: (u) => u * 10_000,
          run: () => reject(new LostError(`the ${what} of ${name} was lost`)),
        });
      if (lost) return fail('request');
      const arrive = (): void => {
        const settle = outcomeOf(answer, resolve, reject);
        if (unanswered) return fail('answer');
        this.#scheduler.offer({ process, label: `${name} answers`, afterMs: (u) => u * 20, run: settle });
      };
      const spread = slow ? (u: number) => u * 40_000 : (u: number) => u * 30;
      this.#scheduler.offer({ label: `${name} arrives`, afterMs: spread, run: arrive });
      if (twice) {
        this.#scheduler.offer({
          label: `${name} arrives again`,
          afterMs: (u) => u * 30_000,
          run: () => void outcomeOf(answer, nobody, nobody),
        });
      }
    });
  }

  // The artifact bucket

  /** Part of a key that nobody else has. */
  newPlace(): number {
    return ++this.#places;
  }

  put(key: string, text: string): Artifact {
    this.writes += 1;
    const versionId = `version-${this.writes}`;
    const entry = { versionId, text };
    const before = this.#objects.get(key);
    if (before === undefined || !this.#versioned) this.#objects.set(key, [entry]);
    else before.push(entry);
    return {
      name: key.slice(key.lastIndexOf('/') + 1),
      bucket: 'artifacts',
      key,
      ...(this.#versioned ? { versionId } : {}),
      sha256: digestOf(text),
      bytes: text.length,
    };
  }

  /** The object as it is now, or the version of it that the artifact names. */
  get({ key, versionId }: Readonly<{ key: string; versionId?: string }>): Artifact & Readonly<{ text: string }> {
    const entries = this.#objects.get(key) ?? [];
    const entry = versionId === undefined ? entries.at(-1) : entries.find((other) => other.versionId === versionId);
    if (entry === undefined) throw new AwsError('NoSuchKey', `there is no object ${key}`);
    return {
      name: key.slice(key.lastIndexOf('/') + 1),
      bucket: 'artifacts',
      key,
      ...(this.#versioned ? { versionId: entry.versionId } : {}),
      sha256: digestOf(entry.text),
      bytes: entry.text.length,
      text: entry.text,
    };
  }

  /** Whether an object that was read holds the bytes of the artifact: digest and ETag, as who uses it checks them. */
  isUnchanged(object: Pick<Artifact, 'sha256'>, artifact: Pick<Artifact, 'sha256'>): boolean {
    return object.sha256 === artifact.sha256;
  }

  /** Somebody writes over an object. */
  overwrite(key: string): void {
    this.put(key, `tampered with, ${this.writes}`);
  }

  // Versions

  /** The version that this code was published as. */
  published(sha256: string): Version {
    let version = this.#versions.get(sha256);
    if (version === undefined) {
      const u = mix(hashText(sha256, this.#scheduler.seed)) / 4_294_967_296;
      // The first one is good: there is something to return to.
      const bad = this.#versions.size > 0 && u < this.#circumstances.badVersions;
      const errorPercent = bad ? [3, 10, 40, 100][Math.floor((u / this.#circumstances.badVersions) * 4)] : 0;
      version = { name: `v${this.#versions.size + 1}`, sha256, errorPercent: errorPercent ?? 0 };
      this.#versions.set(sha256, version);
    }
    return version;
  }

  version(name: string): Version {
    for (const version of this.#versions.values()) if (version.name === name) return version;
    throw new AwsError('ResourceNotFoundException', `there is no version ${name}`);
  }

  // Aliases

  createAlias(group: string, main: string): void {
    this.#routes.set(group, [{ at: this.#scheduler.now(), alias: { main, revisionId: 1 }, by: 'the beginning' }]);
  }

  alias(group: string): Alias {
    const alias = this.#routes.get(group)?.at(-1)?.alias;
    if (alias === undefined) throw new AwsError('ResourceNotFoundException', `there is no alias ${group}`);
    return alias;
  }

  /** As Lambda's UpdateAlias: with a revision id, refused if the alias has changed since. */
  updateAlias(group: string, to: Omit<Alias, 'revisionId'>, by: string, revisionId?: number): Alias {
    const before = this.alias(group);
    if (revisionId !== undefined && revisionId !== before.revisionId) {
      throw new AwsError('PreconditionFailedException', 'the alias has changed since it was read', { statusCode: 412 });
    }
    this.version(to.main);
    if (to.extra !== undefined) this.version(to.extra.version);
    const alias = { ...to, revisionId: before.revisionId + 1 };
    const routed = { at: this.#scheduler.now(), alias, by };
    this.#routes.get(group)?.push(routed);
    this.onRouted(group, routed);
    return alias;
  }

  /** The share of requests that a version answers, in percent. */
  weightOf(group: string, version: string): number {
    return shareOf(this.alias(group), version);
  }

  /** Percent of the alias's requests that failed, period by period. */
  datapoints(group: string, window: ReadWindow, periodMs: number): Datapoint[] {
    const startAt = window.endAt - window.count * periodMs;
    return Array.from({ length: window.count }, (_, index): Datapoint => {
      const at = startAt + index * periodMs;
      // Now and then nobody asks anything of it.
      if (mix(hashText(group, Math.floor(at / 1000))) % 20 === 0) return { at };
      return { at, value: this.#errorPercent(group, at, at + periodMs), samples: 100 };
    });
  }

  /** What two versions did in each whole minute since, of 600 requests a minute. */
  minutes(group: string, original: string, replacement: string, sinceAt: EpochMs): Minute[] {
    const minutes: Minute[] = [];
    const end = Math.floor(this.#scheduler.now() / MINUTE_MS) * MINUTE_MS;
    for (let at = Math.ceil(sinceAt / MINUTE_MS) * MINUTE_MS; at < end; at += MINUTE_MS) {
      minutes.push({
        at,
        original: this.#served(group, original, at),
        replacement: this.#served(group, replacement, at),
      });
    }
    return minutes;
  }

  #served(group: string, version: string, from: EpochMs): Served {
    const share = this.#meanOver(group, from, from + MINUTE_MS, (alias) => shareOf(alias, version));
    const requests = Math.round(6 * share);
    return { requests, failures: Math.round((requests * this.version(version).errorPercent) / 100) };
  }

  #errorPercent(group: string, from: EpochMs, to: EpochMs): number {
    return this.#meanOver(group, from, to, (alias) => this.failingPercent(alias));
  }

  #meanOver(group: string, from: EpochMs, to: EpochMs, of: (alias: Alias) => number): number {
    const routes = this.#routes.get(group) ?? [];
    let sum = 0;
    for (let index = routes.length - 1; index >= 0; index--) {
      const { at, alias } = routes[index] as Routed;
      const end = Math.min(to, routes[index + 1]?.at ?? to);
      const begin = Math.max(from, at);
      if (end > begin) sum += (end - begin) * of(alias);
      if (at <= from) break;
    }
    return sum / (to - from);
  }

  /** Percent of requests that fail while the alias is so. */
  failingPercent({ main, extra }: Alias): number {
    const share = extra?.weightPercent ?? 0;
    const ofMain = this.version(main).errorPercent * (100 - share);
    return (ofMain + (extra === undefined ? 0 : this.version(extra.version).errorPercent * share)) / 100;
  }
}

function outcomeOf<T>(answer: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): () => void {
  try {
    const value = answer();
    return () => resolve(value);
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    return () => reject(error);
  }
}

function shareOf({ main, extra }: Alias, version: string): number {
  const ofExtra = extra?.weightPercent ?? 0;
  return (main === version ? 100 - ofExtra : 0) + (extra?.version === version ? ofExtra : 0);
}

function nobody(): void {}

/** Stands for SHA-256: of these few texts, no two are alike in it. */
export function digestOf(text: string): string {
  const part = (start: number): string => hashText(text, start).toString(16).padStart(8, '0');
  return `${part(1)}${part(2)}${part(3)}${part(4)}`;
}
