/** Rings for long polls: whoever waits for a queue looks again when something arrives. In memory: only a wake-up. */
import type { House } from '../service.ts';

export type Arrivals = Readonly<{ ring(queue: string): void; wait(queue: string, machineMs: number): Promise<void> }>;

const perHouse = new WeakMap<House, Arrivals>();

export function arrivals(house: House): Arrivals {
  const known = perHouse.get(house);
  if (known !== undefined) return known;
  const waiting = new Map<string, Set<() => void>>();
  const made: Arrivals = {
    ring: (queue) => {
      for (const wakeUp of waiting.get(queue) ?? []) wakeUp();
    },
    wait: async (queue, machineMs) => {
      const others = waiting.get(queue) ?? new Set();
      waiting.set(queue, others);
      await new Promise<void>((resolve) => {
        const cancel = house.config.wallTimer(() => wakeUp(), machineMs);
        const wakeUp = (): void => {
          cancel();
          others.delete(wakeUp);
          resolve();
        };
        others.add(wakeUp);
      });
      if (others.size === 0 && waiting.get(queue) === others) waiting.delete(queue);
    },
  };
  perHouse.set(house, made);
  return made;
}
