/** What is to be rehearsed, made of definitions: a deployment group alone, or a pipeline with its groups. */
import {
  type ActionDeclaration,
  type ActionTypeDefinition,
  findActionType,
  normalisePipeline,
  type PipelineDeclaration,
  planOf,
  validatePipeline,
} from '../../core/pipeline-definition/index.ts';
import { HOUR_MS, MINUTE_MS } from '../../common/index.ts';
import type { PipelinePlan, Plan, Work } from '../../core/rehearsal/index.ts';
import { PREDEFINED_ROUTINGS, type Routing } from '../../core/traffic-shift/index.ts';
import { OptionError } from '../config.ts';
import { type Declared, type Definitions, type GroupDeclaration } from './definitions.ts';
import { alarmNamesOf, deploymentPlan, type Target, watchedGroup, type WatchedGroup } from './watched-group.ts';

/** As a pipeline and the groups that it deploys to stand. */
export type PipelineFacts = Readonly<{
  declaration: PipelineDeclaration;
  /** By `APPLICATION/GROUP`. */
  groups: ReadonlyMap<string, WatchedGroup>;
  /** By project. */
  buildTimeoutMinutes: ReadonlyMap<string, number>;
  shut: readonly string[];
  /** An alarm that is not known does not exist, as on a running server; from files, it may. */
  missingStops: boolean;
}>;

export function pipelinePlan(facts: PipelineFacts): Readonly<{ plan: PipelinePlan; remarks: readonly string[] }> {
  const { shut, missingStops } = facts;
  const declaration = normalisePipeline(facts.declaration, facts.declaration.version ?? 1);
  const groups: Record<string, Plan> = {};
  const remarks: string[] = [];
  for (const [name, group] of facts.groups) {
    const made = deploymentPlan(group, { missingStops });
    groups[name] = made.plan;
    remarks.push(...made.remarks.map((remark) => `${name}: ${remark}`));
  }
  const work = Object.fromEntries(
    declaration.stages.flatMap(({ name, actions }) =>
      actions.map((action) => [`${name}/${action.name}`, workOf(action, facts)]),
    ),
  );
  const line = planOf(declaration, otherTypes(declaration));
  return { plan: { name: declaration.name, line, work, groups, shut }, remarks };
}

function workOf({ actionTypeId, configuration = {} }: ActionDeclaration, { buildTimeoutMinutes }: PipelineFacts): Work {
  const type = `${actionTypeId.category}/${actionTypeId.provider}`;
  if (actionTypeId.category === 'Source') return { kind: 'Source', type };
  if (actionTypeId.category === 'Approval')
    return { kind: 'Approval', type, notifies: configuration['NotificationArn'] !== undefined };
  if (actionTypeId.provider === 'CodeBuild') {
    const minutes = buildTimeoutMinutes.get(configuration['ProjectName'] ?? '');
    return { kind: 'Build', type, ...(minutes === undefined ? {} : { timeoutMs: minutes * MINUTE_MS }) };
  }
  const target = targetOf({ actionTypeId, configuration });
  return target === undefined ? { kind: 'Other', type } : { kind: 'Deployment', type, group: groupName(target) };
}

/** The group that a CodeDeploy action deploys to. */
export function targetOf({
  actionTypeId,
  configuration = {},
}: Pick<ActionDeclaration, 'actionTypeId' | 'configuration'>): Target | undefined {
  if (actionTypeId.provider !== 'CodeDeploy') return undefined;
  return {
    application: configuration['ApplicationName'] ?? '',
    group: configuration['DeploymentGroupName'] ?? '',
  };
}

export function groupName({ application, group }: Target): string {
  return `${application}/${group}`;
}

/** Types that Sluice cannot run: an action of one takes its time, and that is all that is known of it. */
function otherTypes({ stages }: PipelineDeclaration): readonly ActionTypeDefinition[] {
  return stages
    .flatMap(({ actions }) => actions)
    .filter(({ actionTypeId }) => findActionType(actionTypeId, [])?.implemented !== true)
    .map(({ actionTypeId, configuration = {} }) => {
      const any = { minimumCount: 0, maximumCount: 10 };
      const timeoutMs = findActionType(actionTypeId, [])?.timeoutMs ?? timeoutOf(actionTypeId.owner);
      const properties = Object.keys(configuration).map((name) => ({
        name,
        required: false,
        secret: false,
        key: false,
      }));
      return { id: actionTypeId, inputs: any, outputs: any, properties, timeoutMs, implemented: true };
    });
}

/** A custom action may take a day. */
function timeoutOf(owner: string): number {
  return owner === 'Custom' ? 24 * HOUR_MS : HOUR_MS;
}

