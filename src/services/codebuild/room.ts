/**
 * The build room: who waits, who runs, in this process. A limited number of builds run side by side; the others wait in
 * the order in which they came, and are QUEUED for as long as that is. Nothing here is durable: a start puts the builds
 * that were under way back in line (`resumeBuilds`).
 */
import { availableParallelism } from 'node:os';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type BuildEvent, currentPhase } from '../../core/build/index.ts';
import type { DocumentKey } from '../../store/index.ts';
import type { House } from '../service.ts';
import { untilHeard } from '../until-heard.ts';
import { activeBuilds, type Build, BUILD_LOOP, builds, buildUuid } from './records.ts';
import { BuildRun } from './run/build-run.ts';

export class BuildRoom {
  readonly #house: House;
  readonly #limit: number;
  readonly #waiting: DocumentKey[] = [];
  readonly #admitted = new Set<string>();
  readonly #runs = new Map<string, BuildRun>();
  #closed = false;

  constructor(house: House) {
    this.#house = house;
    this.#limit = house.config.concurrentBuilds ?? 2 * availableParallelism();
  }

  enqueue(key: DocumentKey): void {
    const name = nameOf(key);
    if (this.#admitted.has(name) || this.#waiting.some((other) => nameOf(other) === name)) return;
    this.#waiting.push(key);
    this.#admitNext();
  }

  /** Starts the run and returns; its phases are reported to the engine. Called again for the same run: nothing. */
  async run(key: DocumentKey, run: number): Promise<void> {
    const build = (await builds.get(this.#house.store, key))?.document;
    if (build === undefined || this.#closed || build.run !== run || currentPhase(build) !== 'PROVISIONING') return;
    // Taken over from a process that is gone: the build is not ours to run, it goes back in line.
    if (build.holder !== this.#holder()) return;
    const old = this.#runs.get(nameOf(key));
    if (old?.number === run) return;
    await old?.kill();
    const fresh = new BuildRun(this.#house, key, build, join(this.#folder(), buildUuid(build.id)));
    this.#runs.set(nameOf(key), fresh);
    fresh.start();
  }

  /** Resolves when the processes of the build are gone and it reports nothing more. */
  async kill(key: DocumentKey): Promise<void> {
    await this.#runs.get(nameOf(key))?.kill();
  }

  async cleanUp(key: DocumentKey): Promise<void> {
    const name = nameOf(key);
    await this.#runs.get(name)?.kill();
    this.#runs.delete(name);
    await rm(join(this.#folder(), buildUuid(key.id)), { recursive: true, force: true, maxRetries: 5 });
    this.#admitted.delete(name);
    const at = this.#waiting.findIndex((other) => nameOf(other) === name);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#admitNext();
  }

  /** Removes folders of builds that are not under way. */
  async tidy(): Promise<void> {
    const names = await readdir(this.#folder()).catch(() => []);
    if (names.length === 0) return;
    const active = new Set((await activeBuilds.list(this.#house.store)).map(({ key }) => buildUuid(key.id)));
    for (const name of names) {
      if (!active.has(name)) await rm(join(this.#folder(), name), { recursive: true, force: true, maxRetries: 5 });
    }
  }

  /** At shutdown: ends the processes and reports nothing; the next start accounts for the builds. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#runs.values()].map((run) => run.kill()));
  }

  #holder(): string | undefined {
    const { exclusive, self } = this.#house.members;
    return exclusive ? undefined : self;
  }

  #folder(): string {
    return join(this.#house.config.stateDir, 'builds');
  }

  #admitNext(): void {
    while (!this.#closed && this.#admitted.size < this.#limit) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      this.#admitted.add(nameOf(key));
      void this.#admit(key);
    }
  }

  async #admit(key: DocumentKey): Promise<void> {
    try {
      const { engine, config } = this.#house;
      const admitted: BuildEvent = { type: 'Admitted', holder: this.#holder() };
      const build = await untilHeard(config, () => engine.submit<Build>(BUILD_LOOP, key, admitted));
      // Ended while it waited: its CleanUp may have come and gone before it got the place. Or another has it.
      if (build !== undefined && build.status === 'IN_PROGRESS' && build.holder === this.#holder()) return;
    } catch (error) {
      if (!this.#closed)
        this.#house.log.error('a build could not be admitted', { build: key.id, error: String(error) });
    }
    this.#admitted.delete(nameOf(key));
    this.#admitNext();
  }
}

function nameOf(key: DocumentKey): string {
  return `${key.account}/${key.region}/${key.id}`;
}

const rooms = new WeakMap<House, BuildRoom>();

export function buildRoom(house: House): BuildRoom {
  let room = rooms.get(house);
  if (room === undefined) rooms.set(house, (room = new BuildRoom(house)));
  return room;
}

export async function closeBuildRoom(house: House): Promise<void> {
  await rooms.get(house)?.close();
}
