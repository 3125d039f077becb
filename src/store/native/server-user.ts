/**
 * PostgreSQL refuses to run as root. When Sluice is root, its server runs as a user id of its own that has no other use,
 * and the folders on the way to its data let that user (by its group, mode 0710) pass, and nobody else.
 *
 * Where a folder above belongs to somebody else and is closed (a state folder under `/root`), opening it is not ours to
 * do. There the server is given the one capability that lets it pass (`CAP_DAC_READ_SEARCH`), through `setpriv`.
 */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync } from 'node:fs';
import { dirname, parse } from 'node:path';

export type ServerUser = Readonly<{
  /** Undefined: the server runs as Sluice itself does. */
  ids: Readonly<{ uid: number; gid: number }> | undefined;
  /** What a command is prefixed with; empty when ids alone do. Must run as root then: `setpriv` drops the ids itself. */
  prefix: readonly string[];
}>;

/** Free for static use by systemd's "Users, Groups, UIDs and GIDs"; outside the ranges Debian and containers hand out. */
const SERVER_ID = 60_917;
/** `initdb` looks its own user up by name, so it runs as this one, in our group. */
const NOBODY = 65_534;

export const SELF: ServerUser = { ids: undefined, prefix: [] };

/**
 * Decides who runs the server whose data lies in a folder of `ownDirs[0]`. `ownDirs` are ours alone, innermost first, and
 * are opened to the server's group. `program` must be reachable too. Throws with a plain message when no way is left.
 */
export function serverUser(
  ownDirs: readonly string[],
  program: string,
  asUser: 'server' | 'initdb' = 'server',
): ServerUser {
  if (process.getuid?.() !== 0) return SELF;
  const gid = SERVER_ID;
  const uid = asUser === 'initdb' ? nobody() : SERVER_ID;
  const dir = ownDirs[0] ?? '/';
  for (const own of ownDirs) {
    const { uid: owner, mode } = statSync(own);
    // Only a folder of ours that is closed to everybody is opened, and only to our group.
    if (owner !== 0 || (mode & 0o077) !== 0) continue;
    chownSync(own, 0, gid);
    chmodSync(own, 0o710);
  }
  const closed = closedAncestor(dir, gid) ?? closedAncestor(dirname(program), gid);
  if (closed === undefined) return { ids: { uid, gid }, prefix: [] };
  for (const capability of ['dac_read_search', 'dac_override']) {
    const prefix = [
      'setpriv',
      `--reuid=${uid}`,
      `--regid=${gid}`,
      '--clear-groups',
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
    ];
    if (works([...prefix, program, '--version'])) return { ids: { uid, gid }, prefix };
  }
  throw new Error(
    `PostgreSQL does not run as root, and no other user can pass ${closed} to reach ${dir}. ` +
      'Choose a state folder outside it, or run Sluice as an ordinary user.',
  );
}

/** The uid and gid that own the data; the same for every run. */
export function dataOwner(): Readonly<{ uid: number; gid: number }> | undefined {
  return process.getuid?.() === 0 ? { uid: SERVER_ID, gid: SERVER_ID } : undefined;
}

/** The nearest folder from `dir` up to the root that a member of `gid`, and no owner, cannot pass. */
function closedAncestor(dir: string, gid: number): string | undefined {
  const { root } = parse(dir);
  for (let at = dir; ; at = dirname(at)) {
    const { mode, gid: owner } = statSync(at);
    if ((mode & (owner === gid ? 0o010 : 0o001)) === 0) return at;
    if (at === root) return undefined;
  }
}

function nobody(): number {
  try {
    const line = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find((entry) => entry.startsWith('nobody:'));
    const uid = Number(line?.split(':')[2]);
    return Number.isInteger(uid) && uid > 0 ? uid : NOBODY;
  } catch {
    return NOBODY;
  }
}

function works(command: readonly string[]): boolean {
  const [program = '', ...args] = command;
  try {
    execFileSync(program, args, { stdio: 'ignore', timeout: 5_000 });
    return true;
  } catch {
    return false;
  }
}
