/**
 * One process of the whole house (door, services, engine) on a simulated machine. What the machine would answer (statements,
 * commits, blobs, timers) is offered to the scheduler, which decides when, and the faults decide how. A crash is `crash`:
 * nothing that the process awaits is ever answered, its transactions roll back, its memory is gone; the disks stay.
 */
import { idsFrom, type Ids } from '../../src/common/index.ts';
import type { ServerConfig } from '../../src/app/config.ts';
import type { Execution } from '../../src/app/door.ts';
import { openHouse, type OpenHouse } from '../../src/app/open-house.ts';
import type { OnDecision } from '../../src/app/authorizer.ts';
import type { Models } from '../../src/protocol/index.ts';
import type { Runtime } from '../../src/runtimes/index.ts';
import type { Log, ServiceDefinition } from '../../src/services/index.ts';
import { openMembership } from '../../src/store/index.ts';
import { SimulatedClock } from '../clock.ts';
import { type BlobDisk, MemoryBlobs } from '../memory-blobs.ts';
import { connect, type MemoryDisk, type MemoryStore } from '../memory-store/index.ts';
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { HouseFaults } from './faults.ts';
import type { Sessions } from './sessions.ts';

/** What outlives every process. */
export type Machine = Readonly<{
  scheduler: Scheduler;
  disk: MemoryDisk;
  blobs: BlobDisk;
  faults: HouseFaults;
  config: ServerConfig;
  /** Loaded beforehand: a module takes real time to come, though it came before. */
  services: ReadonlyMap<string, ServiceDefinition>;
  models: Models;
  /** For the few files that the house keeps beside database and blobs. */
  stateDir: string;
  ids: Random;
  log: Log;
  /** Sees what the process of this name does. */
  observer: (process: string) => Observer;
  /** How programs run for the process of this name. */
  runtime: (process: string) => Runtime;
  /** Where several share the database; absent: each has it alone. */
  sessions: Sessions | undefined;
}>;

/** Sees every call of a process, from users and between services alike. */
export interface Observer {
  called(execution: Execution): void;
  answered(execution: Execution, output: unknown): void;
  failed(execution: Execution, error: unknown): void;
  decided: OnDecision;
}

export class HouseProcess {
  readonly name: string;
  readonly open: OpenHouse;
  readonly clock: SimulatedClock;
  readonly #machine: Machine;
  readonly #store: MemoryStore;
  #died = false;
  readonly #awaited = new Set<() => void>();

  private constructor(
    name: string,
    machine: Machine,
    parts: Readonly<{ open: OpenHouse; clock: SimulatedClock; store: MemoryStore }>,
  ) {
    this.name = name;
    this.#machine = machine;
    this.open = parts.open;
    this.clock = parts.clock;
    this.#store = parts.store;
  }

  /** `born` is told at once, so that a process can be killed, and its clock leap, while it starts. */
  static async start(
    name: string,
    machine: Machine,
    born: (kill: () => void, clock: SimulatedClock) => void = () => {},
  ): Promise<HouseProcess> {
    const { scheduler, faults } = machine;
    const clock = new SimulatedClock(scheduler, name, { offMs: faults.clockOffMs, late: faults.timerLate });
    const { sessions } = machine;
    const store = connect(machine.disk, {
      kind: sessions === undefined ? 'native' : 'url',
      trip: (trip) => faults.onDatabase(name, trip),
      pause: (delayMs) => new Promise((resolve) => void clock.after(delayMs, resolve)),
    });
    born(() => {
      scheduler.kill(name);
      store.die();
      sessions?.drop(name);
    }, clock);
    const observer = machine.observer(name);
    const seen = sessions === undefined ? store : sessions.seen(store);
    const timing = {
      wallNow: () => clock.now(),
      wallTimer: (callback: () => void, delayMs: number) => clock.after(delayMs, callback),
    };
    const members =
      sessions &&
      (await openMembership({
        store: seen,
        client: () => sessions.client(name),
        about: { host: name, pid: 0, clock: 'real' },
        log: machine.log,
        ...timing,
      }));
    const open = await openHouse(machine.config, machine.log, () => 'http://127.0.0.1:4566', {
      folder: { path: machine.stateDir, release: () => Promise.resolve() },
      store: seen,
      ...(members && { members }),
      blobs: new MemoryBlobs(machine.blobs, (trip) => faults.onBlobs(name, trip)),
      runtime: machine.runtime(name),
      clock,
      ids: idsOf(machine.ids),
      services: machine.services,
      models: machine.models,
      ...timing,
      onDecision: observer.decided,
    });
    observe(open, observer);
    return new HouseProcess(name, machine, { open, clock, store });
  }

  get isDead(): boolean {
    return this.#died;
  }

  /** As over a connection: rejects with `ConnectionLost` when the process dies before it answers. */
  answerOf<T>(work: Promise<T>): Promise<T> {
    if (this.#died) return Promise.reject(new ConnectionLost());
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new ConnectionLost());
      this.#awaited.add(lost);
      work.then(resolve, reject).finally(() => this.#awaited.delete(lost));
    });
  }

  crash(): void {
    if (this.#died) return;
    this.#died = true;
    this.#machine.scheduler.kill(this.name);
    this.#store.die();
    this.#machine.sessions?.drop(this.name);
    // Whoever was connected learns of it, each in a moment of its own.
    for (const lost of this.#awaited) this.#machine.scheduler.offer({ label: 'connection lost', run: lost });
    this.#awaited.clear();
  }
}

export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';

  constructor() {
    super('the connection was lost before the answer came');
  }
}

/** Services call each other through `execute` as users do: watching it, all is seen. */
function observe(open: OpenHouse, observer: Observer): void {
  const { door } = open;
  const execute = door.execute.bind(door);
  door.execute = async (execution) => {
    observer.called(execution);
    try {
      const output = await execute(execution);
      observer.answered(execution, output);
      return output;
    } catch (error) {
      observer.failed(execution, error);
      throw error;
    }
  };
}

/** Ids of all processes come from one stream, so that none is given twice. */
function idsOf(random: Random): Ids {
  return idsFrom((length) => {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += 4) {
      const bits = random.bits();
      for (let n = 0; n < 4 && at + n < length; n++) bytes[at + n] = (bits >>> (8 * n)) & 0xff;
    }
    return bytes;
  });
}
