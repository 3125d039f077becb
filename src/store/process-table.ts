/** What this machine says about a process: whether it lives, and since when (so that a reused id is told apart). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** True while the process runs. A zombie (ended, not yet collected by its parent) counts as gone. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM' && !isZombie(pid);
  }
  return !isZombie(pid);
}

/**
 * A text that differs between two processes that ever had this id: the start time in clock ticks since boot on Linux
 * with the boot's id, what `ps` says elsewhere. Undefined when there is no such process or nothing can be learnt.
 */
export function startMark(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const fields = statFields(pid);
    if (fields === undefined) return undefined;
    return `${bootId()}:${fields[19]}`;
  }
  try {
    const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', timeout: 2_000 }).trim();
    return text === '' ? undefined : text;
  } catch {
    return undefined;
  }
}

function isZombie(pid: number): boolean {
  const state = statFields(pid)?.[0];
  return state === 'Z' || state === 'X';
}

/** The fields of `/proc/PID/stat` after the name, which may itself hold spaces and brackets: state first. */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}
