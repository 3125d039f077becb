/** The machine's own time, randomness and search path: the only place that reads them. */
import { randomBytes } from 'node:crypto';
import { delimiter, dirname } from 'node:path';
import { idsFrom, type Ids } from '../common/index.ts';

/** Milliseconds since the epoch by the machine's clock. */
export function wallNow(): number {
  return Date.now();
}

/** Calls back after real milliseconds, without keeping the process alive for it; returns a cancel function. */
export function wallTimer(callback: () => void, delayMs: number): () => void {
  const timer = setTimeout(callback, delayMs);
  timer.unref();
  return () => clearTimeout(timer);
}

/** SIGKILL: nothing more is done in this process, not even in this function. */
export function killSelf(): void {
  process.kill(process.pid, 'SIGKILL');
}

/** Random ids. Bytes are drawn from the operating system 4 KiB at a time, since each draw costs microseconds. */
export function systemIds(): Ids {
  let pool = new Uint8Array(0);
  let used = 0;
  const pooled = (length: number): Uint8Array => {
    if (used + length > pool.length) {
      pool = new Uint8Array(randomBytes(4096));
      used = 0;
    }
    const piece = pool.slice(used, used + length);
    pool.fill(0, used, used + length);
    used += length;
    return piece;
  };
  return idsFrom((length) => (length > 1024 ? new Uint8Array(randomBytes(length)) : pooled(length)));
}

/** Where child processes find programs: this process's own `PATH`, and the folder of the Node.js that runs Sluice. */
export function machinePath(): string {
  const path = process.env['PATH'] ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
  const nodeDir = dirname(process.execPath);
  return path.split(delimiter).includes(nodeDir) ? path : `${path}${delimiter}${nodeDir}`;
}
