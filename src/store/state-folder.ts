/**
 * Takes the state folder: one Sluice process at a time. The folder has mode 0700 (0710 for the database server's group
 * where Sluice is root, see `native/server-user.ts`); `lock` in it names the owner by process id and start time, so a
 * lock whose owner is gone, or whose id was given to another program since, is taken over.
 *
 * Processes that do not see each other (two containers on one volume) cannot be told apart from dead ones: give each its
 * own folder, or share a database by URL.
 */
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { AwsError } from '../common/index.ts';
import { isAlive, startMark } from './process-table.ts';

export interface StateFolder {
  /** Absolute. */
  readonly path: string;
  /** Gives the folder up. Calling it twice is harmless. */
  release(): Promise<void>;
}

export type StateFolderReason = 'InUse' | 'ReadOnly' | 'Full' | 'Denied' | 'NotAFolder';

/**
 * The state folder cannot be used, with a message a person can act on. An `AwsError` (`ServiceUnavailable`, 503), so that
 * a write that fails while serving, a full disk say, answers the caller cleanly and changes nothing.
 */
export class StateFolderError extends AwsError {
  readonly reason: StateFolderReason;
  readonly path: string;

  constructor(reason: StateFolderReason, path: string, message: string, cause?: unknown) {
    super('ServiceUnavailable', message, { statusCode: 503, cause });
    this.reason = reason;
    this.path = path;
  }
}

const REASONS: Readonly<Record<string, readonly [StateFolderReason, string]>> = {
  ENOSPC: ['Full', 'the disk is full'],
  EDQUOT: ['Full', 'the disk quota is used up'],
  EROFS: ['ReadOnly', 'the file system is read-only'],
  EACCES: ['Denied', 'permission denied'],
  EPERM: ['Denied', 'operation not permitted'],
  ENOTDIR: ['NotAFolder', 'a file is in the way'],
  EEXIST: ['NotAFolder', 'a file is in the way'],
};

/** A file system's failure in plain words; anything else is returned as it is. */
export function folderFailure(error: unknown, path: string): unknown {
  const known = REASONS[String((error as { code?: unknown } | null)?.code ?? '')];
  if (known === undefined || error instanceof StateFolderError) return error;
  const [reason, words] = known;
  return new StateFolderError(reason, path, `Sluice cannot write to ${path}: ${words}.`, error);
}

type Owner = Readonly<{ pid: number; startMark: string | undefined }>;

export function openStateFolder(dir: string): Promise<StateFolder> {
  const path = resolve(dir);
  const lockPath = join(path, 'lock');
  const self: Owner = { pid: process.pid, startMark: startMark(process.pid) };
  try {
    makeFolder(path);
    const { mode } = statSync(path);
    if ((mode & 0o777) !== 0o710 && (mode & 0o077) !== 0) chmodSync(path, 0o700);
    takeLock(path, lockPath, self);
  } catch (error) {
    return Promise.reject(folderFailure(error, path) as Error);
  }
  let held = true;
  return Promise.resolve({
    path,
    release: () => {
      if (held && isSame(readOwner(lockPath), self)) rmSync(lockPath, { force: true });
      held = false;
      return Promise.resolve();
    },
  });
}

/**
 * One folder at a time: Node's own recursive `mkdir` takes a refusal on a read-only disk for a missing parent, and on
 * `/proc` never ends.
 */
function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  mkdirSync(path, { mode: 0o700 });
}

/** The lock appears whole or not at all: it is written under another name and linked to its own. */
function takeLock(path: string, lockPath: string, self: Owner): void {
  const mine = `${lockPath}.${self.pid}`;
  rmSync(mine, { force: true });
  writeFileSync(mine, `${JSON.stringify(self)}\n`, { mode: 0o600, flush: true });
  try {
    for (;;) {
      if (linked(mine, lockPath)) return;
      const owner = readOwner(lockPath);
      if (owner !== undefined && lives(owner)) throw inUse(path, owner.pid, self.pid);
      // Take the dead one's lock away, and look at what was taken: another process may have been quicker.
      const taken = `${lockPath}.taken.${self.pid}`;
      try {
        renameSync(lockPath, taken);
      } catch (error) {
        if ((error as { code?: string }).code !== 'ENOENT') throw error;
        continue;
      }
      const takenOwner = readOwner(taken);
      if (takenOwner !== undefined && lives(takenOwner)) {
        linked(taken, lockPath);
        rmSync(taken, { force: true });
        throw inUse(path, takenOwner.pid, self.pid);
      }
      rmSync(taken, { force: true });
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === 'EEXIST') return false;
    throw error;
  }
}

function lives(owner: Owner): boolean {
  if (!isAlive(owner.pid)) return false;
  const mark = startMark(owner.pid);
  return owner.startMark === undefined || mark === undefined || mark === owner.startMark;
}

/** Undefined when there is no lock, or one that says nothing (its disk was full): such a one is taken over. */
function readOwner(lockPath: string): Owner | undefined {
  try {
    const owner = JSON.parse(readFileSync(lockPath, 'utf8')) as Owner;
    return Number.isInteger(owner.pid) ? owner : undefined;
  } catch {
    return undefined;
  }
}

function isSame(a: Owner | undefined, b: Owner): boolean {
  return a?.pid === b.pid && a.startMark === b.startMark;
}

function inUse(path: string, pid: number, selfPid: number): StateFolderError {
  const who = pid === selfPid ? `this very process (${pid})` : `process ${pid}`;
  return new StateFolderError(
    'InUse',
    path,
    `The state folder ${path} is in use by ${who}. Stop that Sluice, or choose another state folder.`,
  );
}
