/**
 * The words of a stack. Glossary:
 * - configuration: template, parameters, plan, role: what an operation brings the stack to. `current` is what stands.
 * - operation: a create, update or delete under way; it has phases, each with its tasks.
 * - task: one create, update or delete of one resource. It starts when the tasks it comes after are done.
 * - generation: counts the physical resources that a logical id has had; its name is made of it.
 * - applied: the properties a resource was last made with: references worked in, NoEcho parameters still open.
 */
import type { EpochMs, JsonObject } from '../../common/index.ts';
import type { Plan } from '../cloudformation-template/index.ts';

export type StackStatus =
  | 'REVIEW_IN_PROGRESS'
  | 'CREATE_IN_PROGRESS'
  | 'CREATE_COMPLETE'
  | 'CREATE_FAILED'
  | 'ROLLBACK_IN_PROGRESS'
  | 'ROLLBACK_COMPLETE'
  | 'ROLLBACK_FAILED'
  | 'UPDATE_IN_PROGRESS'
  | 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_FAILED'
  | 'UPDATE_ROLLBACK_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE'
  | 'UPDATE_ROLLBACK_FAILED'
  | 'DELETE_IN_PROGRESS'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED';

export type ResourceStatus =
  | 'CREATE_IN_PROGRESS'
  | 'CREATE_COMPLETE'
  | 'CREATE_FAILED'
  | 'UPDATE_IN_PROGRESS'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_FAILED'
  | 'DELETE_IN_PROGRESS'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED'
  | 'DELETE_SKIPPED';

/** What the decider must know of a type: which properties cannot change in place, and which one is the name. */
export type TypeRules = Readonly<{ replaceOn: readonly string[]; nameProperty?: string }>;

export type Configuration = Readonly<{
  plan: Plan;
  rules: Readonly<Record<string, TypeRules>>;
}>;

export type StackResource = Readonly<{
  logicalId: string;
  type: string;
  generation: number;
  /** Absent: nothing was made. */
  physicalId?: string;
  attributes: Readonly<Record<string, string>>;
  applied: JsonObject;
  dependsOn: readonly string[];
  deletionPolicy: 'Delete' | 'Retain' | 'RetainExceptOnCreate';
  status: ResourceStatus;
  reason?: string;
  updatedAt: EpochMs;
}>;

export type Task = Readonly<{
  /** `3/Forward/Role`: the number of the operation, the phase, the logical id; of a cleanup, and the generation. */
  id: string;
  kind: 'Apply' | 'Restore' | 'Delete';
  logicalId: string;
  after: readonly string[];
  status: 'Waiting' | 'Running' | 'Done' | 'Failed' | 'Cancelled';
  /** Of a Delete: what is deleted. */
  target?: StackResource;
  /** Of a Delete: it is left behind. */
  skip?: boolean;
}>;

export type Phase = 'Forward' | 'Cleanup' | 'Rollback' | 'RollbackCleanup' | 'Delete';

export type Operation<C extends Configuration = Configuration> = Readonly<{
  number: number;
  kind: 'Create' | 'Update' | 'Delete';
  phase: Phase;
  tasks: readonly Task[];
  /** Absent: of a delete. */
  target?: C;
  onFailure: 'ROLLBACK' | 'DELETE' | 'DO_NOTHING';
  /** The resources as they were before it. */
  before: Readonly<Record<string, StackResource>>;
  /** Physical resources that have been replaced, to be deleted when the operation succeeds. */
  replaced: readonly StackResource[];
  clientRequestToken?: string;
}>;

export type StackEventRecord = Readonly<{
  number: number;
  at: EpochMs;
  logicalId: string;
  physicalId: string;
  type: string;
  status: string;
  reason?: string;
  clientRequestToken?: string;
  properties?: JsonObject;
}>;

export type StackState<C extends Configuration = Configuration> = Readonly<{
  stackId: string;
  stackName: string;
  status: StackStatus;
  statusReason?: string;
  createdAt: EpochMs;
  updatedAt?: EpochMs;
  deletedAt?: EpochMs;
  /** Counts the operations. */
  operations: number;
  /** What stands. Absent: the stack was never whole. */
  current?: C;
  /** What the last operation was given, whatever came of it. */
  latest?: C;
  operation?: Operation<C>;
  resources: Readonly<Record<string, StackResource>>;
  outputs: Readonly<Record<string, string>>;
  /** The oldest first. */
  events: readonly StackEventRecord[];
}>;

export type StackEvent<C extends Configuration = Configuration> = Readonly<
  | { type: 'CreateRequested'; target: C; onFailure: Operation['onFailure']; clientRequestToken?: string }
  | { type: 'UpdateRequested'; target: C; onFailure: 'ROLLBACK' | 'DO_NOTHING'; clientRequestToken?: string }
  | { type: 'DeleteRequested'; retain: readonly string[]; latest?: C; clientRequestToken?: string }
  | { type: 'ResourceApplied'; task: string; physicalId: string; attributes: Readonly<Record<string, string>> }
  | { type: 'ResourceDeleted'; task: string }
  /** `physicalId`: of a create that failed halfway, what there is to delete. */
  | { type: 'ResourceFailed'; task: string; reason: string; physicalId?: string }
  | { type: 'TimerFired'; timer: string }
>;

type OnResource = Readonly<{ lane: string; task: string; logicalId: string; resourceType: string; generation: number }>;

export type StackEffect = Readonly<
  | ({ type: 'CreateResource'; properties: JsonObject } & OnResource)
  | ({ type: 'UpdateResource'; physicalId: string; properties: JsonObject; before: JsonObject } & OnResource)
  | ({ type: 'DeleteResource'; physicalId: string; properties: JsonObject } & OnResource)
  | { type: 'Wake'; wakeKey: string }
>;

export const MOST_EVENTS = 5_000;

export function isInProgress(status: StackStatus): boolean {
  return status.endsWith('_IN_PROGRESS') && status !== 'REVIEW_IN_PROGRESS';
}
