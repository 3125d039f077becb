/** A pipeline as it is played: its line, what each action does, how long that takes. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from '../../common/index.ts';
import type { Plan as Line } from '../pipeline-execution/index.ts';
import type { Plan as DeploymentPlan } from './deployment.ts';
import { HOOK_MS } from './rehearse.ts';
import type { Workload } from './workload.ts';

/** `type`: `Build/CodeBuild`, as the action's category and provider have it. */
export type Work = Readonly<
  | { kind: 'Source' | 'Other'; type: string }
  /** `notifies`: a topic is told. */
  | { kind: 'Approval'; type: string; notifies: boolean }
  /** `timeoutMs`: of the project. */
  | { kind: 'Build'; type: string; timeoutMs?: number }
  /** `group`: `APPLICATION/GROUP` */
  | { kind: 'Deployment'; type: string; group: string }
>;

export type PipelinePlan = Readonly<{
  name: string;
  line: Line;
  /** By `Stage/Action`. */
  work: Readonly<Record<string, Work>>;
  /** By `APPLICATION/GROUP`. */
  groups: Readonly<Record<string, DeploymentPlan>>;
  /** Stages whose inbound transition is disabled. */
  shut: readonly string[];
  /** What its actions are known to need; absent: what such actions usually need. */
  grants?: readonly KnownGrant[];
}>;

/** `at`: the action, as `Stage/Action`. `by`: whose role needs it. */
export type KnownGrant = Readonly<{ grant: string; by: 'pipeline' | 'build' | 'deployment'; at: string }>;

/** How long things take, and how often they fail of themselves. Shares are 0 to 1. */
export type Pace = Readonly<{
  sourceMs: number;
  build: Readonly<{ takesMs: number; failShare: number; timeoutMs: number }>;
  approver: Readonly<{ answersAfterMs: number; rejectShare: number }>;
  /** Of actions of every other type. */
  otherMs: number;
  hookMs: number;
}>;

export type PipelineWorkload = Workload & Readonly<{ pace: Pace; groups: Readonly<Record<string, Partial<Workload>>> }>;

export const DEFAULT_PACE: Pace = {
  sourceMs: 10 * SECOND_MS,
  build: { takesMs: 4 * MINUTE_MS, failShare: 0, timeoutMs: HOUR_MS },
  approver: { answersAfterMs: 30 * MINUTE_MS, rejectShare: 0 },
  otherMs: MINUTE_MS,
  hookMs: HOOK_MS,
};

/** Every action, as `Stage/Action`, in the order of the stages. */
export function actionPaths({ line }: Pick<PipelinePlan, 'line'>): readonly string[] {
  return line.stages.flatMap((stage) => stage.actions.map((action) => `${stage.name}/${action.name}`));
}

/** The group whose traffic moves longest, where one moves in steps: a second push comes during its bake. */
export function bakingGroup({ groups }: PipelinePlan): Readonly<{ group: string; shiftMs: number }> | undefined {
  const shifts = Object.entries(groups).map(([group, { steps }]) => ({ group, shiftMs: steps.at(-1)?.afterMs ?? 0 }));
  const [longest] = shifts.toSorted((a, b) => b.shiftMs - a.shiftMs);
  return longest !== undefined && longest.shiftMs > 0 ? longest : undefined;
}
