import { describe, expect, it } from 'vitest';
import { AwsError } from '../common/index.ts';
import { untilHeard } from './until-heard.ts';

/** Fails with each of the errors in turn, then answers. */
function teller(errors: readonly Error[]): {
  tell(): Promise<string>;
  pauses: number[];
  machine: Parameters<typeof untilHeard>[0];
} {
  const left = [...errors];
  const pauses: number[] = [];
  return {
    pauses,
    tell: async () => {
      const error = left.shift();
      if (error !== undefined) throw error;
      return 'heard';
    },
    machine: {
      wallTimer: (callback, delayMs) => {
        pauses.push(delayMs);
        queueMicrotask(callback);
        return () => {};
      },
    },
  };
}

describe('untilHeard()', () => {
  it('tells again while the database is away or breaks off the commit, more and more seldom', async () => {
    const away = new AwsError('ServiceUnavailable', 'The database does not answer.');
    const unknown = Object.assign(new Error('unknown'), { name: 'CommitUnknownError' });
    const { tell, pauses, machine } = teller([away, unknown, ...Array.from({ length: 7 }, () => away)]);
    expect(await untilHeard(machine, tell)).toBe('heard');
    expect(pauses).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });

  it('hands on what does not pass', async () => {
    const { tell, machine } = teller([new Error('the engine has stopped')]);
    await expect(untilHeard(machine, tell)).rejects.toThrow('the engine has stopped');
  });
});
