/** A build in virtual time: the decider that runs in production, its commands taking as long as the scenario says. */
import { type EpochMs, HOUR_MS } from '../../common/index.ts';
import { type BuildEvent, type BuildState, decide, type RunPhase, submitBuild } from '../build/index.ts';
import type { Fault } from './faults.ts';

export type BuildSetting = Readonly<{
  id: string;
  takesMs: number;
  /** After which it is ended. */
  timeoutMs: number;
  fault?: Fault['build'];
  /** Whether its role is refused what it asks for then. */
  lacks(when: 'Source' | 'Artifacts'): boolean;
  now(): EpochMs;
  later(ms: number, act: () => void): void;
  onEnd(): void;
}>;

const RUN = 1;

export class BuildRun {
  readonly #setting: BuildSetting;
  #state: BuildState;

  constructor(setting: BuildSetting) {
    const { id } = setting;
    this.#setting = setting;
    this.#state = submitBuild(
      { id, arn: id, definition: undefined, queuedTimeoutMs: 8 * HOUR_MS },
      setting.now(),
    ).state;
  }

  get status(): BuildState['status'] {
    return this.#state.status;
  }

  /** Nobody queues before it, and all its time is taken by its commands. */
  begin(): void {
    const { takesMs, timeoutMs, fault, lacks, later } = this.#setting;
    this.#tell({ type: 'Admitted' });
    this.#end('PROVISIONING');
    if (lacks('Source')) {
      this.#end('DOWNLOAD_SOURCE', true);
      this.#end('FINALIZING');
      return;
    }
    for (const phase of ['DOWNLOAD_SOURCE', 'INSTALL', 'PRE_BUILD'] as const) this.#end(phase);
    if (fault === 'Hangs' || takesMs >= timeoutMs)
      later(timeoutMs, () => this.#tell({ type: 'RanOutOfTime', run: RUN }));
    else if (fault === 'Dies')
      later(takesMs / 2, () => this.#tell({ type: 'RunnerFailed', run: RUN, message: 'the runtime died' }));
    else
      later(takesMs, () => {
        this.#end('BUILD', fault === 'Fails');
        this.#end('POST_BUILD');
        this.#end('UPLOAD_ARTIFACTS', lacks('Artifacts'));
        this.#end('FINALIZING');
      });
  }

  #end(phase: RunPhase, failed = false): void {
    this.#tell({ type: 'PhaseEnded', run: RUN, phase, failed, contexts: [] });
  }

  #tell(event: BuildEvent): void {
    const { state, effects } = decide(this.#state, event, this.#setting.now());
    this.#state = state;
    if (effects.some(({ type }) => type === 'Wake')) this.#setting.onEnd();
  }
}
