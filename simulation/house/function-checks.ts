/**
 * What is checked of functions and of what hangs on them:
 *
 *   EventNotLost         an event that was accepted ran well at last, or was dropped by the rules: its tries or its time used up
 *   HookDecides          a deployment with hooks succeeds only when each said so, and never after one was heard saying no
 *   OwnJob               an Invoke action succeeds only when its own job was reported done
 */
import type { AsyncInvocationState } from '../../src/core/async-invocation/index.ts';
import type { PipelineLine } from '../../src/core/pipeline-execution/index.ts';
import type { Job } from '../../src/services/codepipeline/records.ts';
import type { Deployment } from '../../src/services/codedeploy/records.ts';
import type { Change, MemoryDisk } from '../memory-store/index.ts';
import { INSPECT } from './layout.ts';
import { Violation } from './violation.ts';

type Row = Readonly<{ kind: string; id: string; document: string }>;

export type FunctionChecksOptions = Readonly<{
  disk: MemoryDisk;
  count: (what: string) => void;
  fail: (violation: Violation) => void;
}>;

/** Longer than an event waits for its next try. */
const LONGEST_WAIT_MS = 5 * 60_000;

export class FunctionChecks {
  readonly #options: FunctionChecksOptions;
  /** Request id to how its runs ended. */
  readonly #runs = new Map<string, { well: number; failed: number; begun: number }>();
  /** Events that were accepted and are not over, by request id. */
  readonly unfinished = new Set<string>();
  readonly #accepted = new Set<number>();
  readonly #seen = new Set<number>();
  #droppedUnseen = 0;
  readonly #hooks = new Map<string, { saidYes: boolean; heardNo: boolean }>();
  readonly #jobsDone = new Set<string>();

  constructor(options: FunctionChecksOptions) {
    this.#options = options;
    options.disk.watch((changes) => {
      for (const change of changes) if (change.table === 'documents') this.#document(change);
    });
  }

  // What functions and their callers tell

  accepted(n: number): void {
    this.#accepted.add(n);
  }

  delivered(requestId: string, n: number | undefined): void {
    this.#runsOf(requestId).begun += 1;
    if (n !== undefined) this.#seen.add(n);
  }

  ran(requestId: string, well: boolean): void {
    this.#options.count(well ? 'function ran' : 'function failed');
    this.#runsOf(requestId)[well ? 'well' : 'failed'] += 1;
  }

  hookReports(executionId: string, good: boolean): void {
    if (good) this.#hookOf(executionId).saidYes = true;
  }

  hookReported(executionId: string, good: boolean): void {
    if (!good) this.#hookOf(executionId).heardNo = true;
  }

  jobReports(jobId: string): void {
    this.#jobsDone.add(jobId);
  }

  /** At the end, when all is at rest. */
  settle(): void {
    const lost = [...this.#accepted].filter((n) => !this.#seen.has(n));
    if (lost.length > this.#droppedUnseen)
      this.#fail('EventNotLost', `the events ${lost.join(', ')} were accepted and never delivered`);
  }

  #document({ before, after }: Change): void {
    const row = (after ?? before) as Row;
    switch (row.kind) {
      case 'lambda.async-invocation':
        if (after === undefined) this.#concluded(row);
        else this.unfinished.add(row.id);
        return undefined;
      case 'codedeploy.deployment':
        return after === undefined ? undefined : this.#deployment(JSON.parse(row.document) as Deployment);
      case 'codepipeline.pipeline-line':
        return after === undefined ? undefined : this.#line(before as Row | undefined, row);
      default:
        return undefined;
    }
  }

  #concluded({ id, document }: Row): void {
    const { phase, dropReason, functionErrors, ...state } = JSON.parse(document) as AsyncInvocationState;
    const { well, failed, begun } = this.#runsOf(id);
    this.#runs.delete(id);
    this.unfinished.delete(id);
    this.#options.count(`event ${dropReason ?? phase}`);
    if (phase === 'Succeeded') {
      if (well === 0) this.#fail('EventNotLost', `the event ${id} counts as done, and never ran well`);
      return;
    }
    if (begun === 0) this.#droppedUnseen += 1;
    // A run that was ended at its timeout is not heard of here.
    const tries = state.maxRetries + 1;
    const byRules =
      phase === 'Dropped' &&
      ((dropReason === 'RetriesExhausted' && functionErrors === tries && begun >= tries) ||
        (dropReason === 'EventAgeExceeded' && state.maxAgeMs > LONGEST_WAIT_MS));
    if (!byRules)
      this.#fail(
        'EventNotLost',
        `the event ${id} was forgotten in the phase ${phase} (${dropReason ?? 'no reason'}; begun ${begun}, failed ${failed}, errors counted ${functionErrors})`,
      );
  }

  #deployment({ deploymentId, phase, target, hookExecutionIds, rollbackOf }: Deployment): void {
    if (phase.name !== 'Ended' || phase.status !== 'Succeeded' || rollbackOf !== undefined) return;
    for (const hook of Object.keys(target?.hooks ?? {}) as (keyof typeof hookExecutionIds)[]) {
      const said = this.#hookOf(hookExecutionIds[hook]);
      this.#options.count('hook passed');
      if (!said.saidYes) this.#fail('HookDecides', `${deploymentId} succeeded, and its hook ${hook} never said so`);
      if (said.heardNo)
        this.#fail('HookDecides', `${deploymentId} succeeded, and its hook ${hook} was heard saying no`);
    }
  }

  #line(before: Row | undefined, after: Row): void {
    const succeeded = (row: Row | undefined): string[] =>
      row === undefined
        ? []
        : (JSON.parse(row.document) as PipelineLine).executions.flatMap(({ actions }) =>
            actions.filter(({ action, status }) => action === INSPECT && status === 'Succeeded').map(({ id }) => id),
          );
    if (!after.document.includes(`"${INSPECT}"`)) return;
    const known = new Set(succeeded(before));
    for (const actionExecutionId of succeeded(after)) {
      if (known.has(actionExecutionId)) continue;
      this.#options.count('invoke action succeeded');
      const own = [...this.#options.disk.documents.cells.values()]
        .filter(({ row }) => row.kind === 'codepipeline.job')
        .filter(({ row }) => (JSON.parse(row.document) as Job).actionExecutionId === actionExecutionId);
      if (!own.some(({ row }) => this.#jobsDone.has(row.id)))
        this.#fail(
          'OwnJob',
          `${after.id}: ${INSPECT} (${actionExecutionId}) succeeded, and none of its jobs was reported done`,
        );
    }
  }

  #runsOf(requestId: string): { well: number; failed: number; begun: number } {
    const known = this.#runs.get(requestId) ?? { well: 0, failed: 0, begun: 0 };
    this.#runs.set(requestId, known);
    return known;
  }

  #hookOf(executionId: string): { saidYes: boolean; heardNo: boolean } {
    const known = this.#hooks.get(executionId) ?? { saidYes: false, heardNo: false };
    this.#hooks.set(executionId, known);
    return known;
  }

  #fail(invariant: string, message: string): void {
    this.#options.fail(new Violation(invariant, message));
  }
}
