/**
 * Places at which a server kills itself when it is told to: for tests of what survives (docs/adr/0013, `npm run torture`).
 * `SLUICE_CRASH_AT=AfterCommit:17` is SIGKILL at the seventeenth pass of that place. Nothing else is done there, and
 * without the setting nothing at all.
 *
 *   BeforeCommit, AfterCommit, BeforeEffect, AfterEffect   of the engine
 *   BeforeWrite, AfterWrite     the commit of any transaction, an API call's or the engine's
 *   AfterHandler                a call was handled, and its answer is not on its way
 *   AfterBlob                   a blob is on the disk, and no document names it yet
 *   AfterMigration              one of several migrations has been applied
 *   AfterJoin, AfterResume      of a start: the process has come in; its unfinished effects are its own
 */
import type { CrashPoint } from '../engine/index.ts';
import type { Blobs, Store } from '../store/index.ts';

export const CRASH_POINTS = [
  'BeforeCommit',
  'AfterCommit',
  'BeforeEffect',
  'AfterEffect',
  'BeforeWrite',
  'AfterWrite',
  'AfterHandler',
  'AfterBlob',
  'AfterMigration',
  'AfterJoin',
  'AfterResume',
] as const satisfies readonly (CrashPoint | string)[];

export type PlaceToCrash = (typeof CRASH_POINTS)[number];
export type CrashAt = Readonly<{ place: PlaceToCrash; pass: number }>;

/** `AfterCommit:17`; undefined for anything else. */
export function parseCrashAt(text: string): CrashAt | undefined {
  const [place, pass = '1', ...rest] = text.split(':');
  const known = CRASH_POINTS.find((name) => name === place);
  const number = Number(pass);
  if (known === undefined || rest.length > 0 || !Number.isInteger(number) || number < 1) return undefined;
  return { place: known, pass: number };
}

/** Undefined where nothing is to crash. `kill` does not return. */
export function crashPoints(at: CrashAt | undefined, kill: () => void): ((place: PlaceToCrash) => void) | undefined {
  if (at === undefined) return undefined;
  let passes = 0;
  return (place) => {
    if (place !== at.place) return;
    passes += 1;
    if (passes === at.pass) kill();
  };
}

export function crashingStore(store: Store, pass: (place: PlaceToCrash) => void): Store {
  return {
    kind: store.kind,
    query: (sql, parameters) => store.query(sql, parameters),
    transaction: async (work) => {
      const result = await store.transaction(async (tx) => {
        const outcome = await work(tx);
        pass('BeforeWrite');
        return outcome;
      });
      pass('AfterWrite');
      return result;
    },
    close: () => store.close(),
  };
}

export function crashingBlobs(blobs: Blobs, pass: (place: PlaceToCrash) => void): Blobs {
  return {
    put: async (source) => {
      const info = await blobs.put(source);
      pass('AfterBlob');
      return info;
    },
    read: (digest, range) => blobs.read(digest, range),
    readAll: (digest) => blobs.readAll(digest),
    has: (digest) => blobs.has(digest),
    delete: (digest) => blobs.delete(digest),
  };
}
