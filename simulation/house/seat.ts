/**
 * A place where a process of the house runs, as a supervisor keeps it: when one dies, another is started there. Its folder
 * stays.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SimulatedClock } from '../clock.ts';
import { HouseProcess, type Machine } from './process.ts';

export type SeatOptions = Readonly<{
  machine: () => Omit<Machine, 'stateDir'>;
  /** A name that no process had. */
  nextName: () => string;
  count: (what: string) => void;
  onStart: (process: HouseProcess) => void;
  onFailedStart: (name: string, error: unknown) => void;
  onCrash: (name: string) => void;
}>;

/** A supervisor starts a process anew within this time. */
const RESTART_MS = 5_000;

export class Seat {
  /** Undefined: it is down, or starting. */
  process: HouseProcess | undefined;
  readonly #options: SeatOptions;
  readonly #stateDir = mkdtempSync(join(tmpdir(), 'sluice-simulation-'));
  #startingKill: (() => void) | undefined;
  /** Of the process that runs or starts. */
  #clock: SimulatedClock | undefined;

  constructor(options: SeatOptions) {
    this.#options = options;
  }

  get isStarting(): boolean {
    return this.#startingKill !== undefined;
  }

  /** The first process of a world: nothing fails yet. */
  async begin(): Promise<HouseProcess> {
    this.process = await HouseProcess.start(this.#options.nextName(), this.#machine());
    this.#clock = this.process.clock;
    this.#options.onStart(this.process);
    return this.process;
  }

  /** As `kill -9`: whatever it was doing. */
  crash(): void {
    if (this.process === undefined) {
      if (this.#startingKill === undefined) return;
      this.#options.count('crashes while starting');
      this.#startingKill();
      this.#startingKill = undefined;
    } else {
      this.process.crash();
      this.#options.onCrash(this.process.name);
      this.process = undefined;
    }
    this.#restartLater();
  }

  restart(): void {
    if (this.process !== undefined || this.#startingKill !== undefined) return;
    const name = this.#options.nextName();
    const born = (kill: () => void, clock: SimulatedClock): void => {
      this.#startingKill = kill;
      this.#clock = clock;
    };
    void HouseProcess.start(name, this.#machine(), born).then(
      (process) => {
        this.#startingKill = undefined;
        this.process = process;
        this.#options.onStart(process);
        this.#options.count('starts');
      },
      (error: unknown) => {
        // A database that does not answer ends a start, as it ends that of the program.
        this.#startingKill?.();
        this.#startingKill = undefined;
        this.#options.count('failed starts');
        this.#options.onFailedStart(name, error);
        this.#restartLater();
      },
    );
  }

  jumpClock(byMs: number): void {
    this.#clock?.jump(byMs);
  }

  end(): void {
    this.process?.crash();
    this.process = undefined;
    this.#startingKill?.();
    rmSync(this.#stateDir, { recursive: true, force: true });
  }

  #machine(): Machine {
    return { ...this.#options.machine(), stateDir: this.#stateDir };
  }

  #restartLater(): void {
    const { scheduler } = this.#options.machine();
    scheduler.offer({ label: 'restart', afterMs: (u) => u * RESTART_MS, run: () => this.restart() });
  }
}
