/**
 * Who stands on the simulated database, as src/store/membership.ts knows it: the server lets go of a process's session when
 * the process dies, and not when it is slow; messages go to whoever listens at that moment, and may be lost.
 */
import type { Membership } from '../../src/store/index.ts';
import type { Process } from './process.ts';

/** A process whose session is gone for so long is gone. */
const GONE_AFTER_MS = 1_500;

export function membersOf(process: Process): Membership {
  const { world, name } = process;
  const { scheduler } = world;
  return {
    self: name,
    exclusive: false,
    session: () => (scheduler.now() < world.outageUntil ? undefined : world.outages),
    standingAgain: async () => {
      while (scheduler.now() < world.outageUntil)
        await scheduler.wait({ process: name, label: 'the session stands again', afterMs: (u) => 100 + u * 500 });
    },
    standing: async () => {
      await scheduler.wait({ process: name, label: 'who stands', afterMs: (u) => u * 5 });
      const { outageUntil } = world;
      if (scheduler.now() < outageUntil) throw new Error('the database does not answer');
      return world.standing(GONE_AFTER_MS);
    },
    isAlone: async () => world.standing(0).size === 1,
    tell: async (q, message) => {
      const send = (): void => world.message(name, message);
      if ('afterCommit' in q) (q as Readonly<{ afterCommit(callback: () => void): void }>).afterCommit(send);
      else send();
    },
    onMessage: (listener) => void process.listeners.push(listener),
    onGone: (listener) => void process.mourners.push(listener),
    watch: () => {},
    close: () => Promise.resolve(),
  };
}
