import { expect, it } from 'vitest';
import type { Tx } from '../../store/index.ts';
import type { House } from '../index.ts';
import { change, known } from './identity-cache.ts';

/** A store whose commits end as said; what is written is nobody's concern here. */
function houseWith(commit: () => void): House {
  const transaction = async (work: (tx: Tx) => Promise<unknown>): Promise<unknown> => {
    const [done, ended]: (() => void)[][] = [[], []];
    const tx: Tx = {
      query: async () => [],
      afterCommit: (callback) => void done?.push(callback),
      afterEnd: (callback) => void ended?.push(callback),
    };
    try {
      const result = await work(tx);
      commit();
      for (const callback of done ?? []) callback();
      return result;
    } finally {
      for (const callback of ended ?? []) callback();
    }
  };
  return { store: { kind: 'native', transaction } } as unknown as House;
}

it('change() forgets what was remembered, even when nobody knows whether it was committed', async () => {
  const house = houseWith(() => {
    throw new Error('the connection to the database broke during a commit; whether it happened is unknown');
  });
  (await known(house)).policies.set('role 1 A deployer', { identity: [] });
  await expect(change({ house }, async () => {})).rejects.toThrow('unknown');
  expect((await known(house)).policies.size).toBe(0);
});
