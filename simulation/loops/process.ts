/**
 * One process of a world: its connections to the shared disk, its engine with every loop, and what it keeps in memory (the
 * build room, functions that run). It dies whole, at any step, and comes back as another incarnation that knows nothing but
 * the disk.
 */
import type { Ids } from '../../src/common/index.ts';
import type { Membership } from '../../src/store/index.ts';
import { LoopEngine } from '../../src/engine/index.ts';
import { SplitTallies } from '../../src/services/lambda/split-tallies.ts';
import type { House } from '../../src/services/service.ts';
import { SimulatedClock } from '../clock.ts';
import { connect, failure, type MemoryStore } from '../memory-store/index.ts';
import { alarmLoop } from './alarm-loop.ts';
import { BuildRoom } from './build-room.ts';
import { buildLoop, startBuilds } from './build-loop.ts';
import { deploymentLoop } from './deployment-loop.ts';
import { invocationLoop, startEvents } from './invocation-loop.ts';
import { membersOf } from './members.ts';
import { lineLoop } from './pipeline-loop.ts';
import type { World } from './world.ts';

export class Process {
  readonly world: World;
  /** `p1/3`: the third life of the first process. */
  readonly name: string;
  readonly clock: SimulatedClock;
  readonly store: MemoryStore;
  readonly engine: LoopEngine;
  readonly room: BuildRoom;
  /** Counts the requests of split aliases, as the Lambda service of this process does. */
  readonly tallies: SplitTallies;
  readonly ids: Ids;
  /** By its own clock. Whatever began before it, another process may have done. */
  readonly openedAt: number;
  /** Who stands; undefined: alone, or leases by time decide. */
  readonly members: Membership | undefined;
  readonly listeners: ((message: string) => void)[] = [];
  readonly mourners: ((names: readonly string[]) => Promise<void>)[] = [];
  isAlive = true;
  isOpen = false;

  constructor(world: World, name: string, offMs: number) {
    this.world = world;
    this.name = name;
    const { scheduler } = world;
    this.clock = new SimulatedClock(scheduler, name, { offMs, late: (u) => (u < 0.9 ? 0 : u * 20) });
    const store = connect(world.disk, {
      trip: (trip) => this.#trip(trip.of, trip.way),
      pause: (delayMs) => scheduler.wait({ process: name, label: 'another try', afterMs: delayMs }),
    });
    this.store = world.options.sabotage?.store?.(store, this) ?? store;
    this.ids = world.ids;
    this.openedAt = this.clock.now();
    this.members = world.hasMembers ? membersOf(this) : undefined;
    this.engine = new LoopEngine({
      store: this.store,
      clock: this.clock,
      wallNow: () => this.clock.now(),
      wallTimer: (callback, delayMs) => this.clock.after(delayMs, callback),
      owner: name,
      ...(this.members === undefined ? {} : { members: this.members }),
      alone: world.scenario.processes === 1,
      onError: (message, error) => world.tell(name, `error: ${message}: ${String(error)}`),
      batchSize: world.batchSize,
    });
    this.room = new BuildRoom(this);
    this.tallies = new SplitTallies(this.#house());
    for (const loop of [lineLoop(this), deploymentLoop(this), buildLoop(this), alarmLoop(this), invocationLoop(this)]) {
      this.engine.register(world.observed(loop, this));
    }
  }

  /** As a house opens: what was under way is seen to, then the engine starts. */
  async open(): Promise<void> {
    await startBuilds(this);
    await startEvents(this);
    await this.engine.start();
    this.isOpen = true;
  }

  die(): void {
    this.isAlive = false;
    this.isOpen = false;
    this.store.die();
    this.world.scheduler.kill(this.name);
  }

  /** As much of a house as those ask for that are the real ones here. */
  #house(): House {
    const warn = (message: string, fields?: object): void =>
      this.world.tell(this.name, `${message}: ${JSON.stringify(fields)}`);
    const { store, engine, clock } = this;
    const config = {
      wallNow: () => this.world.scheduler.now(),
      wallTimer: (callback: () => void, delayMs: number) => clock.after(delayMs, callback),
    };
    return { store, engine, clock, config, log: { warn } } as unknown as House;
  }

  wallTimer(callback: () => void, delayMs: number): () => void {
    return this.clock.after(delayMs, callback);
  }

  /** Asks something of the world outside. */
  call<T>(name: string, answer: () => T): Promise<T> {
    return this.world.outside.call(this.name, name, answer);
  }

  /** A trip to the database and back: slow, lost or refused as the circumstances have it. */
  #trip(of: 'Statement' | 'Commit', way: 'Going' | 'Coming'): Promise<void> | undefined {
    const { world } = this;
    const { mischief, scheduler } = world;
    const { circumstances } = world.scenario;
    const outage = scheduler.now() < world.outageUntil;
    const fails =
      of === 'Commit'
        ? mischief.strikes('commit lost', circumstances.commitLost)
        : mischief.strikes('statement fails', circumstances.statementFails);
    if (outage || fails) return this.#fails('08006', 'connection failure');
    if (of === 'Commit' && way === 'Going') {
      const full = scheduler.now() < world.diskFullUntil || mischief.strikes('disk full', circumstances.diskFull);
      if (full) return this.#fails('53100', 'No space left on device');
    }
    const slow = scheduler.now() < world.slowUntil;
    if (!slow && world.latency.uniform() >= circumstances.databaseShare) return undefined;
    const most = slow ? 5_000 : circumstances.databaseMs;
    return scheduler.wait({ process: this.name, label: `${of} ${way}`, afterMs: (u) => u * u * (most + 1) });
  }

  #fails(code: string, message: string): Promise<void> {
    return this.world.scheduler
      .wait({ process: this.name, label: `database fails ${code}`, afterMs: (u) => u * 20 })
      .then(() => {
        throw failure(code, message);
      });
  }
}
