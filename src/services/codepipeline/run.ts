/** Gathers what a provider needs to work on an action that is under way, and makes events of what it answers. */
import { isAwsError, parseArn } from '../../common/index.ts';
import {
  actionPath,
  MASK,
  referencesIn,
  resolveConfiguration,
  type Variables,
} from '../../core/pipeline-definition/index.ts';
import {
  type ActionExecution,
  currentRuns,
  type Execution,
  isLive,
  type LineEvent,
  type PipelineLine,
  planOf,
} from '../../core/pipeline-execution/index.ts';
import type { DocumentKey } from '../../store/index.ts';
import type { House } from '../service.ts';
import { type ActionOutcome, ActionFailure, type ActionRun } from './actions/action.ts';
import { ArtifactDesk, isDenial } from './artifacts.ts';
import { definitionOf, findAction } from './definitions.ts';
import { lines, type VersionRecord } from './records.ts';
import { actionSession, type RoleUse, serviceSession } from './roles.ts';
import { openSecrets } from './sealed-secrets.ts';

export type LoadOptions = Readonly<{
  /** The action is about to start: its role is assumed anew. */
  fresh?: boolean;
  /** Of the effect; beyond the first, an earlier one may have got through. */
  attempt?: number;
  /** The effect was taken over: whoever had it before may have got through. */
  resumed?: boolean;
  /** When this process opened the house: whatever began before it, the process before may have done. */
  openedAt?: number;
}>;

/** Undefined when the action does not run (any more): whatever was to be done for it is void. */
export async function loadRun(
  house: House,
  key: DocumentKey,
  actionExecutionId: string,
  options: LoadOptions = {},
): Promise<ActionRun | undefined> {
  const line = (await lines.get(house.store, key))?.document;
  const found = line && runningAction(line, actionExecutionId);
  if (line === undefined || found === undefined) return undefined;
  const definition = await definitionOf(house, key, key.id, line.pipelineId, found[0].version);
  if (definition === undefined) return undefined;
  return makeRun(house, key, line, found, definition, options);
}

export function runningAction(
  line: PipelineLine,
  actionExecutionId: string,
): readonly [Execution, ActionExecution] | undefined {
  for (const execution of line.executions) {
    if (!isLive(execution)) continue;
    const action = currentRuns(execution).find((candidate) => candidate.id === actionExecutionId);
    if (action?.status === 'InProgress') return [execution, action];
  }
  return undefined;
}

function makeRun(
  house: House,
  key: DocumentKey,
  line: PipelineLine,
  [execution, action]: readonly [Execution, ActionExecution],
  definition: VersionRecord,
  options: LoadOptions,
): ActionRun {
  const { declaration: pipeline } = definition;
  const secrets = openSecrets(house, definition);
  const scope = { account: key.account, region: key.region };
  const declaration = findAction(pipeline, action.stage, action.action);
  if (declaration === undefined)
    throw new Error(`${action.stage}/${action.action} is not in version ${execution.version}`);
  const region = declaration.region ?? scope.region;
  const role: RoleUse = {
    house,
    scope,
    pipelineName: pipeline.name,
    serviceRoleArn: pipeline.roleArn,
    actionRoleArn: declaration.roleArn,
    region,
    fresh: options.fresh ?? false,
  };
  const client = async () => {
    const { session, scope: where } = await actionSession(role);
    return house.door.as(session.principal, where);
  };
  const unresolved = { ...declaration.configuration, ...secrets[actionPath(action.stage, action.action)] };
  const resolved = resolveConfiguration(unresolved, variablesOf(line, execution));
  return {
    house,
    scope,
    pipelineName: pipeline.name,
    pipelineExecution: execution,
    actionExecution: action,
    definition,
    declaration,
    get configuration() {
      if ('configuration' in resolved) return resolved.configuration;
      const names = resolved.unresolved.map(({ key, reference }) => `${reference} (${key})`).join(', ');
      throw new ActionFailure(
        'ConfigurationError',
        `The action configuration of '${action.action}' refers to variables that have no value: ${names}.`,
      );
    },
    region,
    mayHaveStarted:
      (options.attempt ?? 1) > 1 || options.resumed === true || action.startedAt <= (options.openedAt ?? 0),
    client,
    artifacts: new ArtifactDesk({
      house,
      declaration: pipeline,
      region,
      actionExecutionId: action.id,
      inputs: action.inputs,
      inputNames: (declaration.inputArtifacts ?? []).map((artifact) => artifact.name),
      outputNames: (declaration.outputArtifacts ?? []).map((artifact) => artifact.name),
      client,
      ownClient: async (where) => {
        const account = parseArn(pipeline.roleArn)?.account ?? scope.account;
        return house.door.as((await serviceSession(role)).principal, { account, region: where });
      },
    }),
  };
}

