/** What the service holds in memory for one house: the pool of function processes and what belongs to it. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type EnvironmentRecipe, CodeCache, FunctionPool, type FunctionRunner } from '../../runtimes/index.ts';
import type { House } from '../service.ts';
import { Concurrency } from './concurrency-count.ts';
import type { FunctionLog } from './function-logs.ts';
import { InvocationMetrics } from './invocation-metrics.ts';
import { RoleSessions } from './role-sessions.ts';
import { SplitTallies } from './split-tallies.ts';

export type FunctionRecipe = EnvironmentRecipe & Readonly<{ log: FunctionLog }>;

export type Workshop = Readonly<{
  pool: FunctionRunner<FunctionRecipe>;
  code: CodeCache;
  metrics: InvocationMetrics;
  tallies: SplitTallies;
  sessions: RoleSessions;
  concurrency: Concurrency;
  /** Logs of environments that live, to flush at the end. */
  logs: Set<FunctionLog>;
  /** Folder for the temporary folders of environments. */
  scratchDir: string;
  /** Programs found for runtimes. */
  programs: Map<string, Promise<string>>;
  /** Signs the addresses that `GetFunction` gives; of this run alone. */
  downloadSecret: Uint8Array;
  stopping: () => boolean;
  close(): Promise<void>;
}>;

const workshops = new WeakMap<House, Workshop>();

export function workshopOf(house: House): Workshop {
  let workshop = workshops.get(house);
  if (workshop === undefined) workshops.set(house, (workshop = openWorkshop(house)));
  return workshop;
}

function openWorkshop(house: House): Workshop {
  const folder = join(house.config.stateDir, 'lambda');
  const scratchDir = join(folder, 'scratch');
  rmSync(scratchDir, { recursive: true, force: true, maxRetries: 3 });
  mkdirSync(scratchDir, { recursive: true });
  const { runtime, config } = house;
  const pool =
    runtime.openFunctions?.<FunctionRecipe>() ?? new FunctionPool<FunctionRecipe>({ runtime, wallNow: config.wallNow });
  const metrics = new InvocationMetrics(house);
  const tallies = new SplitTallies(house);
  const logs = new Set<FunctionLog>();
  let stopping = false;
  return {
    pool,
    code: new CodeCache(join(folder, 'code')),
    metrics,
    tallies,
    sessions: new RoleSessions(house),
    concurrency: new Concurrency(),
    logs,
    scratchDir,
    programs: new Map(),
    downloadSecret: house.ids.bytes(32),
    stopping: () => stopping,
    close: async () => {
      stopping = true;
      await pool.close();
      await metrics.flushed();
      await tallies.flushed();
      await Promise.all([...logs].map((log) => log.flushed()));
    },
  };
}
