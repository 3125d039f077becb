/** The worlds that `npm run simulate` knows, loaded when wanted. The one list to extend when a world is added. */
import type { Outcome, WorldOptions } from './loops/world.ts';

export type RunOfWorld = (options: WorldOptions) => Promise<Outcome>;

export const WORLDS: Readonly<Record<string, () => Promise<RunOfWorld>>> = {
  /** The deciders and the engine, with performers of the simulation's own: fast. */
  loops: async () => (await import('./loops/world.ts')).runWorld,
  /** The whole house behind its door: real services and performers. */
  house: async () => (await import('./house/run.ts')).runHouse,
  /** The same in two or three processes that share the database. */
  houses: async () => (await import('./house/run.ts')).runHouses,
};
