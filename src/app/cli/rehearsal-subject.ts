/** What `sluice rehearse` is to play, from a running server or from files. */
import type { PipelineDeclaration } from '../../core/pipeline-definition/index.ts';
import type { KnownGrant, PipelinePlan, Plan } from '../../core/rehearsal/index.ts';
import type { PreflightReport } from '../preflight/preflight.ts';
import { readDefinitions } from '../rehearsal/from-files.ts';
import {
  chosen,
  groupFromFiles,
  groupName,
  pipelineFromFiles,
  type PipelineFacts,
  pipelinePlan,
  targetOf,
} from '../rehearsal/plans.ts';
import type { Parameters } from '../rehearsal/template.ts';
import { deploymentPlan, type WatchedGroup } from '../rehearsal/watched-group.ts';
import { OptionError } from '../config.ts';
import type { AwsClient } from './aws.ts';
import { defaultJudgeOf, readGroup, requestRate } from './deployment-group.ts';
import { control } from './endpoint.ts';

export type Subject = Readonly<{
  /** `APPLICATION/GROUP` or a pipeline. */
  name: string;
  /** Requests a minute, by `APPLICATION/GROUP`, where metrics say it. */
  measured: Readonly<Record<string, number>>;
  /** What took no part, and what is known to be amiss. */
  remarks: readonly string[];
}> &
  Readonly<{ kind: 'Deployment'; plan: Plan } | { kind: 'Pipeline'; plan: PipelinePlan }>;

// --- from files ---

/** `--parameters Key=Value`, or as the AWS CLI has it: `ParameterKey=Key,ParameterValue=Value`. */
export function parametersFrom(given: readonly string[]): Parameters {
  return new Map(
    given.map((each) => {
      const [, key, value] =
        /^ParameterKey=([^,]+),ParameterValue=(.*)$/s.exec(each) ?? /^([^=]+)=(.*)$/s.exec(each) ?? [];
      if (key === undefined || value === undefined) throw new OptionError(`--parameters ${each}: expected Name=Value`);
      return [key, value];
    }),
  );
}

export type SubjectFromFiles = Readonly<{ subject: Subject; scenario?: string; passedOver: readonly string[] }>;

export function subjectFromFiles(
  paths: readonly string[],
  parameters: Parameters,
  name: string | undefined,
): SubjectFromFiles {
  const { definitions, scenario, passedOver } = readDefinitions(paths, parameters);
  const found = chosen(definitions, name);
  const subject =
    'pipeline' in found
      ? ofPipeline(pipelineFromFiles(definitions, found.pipeline), {}, [
          'files hold no policies: what follows where a grant is missing is rehearsed, not whether one is',
        ])
      : ofGroup(groupFromFiles(definitions, found.group), undefined, false);
  return { subject, ...(scenario === undefined ? {} : { scenario }), passedOver };
}

/** The deployment groups that `name` stands for: one, or those of a pipeline. */
export function groupsFromFiles(
  paths: readonly string[],
  parameters: Parameters,
  name: string | undefined,
): readonly WatchedGroup[] {
  const { definitions } = readDefinitions(paths, parameters);
  const found = chosen(definitions, name);
  if ('group' in found) return [groupFromFiles(definitions, found.group)];
  const groups = [...pipelineFromFiles(definitions, found.pipeline).groups.values()];
  if (groups.length === 0) throw new OptionError(`the pipeline ${found.pipeline} has no CodeDeploy action`);
  return groups;
}

// --- from a running server ---

