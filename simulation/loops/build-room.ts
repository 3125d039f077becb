/**
 * Who waits and who runs in one process, as src/services/codebuild (room.ts, run/build-run.ts). What a build is made of is
 * a text: its source's digest, its id and the number of its run.
 */
import { type BuildEvent, currentPhase, isFinal, type RunPhase } from '../../src/core/build/index.ts';
import type { Tagged } from '../../src/engine/index.ts';
import type { DocumentKey } from '../../src/store/documents.ts';
import { untilHeard } from '../../src/services/until-heard.ts';
import type { Process } from './process.ts';
import { BUILD, type Build, builds } from './records.ts';

const AT_ONCE = 3;

export class BuildRoom {
  readonly #process: Process;
  readonly #waiting: DocumentKey[] = [];
  readonly #admitted = new Set<string>();
  readonly #runs = new Map<string, BuildRun>();

  constructor(process: Process) {
    this.#process = process;
  }

  enqueue(key: DocumentKey): void {
    if (this.#admitted.has(key.id) || this.#waiting.some(({ id }) => id === key.id)) return;
    this.#waiting.push(key);
    this.#admitNext();
  }

  async run(key: DocumentKey, run: number): Promise<void> {
    const build = (await builds.get(this.#process.store, key))?.document;
    if (build === undefined || build.run !== run || currentPhase(build) !== 'PROVISIONING') return;
    if (build.holder !== this.#holder()) return;
    const old = this.#runs.get(key.id);
    if (old?.number === run) return;
    old?.kill();
    const fresh = new BuildRun(this.#process, key, build);
    this.#runs.set(key.id, fresh);
    fresh.start();
  }

  async kill(key: DocumentKey): Promise<void> {
    this.#runs.get(key.id)?.kill();
    await this.#process.world.scheduler.wait({ process: this.#process.name, label: 'processes end' });
  }

  cleanUp(key: DocumentKey): void {
    this.#runs.get(key.id)?.kill();
    this.#runs.delete(key.id);
    this.#admitted.delete(key.id);
    const at = this.#waiting.findIndex(({ id }) => id === key.id);
    if (at >= 0) this.#waiting.splice(at, 1);
    this.#admitNext();
  }

  /** Whose room it is, where several share the work. */
  #holder(): string | undefined {
    return this.#process.members?.self;
  }

  #admitNext(): void {
    while (this.#admitted.size < AT_ONCE) {
      const key = this.#waiting.shift();
      if (key === undefined) return;
      this.#admitted.add(key.id);
      void this.#admit(key);
    }
  }

  async #admit(key: DocumentKey): Promise<void> {
    try {
      const admitted: BuildEvent = { type: 'Admitted', holder: this.#holder() };
      const { engine } = this.#process;
      const build = await untilHeard(this.#process, () => engine.submit<Build>(BUILD, key, admitted));
      if (build !== undefined && build.status === 'IN_PROGRESS' && build.holder === this.#holder()) return;
    } catch (error) {
      this.#process.world.tell(this.#process.name, `a build could not be admitted: ${error}`);
    }
    this.#admitted.delete(key.id);
    this.#admitNext();
  }
}

/** One run of a build in this process: phase after phase, each reported to the engine. */
class BuildRun {
  readonly number: number;
  readonly #process: Process;
  readonly #key: DocumentKey;
  #build: Build;
  #killed = false;
  #source = '';

  constructor(process: Process, key: DocumentKey, build: Build) {
    this.#process = process;
    this.#key = key;
    this.#build = build;
    this.number = build.run;
  }

  start(): void {
    const cancel = this.#process.clock.after(this.#build.definition.timeoutMs, () => {
      if (this.#killed) return;
      this.#killed = true;
      void this.#submit({ type: 'RanOutOfTime' }).catch(() => {});
    });
    void this.#perform()
      .then((silent) => silent || cancel())
      .catch(async (error: unknown) => {
        if (this.#killed) return;
        await this.#submit({ type: 'RunnerFailed', message: String(error) }).catch(() => {});
        cancel();
      });
  }

  kill(): void {
    this.#killed = true;
  }

  /** Resolves to whether it hangs. */
  async #perform(): Promise<boolean> {
    const { world } = this.#process;
    const { mischief, scenario } = world;
    for (let phase = currentPhase(this.#build); !this.#killed; phase = currentPhase(this.#build)) {
      await world.scheduler.wait({ process: this.#process.name, label: phase, afterMs: (u) => u * u * 8_000 });
      if (this.#killed) return false;
      const silent = mischief.strikes('runtime silent', scenario.circumstances.runtimeSilent / 8);
      if (silent) return true;
      if (mischief.strikes('runtime dies', scenario.circumstances.runtimeDies / 8)) throw new Error('the runtime died');
      const changed = phase === 'DOWNLOAD_SOURCE' && !this.#download();
      const broken = phase === 'BUILD' && world.chance.chance(0.05);
      if (phase === 'UPLOAD_ARTIFACTS') await this.#upload();
      if (this.#killed) return false;
      const failed = changed || broken;
      const statusCode = changed ? 'CLIENT_ERROR' : 'COMMAND_EXECUTION_ERROR';
      const contexts = failed ? [{ statusCode, message: 'exit status 1' }] : [];
      const build = await this.#submit({ type: 'PhaseEnded', phase: phase as RunPhase, failed, contexts });
      if (build === undefined || isFinal(build) || build.run !== this.number) return false;
    }
    return false;
  }

  /** False if the object has been written over since the build was asked for. */
  #download(): boolean {
    const { actionExecutionId = '', source } = this.#build.definition;
    const { outside, ledger } = this.#process.world;
    const object = outside.get(source);
    if (!outside.isUnchanged(object, source)) return false;
    ledger.taken(actionExecutionId, source, object.sha256);
    this.#source = object.sha256;
    return true;
  }

  async #upload(): Promise<void> {
    const { id, definition } = this.#build;
    if (this.#build.phases.some(({ status }) => status === 'FAILED')) return;
    for (const key of definition.outputs) {
      const text = `built from ${this.#source} by ${id}, run ${this.number}`;
      await this.#process.call('PutObject', () => {
        const artifact = this.#process.world.outside.put(key, text);
        this.#process.world.ledger.built(definition.actionExecutionId ?? '', artifact.sha256);
      });
    }
  }

  async #submit(event: Tagged): Promise<Build | undefined> {
    const reported: Tagged = { ...event, run: this.number };
    const { engine } = this.#process;
    const build = await untilHeard(this.#process, () => engine.submit<Build>(BUILD, this.#key, reported));
    if (build !== undefined) this.#build = build;
    return build;
  }
}
