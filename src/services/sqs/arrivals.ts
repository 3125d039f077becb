/** Rings for long polls: whoever waits for a queue looks again when something arrives. In memory: only a wake-up. */
import { setTimeout as pause } from 'node:timers/promises';
import type { House } from '../service.ts';

export type Arrivals = Readonly<{ ring(queue: string): void; wait(queue: string, machineMs: number): Promise<void> }>;

const perHouse = new WeakMap<House, Arrivals>();

export function arrivals(house: House): Arrivals {
  const known = perHouse.get(house);
  if (known !== undefined) return known;
  const waiting = new Map<string, Set<AbortController>>();
  const made: Arrivals = {
    ring: (queue) => {
      for (const controller of waiting.get(queue) ?? []) controller.abort();
    },
    wait: async (queue, machineMs) => {
      const controller = new AbortController();
      const others = waiting.get(queue) ?? new Set();
      waiting.set(queue, others.add(controller));
      await pause(machineMs, undefined, { signal: controller.signal }).catch(() => {});
      others.delete(controller);
      if (others.size === 0) waiting.delete(queue);
    },
  };
  perHouse.set(house, made);
  return made;
}
