/**
 * How something ended that runs outside (a build's phase, a function) is told to the engine once, by the process that ran
 * it. While the database is away, or breaks off the commit, it is told again: nobody else knows of it, and without it the
 * state would wait until the next start. The event must be one that changes nothing the second time.
 */
import { isAwsError } from '../common/index.ts';
import type { House } from './service.ts';

const LONGEST_PAUSE_MS = 10_000;

/** Rejects with what does not pass: the engine has stopped, the event is wrong. */
export async function untilHeard<T>(machine: Pick<House['config'], 'wallTimer'>, tell: () => Promise<T>): Promise<T> {
  for (let pauseMs = 100; ; pauseMs = Math.min(LONGEST_PAUSE_MS, 2 * pauseMs)) {
    try {
      return await tell();
    } catch (error) {
      if (!passes(error)) throw error;
    }
    await new Promise<void>((resolve) => void machine.wallTimer(resolve, pauseMs));
  }
}

function passes(error: unknown): boolean {
  return isAwsError(error, 'ServiceUnavailable') || (error as Error | undefined)?.name === 'CommitUnknownError';
}
