/**
 * What a provider of actions is, and what it is given to work with. One file per provider beside this one.
 *
 * `start` and `poll` run outside any transaction and may run again after a crash: `mayHaveStarted` says when that is
 * possible, and each provider makes the second time harmless (a client token, a fixed key, a look before it acts).
 */
import type { ActionDeclaration } from '../../../core/pipeline-definition/index.ts';
import type {
  ActionError,
  ActionExecution,
  ActionResult,
  Artifact,
  ArtifactPlace,
  Execution,
  ProviderReport,
} from '../../../core/pipeline-execution/index.ts';
import type { Foreseen, ForeseenCall, ForeseenCaller, ForeseenUse } from '../../foreseen.ts';
import type { Client, House, Scope } from '../../service.ts';
import type { ArtifactDesk } from '../artifacts.ts';
import type { VersionRecord } from '../records.ts';

export type ActionRun = Readonly<{
  house: House;
  /** The pipeline's account and Region. */
  scope: Scope;
  pipelineName: string;
  pipelineExecution: Execution;
  actionExecution: ActionExecution;
  definition: VersionRecord;
  declaration: ActionDeclaration;
  /** With variables replaced and secrets in clear: for the provider's eyes only. */
  configuration: Readonly<Record<string, string>>;
  /** Where the action runs. */
  region: string;
  /** An earlier try at this very start may have got through to the provider. */
  mayHaveStarted: boolean;
  /** Calls as the action's role, in the account of that role and the Region of the action. */
  client(): Promise<Client>;
  artifacts: ArtifactDesk;
}>;

export type ActionOutcome =
  | Readonly<{
      type: 'Running';
      report?: ProviderReport;
      /** Of an approval. */
      token?: string;
      notify?: boolean;
      /** Look again after this many milliseconds of the clock, or when somebody wakes the key. */
      pollAfterMs?: number;
      wakeKey?: string;
      deadlineAt?: number;
    }>
  | (Readonly<{ type: 'Succeeded'; outputs: readonly Artifact[] }> & ActionResult)
  | Readonly<{ type: 'Failed'; error: ActionError; report?: ProviderReport }>;

export interface ActionProvider {
  start(run: ActionRun): Promise<ActionOutcome>;
  poll?(run: ActionRun): Promise<ActionOutcome>;
  /** The calls that `start` and `poll` make, in their order, and what cannot be known of them. */
  foresee?(run: ForeseenRun): AsyncGenerator<Foreseen, void>;
}

/** An action before it runs: what is known of it from the definition alone. Its `run` has no clients. */
export type ForeseenRun = Readonly<{
  run: ActionRun;
  /** A call of the action's role, in the account of that role and the Region of the action. */
  call(service: string, operation: string, input: object, purpose: string): ForeseenCall;
  /** The same for what is no operation of the API. */
  use(action: string, resource: (scope: Scope) => string, purpose: string): ForeseenUse;
  /** Brings the inputs to the action's Region, as the pipeline's own role. */
  inputs(): AsyncGenerator<Foreseen, readonly Artifact[]>;
  /** Reads an artifact, as the action's role. */
  read(artifact: ArtifactPlace): ForeseenCall;
  /** Writes an output, as the action's role. */
  write(name: string): ForeseenCall;
  /** For what the pipeline's own role does. */
  asPipeline: ForeseenCaller;
}>;

/** Thrown by what an action uses, where the action can do nothing but fail with it. */
export class ActionFailure extends Error {
  override readonly name = 'ActionFailure';
  readonly code: string;

  constructor(code: 'PermissionError' | 'ConfigurationError' | 'JobFailed' | 'RevisionUnavailable', message: string) {
    super(message);
    this.code = code;
  }
}
