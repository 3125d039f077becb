/** What goes wrong with releases, ready made. */
import { MINUTE_MS } from '../../common/index.ts';
import type { Plan } from './deployment.ts';
import type { Fault } from './faults.ts';
import { removableGrants } from './grants.ts';
import { bakingGroup, type PipelinePlan } from './pipeline-plan.ts';

export const HEALTHY: Fault = { name: 'healthy' };

/** Of a release, against a deployment. `shiftMs`: from the first step to the last. */
export function palette(shiftMs: number): readonly Fault[] {
  return [
    HEALTHY,
    { name: 'errors 5 %', errorShare: () => 0.05 },
    { name: 'errors 30 %', errorShare: () => 0.3 },
    { name: 'slow leak', errorShare: (sinceMs) => Math.min(0.5, (0.5 * sinceMs) / Math.max(shiftMs, MINUTE_MS)) },
    { name: 'latency x3', latencyFactor: 3 },
    {
      name: 'metrics gap',
      errorShare: () => 0.3,
      metricsGap: { fromMs: 0, toMs: Math.max(shiftMs, 10 * MINUTE_MS) },
    },
    { name: 'flapping', errorShare: (sinceMs) => (Math.floor(sinceMs / MINUTE_MS) % 2 === 0 ? 0.3 : 0) },
    { name: 'only at 100 %', errorShare: (_, weightPercent) => (weightPercent === 100 ? 1 : 0) },
    { name: 'old version too', errorShare: () => 0.3, oldErrorShare: 0.3 },
    { name: 'old version gone', errorShare: () => 0.3, oldGone: true },
    { name: 'hook hangs', hook: 'Hangs' },
  ];
}

/** What of the palette can strike this deployment. */
export function paletteFor({ steps, hooks = [] }: Plan): readonly Fault[] {
  return palette(steps.at(-1)?.afterMs ?? 0).filter(({ hook }) => hook === undefined || hooks.length > 0);
}

/** What can strike this pipeline: what strikes its deployments, and what strikes around them. */
export function pipelinePalette(plan: PipelinePlan): readonly Fault[] {
  const kinds = new Set(Object.values(plan.work).map(({ kind }) => kind));
  const hooked = Object.values(plan.groups).some(({ hooks = [] }) => hooks.length > 0);
  const releases = kinds.has('Deployment') ? palette(bakingGroup(plan)?.shiftMs ?? 0) : [HEALTHY];
  const grants = removableGrants(plan).filter(({ when }) => when === 'Start');
  const grant = grants.find(({ grant: name }) => name === 'codedeploy:CreateDeployment') ?? grants[0];
  return [
    ...releases.filter(({ hook }) => hook === undefined || hooked),
    ...(kinds.has('Build')
      ? ([
          { name: 'build fails', build: 'Fails' },
          { name: 'build hangs', build: 'Hangs' },
          { name: 'runtime dies', build: 'Dies' },
        ] as const)
      : []),
    ...(kinds.has('Approval') ? [{ name: 'approver asleep', approver: 'Asleep' } as const] : []),
    ...(kinds.has('Deployment') ? [{ name: 'second push', pushes: ['MidBake' as const] }] : []),
    ...(grant === undefined ? [] : [grantFault(grant)]),
  ];
}

/** One fault for each grant that can be missing. */
export function grantFaults(plan: PipelinePlan): readonly Fault[] {
  const seen = new Map<string, Fault>();
  for (const need of removableGrants(plan)) {
    const fault = grantFault(need);
    if (!seen.has(fault.name)) seen.set(fault.name, fault);
  }
  return [...seen.values()];
}

type Missing = Readonly<{ grant: string; by: 'pipeline' | 'build' | 'deployment'; at: string }>;

function grantFault({ grant, by, at }: Missing): Fault {
  const name = by === 'pipeline' ? `no ${grant}` : `no ${grant} (${by})`;
  return { name, denies: { grant, by, at } };
}