export async function subjectFromServer(aws: AwsClient, endpoint: string, name: string): Promise<Subject> {
  const judge = await defaultJudgeOf(endpoint);
  const slash = name.indexOf('/');
  if (slash > 0) {
    const target = { application: name.slice(0, slash), group: name.slice(slash + 1) };
    const group = await readGroup(aws, target, judge);
    return ofGroup(group, await requestRate(aws, endpoint, group.alarms), true);
  }
  const { pipeline: declaration } = (await aws('codepipeline', 'GetPipeline', { name })) as {
    pipeline: PipelineDeclaration;
  };
  const actions = declaration.stages.flatMap((stage) => stage.actions);
  const groups = new Map<string, WatchedGroup>();
  const measured: Record<string, number> = {};
  for (const action of actions) {
    const target = targetOf(action);
    if (target === undefined || groups.has(groupName(target))) continue;
    const group = await readGroup(aws, target, judge);
    groups.set(groupName(target), group);
    const rate = await requestRate(aws, endpoint, group.alarms);
    if (rate !== undefined) measured[groupName(target)] = rate;
  }
  const facts: PipelineFacts = {
    declaration,
    groups,
    buildTimeoutMinutes: await buildTimeouts(aws, actions),
    shut: await shutStages(aws, name),
    missingStops: true,
  };
  const subject = ofPipeline(facts, measured, []);
  const { grants, remarks } = await foreseen(endpoint, declaration, subject.plan);
  return { ...subject, plan: { ...subject.plan, grants }, remarks: [...subject.remarks, ...remarks] };
}

async function buildTimeouts(
  aws: AwsClient,
  actions: readonly Readonly<{ configuration?: Readonly<Record<string, string>> }>[],
): Promise<ReadonlyMap<string, number>> {
  const names = [...new Set(actions.flatMap(({ configuration = {} }) => configuration['ProjectName'] ?? []))];
  if (names.length === 0) return new Map();
  const { projects = [] } = (await aws('codebuild', 'BatchGetProjects', { names })) as {
    projects?: readonly { name: string; timeoutInMinutes?: number }[];
  };
  return new Map(
    projects.flatMap(({ name, timeoutInMinutes }) =>
      timeoutInMinutes === undefined ? [] : [[name, timeoutInMinutes] as const],
    ),
  );
}

async function shutStages(aws: AwsClient, name: string): Promise<readonly string[]> {
  const { stageStates = [] } = (await aws('codepipeline', 'GetPipelineState', { name })) as {
    stageStates?: readonly { stageName: string; inboundTransitionState?: { enabled?: boolean } }[];
  };
  return stageStates
    .filter(({ inboundTransitionState }) => inboundTransitionState?.enabled === false)
    .map(({ stageName }) => stageName);
}

/** What `sluice preflight` knows of a pipeline: what its actions need, and what they will be denied as it stands. */
async function foreseen(
  endpoint: string,
  { name, roleArn, stages }: PipelineDeclaration,
  { work }: PipelinePlan,
): Promise<Readonly<{ grants: readonly KnownGrant[]; remarks: readonly string[] }>> {
  const query = new URLSearchParams({ pipeline: name, needs: 'true' });
  const { actions, needs = [] } = await control<PreflightReport>(endpoint, 'GET', `preflight?${query}`);
  const own = new Set([roleArn, ...stages.flatMap((stage) => stage.actions.flatMap((action) => action.roleArn ?? []))]);
  const grants = needs.flatMap(({ stage, action, grant, by }): readonly KnownGrant[] => {
    const at = `${stage}/${action}`;
    const kind = work[at]?.kind;
    if (own.has(by)) return [{ grant, at, by: 'pipeline' }];
    // What a service asks for as itself is not a role's to lack.
    if (!by.includes(':role/') || (kind !== 'Build' && kind !== 'Deployment')) return [];
    return [{ grant, at, by: kind === 'Build' ? 'build' : 'deployment' }];
  });
  const remarks = actions.flatMap(({ stage, action, denied, fails }) => [
    ...denied.map(
      (each) => `${stage}/${action} will be denied ${each.action}, as it stands (sluice preflight ${name})`,
    ),
    ...fails.map((text) => `${stage}/${action} will fail, as it stands: ${text}`),
  ]);
  return { grants, remarks };
}

function ofGroup(group: WatchedGroup, rate: number | undefined, missingStops: boolean): Subject {
  const { plan, remarks } = deploymentPlan(group, { missingStops });
  const name = groupName(group);
  return { kind: 'Deployment', name, plan, remarks, measured: rate === undefined ? {} : { [name]: rate } };
}

function ofPipeline(
  facts: PipelineFacts,
  measured: Readonly<Record<string, number>>,
  more: readonly string[],
): Extract<Subject, { kind: 'Pipeline' }> {
  const { plan, remarks } = pipelinePlan(facts);
  return { kind: 'Pipeline', name: plan.name, plan, measured, remarks: [...remarks, ...more] };
}