/** Everything that a reference may name when an action of this execution starts. */
function variablesOf(line: PipelineLine, execution: Execution): Variables {
  const variables: Record<string, Readonly<Record<string, string>>> = {
    codepipeline: { PipelineExecutionId: execution.id },
    variables: execution.variables,
  };
  const plans = planOf(line, execution).stages.flatMap((stage) =>
    stage.actions.map((action) => ({ stage: stage.name, ...action })),
  );
  for (const action of execution.actions) {
    if (action.status !== 'Succeeded') continue;
    const plan = plans.find((candidate) => candidate.stage === action.stage && candidate.name === action.action);
    if (plan?.namespace !== undefined) variables[plan.namespace] = action.variables;
  }
  return variables;
}

/** The event that a provider's answer is. A failure that will pass is thrown again, for the engine to try later. */
export async function eventOf(
  run: ActionRun,
  work: () => Promise<ActionOutcome | undefined>,
): Promise<LineEvent | undefined> {
  const actionExecutionId = run.actionExecution.id;
  try {
    const outcome = await work();
    if (outcome === undefined) return undefined;
    const shown = shownConfiguration(run);
    switch (outcome.type) {
      case 'Running': {
        const { report = {}, token, notify, pollAfterMs, wakeKey, deadlineAt } = outcome;
        const pollAt = pollAfterMs === undefined ? undefined : run.house.clock.now() + pollAfterMs;
        const news = [token, pollAt, deadlineAt, shown].some((part) => part !== undefined);
        if (!news && Object.keys(report).length === 0) return undefined;
        return {
          type: 'ActionProgressed',
          actionExecutionId,
          report: { ...report, ...shown },
          token,
          notify,
          pollAt,
          wakeKey,
          deadlineAt,
        };
      }
      case 'Succeeded': {
        const { outputs, report, variables, revision } = outcome;
        return {
          type: 'ActionSucceeded',
          actionExecutionId,
          outputs,
          report: { ...report, ...shown },
          variables,
          revision,
        };
      }
      default:
        return {
          type: 'ActionFailed',
          actionExecutionId,
          error: outcome.error,
          report: { ...outcome.report, ...shown },
        };
    }
  } catch (error) {
    const known = errorOf(error);
    if (known === undefined) throw error;
    return { type: 'ActionFailed', actionExecutionId, error: known };
  }
}

/** Requests came too fast, or the service has trouble of its own. */
const PASSES =
  /Throttl|TooManyRequests|SlowDown|RequestLimitExceeded|Internal(Failure|Error|Serv)|Unavailable|^ServiceException$/;

/**
 * What an action fails with; undefined: nobody's fault, try again.
 *
 * A quota that is used up (another deployment of the group, builds of the project) is no throttle: it lasts as long as the
 * other's work does, and AWS fails the action at once with the words of the refusal (of StartBuild: aws/aws-cdk issues
 * 17744 and 27335; that CreateDeployment's ends alike, and the code JobFailed, are unverified).
 */
export function errorOf(error: unknown): { code: string; message: string } | undefined {
  if (error instanceof Error && error.name === 'ActionFailure') {
    return { code: (error as ActionFailure).code, message: error.message };
  }
  if (isDenial(error)) return { code: 'PermissionError', message: error.message };
  if (!isAwsError(error)) return undefined;
  if (PASSES.test(error.code) || error.statusCode === 500 || error.statusCode === 503) return undefined;
  return { code: /LimitExceeded/.test(error.code) ? 'JobFailed' : 'ConfigurationError', message: error.message };
}

/** The resolved configuration, if it differs from the declared one, with its secrets masked. */
function shownConfiguration(run: ActionRun): { resolvedConfiguration: Record<string, string> } | undefined {
  const declared = run.declaration.configuration ?? {};
  if (!Object.values(declared).some((value) => referencesIn(value).length > 0)) return undefined;
  let resolved: Readonly<Record<string, string>>;
  try {
    resolved = run.configuration;
  } catch {
    return undefined;
  }
  const entries = Object.entries(resolved).map(([key, value]) => [key, declared[key] === MASK ? MASK : value]);
  return { resolvedConfiguration: Object.fromEntries(entries) as Record<string, string> };
}
