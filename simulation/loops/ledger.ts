/** What was promised and what was done, noted in the moment in which it was: the checker holds the disk against it. */
import type { Artifact, Change } from '../../src/core/pipeline-execution/index.ts';
import type { Deployment } from './records.ts';
import type { Look } from './returns.ts';
import type { World } from './world.ts';

export class Ledger {
  readonly #world: World;
  /** Acknowledged starts, by pipeline. */
  readonly acknowledged = new Map<string, Set<string>>();
  /** Effects that were performed at least once, by id. */
  readonly performed = new Set<string>();
  /** When a deployment last read its alarms, by deployment. */
  readonly lastAlarmsRead = new Map<string, number>();
  /** What a return of traffic has seen, look by look, by deployment. */
  readonly looks = new Map<string, Look[]>();
  /** Digests of what an action execution's producer wrote, by action execution. */
  readonly #built = new Map<string, Set<string>>();
  announcements = 0;

  constructor(world: World) {
    this.#world = world;
  }

  started(pipeline: string, executionId: string): void {
    let known = this.acknowledged.get(pipeline);
    if (known === undefined) this.acknowledged.set(pipeline, (known = new Set()));
    known.add(executionId);
  }

  built(actionExecutionId: string, sha256: string): void {
    let known = this.#built.get(actionExecutionId);
    if (known === undefined) this.#built.set(actionExecutionId, (known = new Set()));
    known.add(sha256);
  }

  /** Invariant 2: what is built is, byte for byte, what the producer of the artifact wrote. */
  taken(actionExecutionId: string, { key }: Artifact, sha256: string): void {
    const producer = key.slice(0, key.indexOf('/'));
    if (this.#built.get(producer)?.has(sha256) !== true)
      this.#world.fail('artifact', `${actionExecutionId} builds ${sha256}, which ${producer} did not make`);
  }

  /** Invariant 2: what is deployed is, byte for byte, what the producer of the artifact wrote. */
  deployed({ deploymentId, info }: Deployment, sha256: string): void {
    if (info.description === undefined) return;
    const producer = info.revision.key.slice(0, info.revision.key.indexOf('/'));
    if (this.#built.get(producer)?.has(sha256) !== true || sha256 !== info.revision.sha256) {
      this.#world.fail('artifact', `${deploymentId} deploys ${sha256}, which ${producer} did not make`);
    }
  }

  alarmsRead(deploymentId: string, check: number | undefined, _raised: readonly string[]): void {
    if (check !== undefined) this.lastAlarmsRead.set(deploymentId, this.#world.scheduler.now());
  }

  looked(deploymentId: string, look: Look): void {
    const before = this.looks.get(deploymentId);
    if (before === undefined) this.looks.set(deploymentId, [look]);
    else before.push(look);
  }

  announced(changes: readonly Change[]): void {
    this.announcements += changes.length;
  }
}
