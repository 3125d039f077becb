/**
 * The machine's process table: which processes belong to one that we started.
 *
 * A program's tree is everything that is in its process group or session, that carries its marker in the environment
 * (`SLUICE_PROCESS=<id>`, inherited by children unless they clear it), or that descends from one of these. A process
 * that left group and session, cleared its environment and lost its parent is not found; nothing short of a container
 * finds it.
 */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export const MARKER_VARIABLE = 'SLUICE_PROCESS';

export type ProcessRow = Readonly<{
  pid: number;
  parentPid: number;
  groupId: number;
  sessionId: number;
  /** Opaque; equal for the same process, different for another that got the same pid. */
  startedAt: string;
  /** Undefined when its environment cannot be read. */
  marker: () => string | undefined;
}>;

/** Zombies are left out: they are dead, and only their parent can bury them. */
export async function processTable(): Promise<ProcessRow[]> {
  return process.platform === 'linux' ? linuxTable() : psTable();
}

/** The start of `pid`, in the form of `ProcessRow.startedAt`; undefined when there is no such process. */
export async function startOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') return linuxRow(String(pid))?.startedAt;
  return (await psTable()).find((row) => row.pid === pid)?.startedAt;
}

/** Changes with each boot, so that a pid from before a reboot is never taken for a living one. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * The tree of a program, by the rule above. `leaderLives` says that `pid` is still surely ours: then its whole group
 * and session are. Otherwise the number may have been given to a stranger, and a group or session counts only if one
 * of its members carries the marker.
 */
export function treeOf(
  table: readonly ProcessRow[],
  root: Readonly<{ pid: number | undefined; marker: string; leaderLives: boolean }>,
): number[] {
  const marked = new Set(table.filter((row) => row.marker() === root.marker).map((row) => row.pid));
  const inGroup = table.filter((row) => row.groupId === root.pid || row.sessionId === root.pid);
  const groupIsOurs = root.leaderLives || inGroup.some((row) => marked.has(row.pid));
  const tree = new Set(marked);
  if (groupIsOurs) for (const row of inGroup) tree.add(row.pid);
  for (let grown = true; grown;) {
    grown = false;
    for (const row of table) {
      if (!tree.has(row.pid) && tree.has(row.parentPid)) {
        tree.add(row.pid);
        grown = true;
      }
    }
  }
  tree.delete(process.pid);
  return [...tree];
}

function linuxTable(): ProcessRow[] {
  const rows: ProcessRow[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const row = linuxRow(name);
    if (row !== undefined) rows.push(row);
  }
  return rows;
}

function linuxRow(pid: string): ProcessRow | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The program's name, in brackets, may itself hold blanks and brackets: the fields begin after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = 'X', parentPid, groupId, sessionId] = fields;
  if (state === 'Z' || state === 'X') return undefined;
  return {
    pid: Number(pid),
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    sessionId: Number(sessionId),
    startedAt: fields[19] ?? '',
    marker: () => {
      try {
        return markerIn(readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0'));
      } catch {
        return undefined;
      }
    },
  };
}

/** macOS and other systems: `ps`, whose `E` shows the environment of one's own processes. */
async function psTable(): Promise<ProcessRow[]> {
  const [plain, environments] = await Promise.all([
    output('ps', ['-axo', 'pid=,ppid=,pgid=,sess=,stat=,lstart=']),
    output('ps', ['-axEwwo', 'pid=,command=']).catch(() => ''),
  ]);
  const markers = new Map<number, string>();
  for (const line of environments.split('\n')) {
    const marker = markerIn(line.split(' '));
    if (marker !== undefined) markers.set(Number.parseInt(line, 10), marker);
  }
  return plain.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s+(.+)$/.exec(line);
    if (match === null || match[5]?.startsWith('Z')) return [];
    const pid = Number(match[1]);
    return [
      {
        pid,
        parentPid: Number(match[2]),
        groupId: Number(match[3]),
        // macOS shows 0 for every session: the group has to do.
        sessionId: Number(match[4]) || -1,
        startedAt: match[6]?.trim() ?? '',
        marker: () => markers.get(pid),
      },
    ];
  });
}

function markerIn(variables: readonly string[]): string | undefined {
  const prefix = `${MARKER_VARIABLE}=`;
  return variables.find((variable) => variable.startsWith(prefix))?.slice(prefix.length);
}

function output(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program,
      args,
      { maxBuffer: 64 * 1024 * 1024, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } },
      (error, stdout) => (error === null ? resolve(stdout) : reject(error)),
    );
  });
}