// --- from files ---

/** `name`: a pipeline, or `APPLICATION/GROUP`; absent: the only one that there is. */
export function chosen(
  { pipelines, groups }: Definitions,
  name: string | undefined,
): Readonly<{ pipeline: string } | { group: string }> {
  if (name !== undefined) {
    if (pipelines.has(name)) return { pipeline: name };
    if (groups.has(name)) return { group: name };
    throw new OptionError(`${name}: the files hold ${listed([...pipelines.keys(), ...groups.keys()])}`);
  }
  const [pipeline, ...otherPipelines] = pipelines.keys();
  if (otherPipelines.length > 0)
    throw new OptionError(`say which pipeline: the files hold ${listed([...pipelines.keys()])}`);
  if (pipeline !== undefined) return { pipeline };
  const [group, ...otherGroups] = groups.keys();
  if (group === undefined) throw new OptionError('the files hold neither a pipeline nor a deployment group');
  if (otherGroups.length > 0)
    throw new OptionError(`say which deployment group: the files hold ${listed([...groups.keys()])}`);
  return { group };
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'nothing that could be rehearsed' : names.join(', ');
}

export function groupFromFiles(definitions: Definitions, name: string): WatchedGroup {
  const declared = definitions.groups.get(name);
  if (declared === undefined) throw new OptionError(`there is no deployment group ${name} among the files`);
  const { value } = declared;
  const alarms = alarmNamesOf(value).flatMap((alarm) => definitions.alarms.get(alarm)?.value ?? []);
  const target = { application: value.applicationName, group: value.deploymentGroupName };
  return watchedGroup(target, value, routingFromFiles(definitions, declared), alarms);
}

function routingFromFiles({ routings }: Definitions, { value, part }: Declared<GroupDeclaration>): Routing {
  const { deploymentConfigName = 'CodeDeployDefault.LambdaAllAtOnce' } = value;
  const own = routings.get(deploymentConfigName);
  if (own !== undefined) return own.value;
  const predefined = PREDEFINED_ROUTINGS.find(({ name }) => name === deploymentConfigName);
  if (predefined?.computePlatform === 'Lambda') return predefined.routing;
  throw part
    .at('deploymentConfigName')
    .error(
      deploymentConfigName.startsWith('CodeDeployDefault.')
        ? `${deploymentConfigName} is no configuration for Lambda functions`
        : `the deployment configuration ${deploymentConfigName} is not among the files; add what aws deploy get-deployment-config says of it`,
    );
}

/** Throws `SettingError` for a pipeline that breaks CodePipeline's rules, or deploys to a group that is not known. */
export function pipelineFromFiles(definitions: Definitions, name: string): PipelineFacts {
  const declared = definitions.pipelines.get(name);
  if (declared === undefined) throw new OptionError(`there is no pipeline ${name} among the files`);
  checkPipeline(declared);
  const { value: declaration, part } = declared;
  const groups = new Map<string, WatchedGroup>();
  for (const [stage, { actions }] of declaration.stages.entries()) {
    for (const [index, action] of actions.entries()) {
      const target = targetOf(action);
      if (target === undefined) continue;
      const group = groupName(target);
      if (!definitions.groups.has(group))
        throw part.file.error(
          [...part.path, 'stages', stage, 'actions', index, 'configuration', 'DeploymentGroupName'],
          `there is no deployment group ${group} among the files; add what aws deploy get-deployment-group says of it`,
        );
      groups.set(group, groupFromFiles(definitions, group));
    }
  }
  return {
    declaration,
    groups,
    buildTimeoutMinutes: new Map([...definitions.buildTimeouts].map(([project, { value }]) => [project, value])),
    shut: definitions.shut.get(name) ?? [],
    missingStops: false,
  };
}

function checkPipeline({ value, part }: Declared<PipelineDeclaration>): void {
  const region = Object.keys(value.artifactStores ?? {})[0] ?? 'us-east-1';
  const problem = validatePipeline(value, { region, customActionTypes: otherTypes(value) });
  if (problem === undefined) return;
  for (const [stage, { name, actions }] of value.stages.entries()) {
    const action = actions.findIndex(
      (each) => problem.message.includes(`'${each.name}'`) || problem.message.includes(` ${each.name} `),
    );
    const isStage = problem.message.includes(`'${name}'`);
    if (action < 0 && !isStage) continue;
    const path = [...part.path, 'stages', stage, ...(action < 0 ? [] : ['actions', action])];
    throw part.file.error(path, problem.message);
  }
  throw part.error(problem.message);
}
