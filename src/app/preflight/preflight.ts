/**
 * `sluice preflight`: before a pipeline runs, every permission that its actions will need, and which of them would be
 * denied, with what mends it. Nothing of the pipeline is run.
 */
import type { RequestContext } from '../../common/index.ts';
import type { Call, Scope } from '../../services/index.ts';
import type { Explained } from '../authorizer.ts';
import { type Explanation, explanationOf } from '../why/explanation.ts';
import { withNames } from '../why/unique-ids.ts';
import { type Judged, type Remark, unknownPipeline, Walk, type WalkTools } from './walk.ts';

/** A permission that is missing. */
export type Denied = Explanation & Readonly<{ purpose: string; account: string; region: string; viaService?: string }>;

export type ActionReport = Readonly<{
  stage: string;
  action: string;
  /** How many permissions were judged. */
  checked: number;
  denied: readonly Denied[];
  /** Denied, and passed over: the action goes on without. */
  passedOver: readonly Denied[];
  /** What fails for another reason than a missing permission. */
  fails: readonly string[];
  /** What cannot be known before it runs. */
  unknown: readonly string[];
}>;

export type PreflightReport = Readonly<{
  pipeline: string;
  account: string;
  region: string;
  /** Nothing would be denied, and nothing else is known to fail. */
  clean: boolean;
  checked: number;
  actions: readonly ActionReport[];
  /** If they were asked for: every permission that the actions need, allowed or not. */
  needs?: readonly Need[];
}>;

export type Need = Readonly<{
  stage: string;
  action: string;
  /** `codedeploy:CreateDeployment` */
  grant: string;
  /** The ARN of the role that needs it; of another principal, as it is named. */
  by: string;
}>;

/** Throws `PipelineNotFoundException`. */
export async function preflight(
  tools: WalkTools,
  scope: Scope,
  pipeline: string,
  options: Readonly<{ needs?: boolean }> = {},
): Promise<PreflightReport> {
  const walk = new Walk(tools);
  const start = { service: 'codepipeline', operation: 'StartPipelineExecution', input: { name: pipeline } };
  await walk.followFrom(start, callOf(tools, scope));
  if (walk.remarks.some(({ part, kind }) => part === '' && kind === 'fails')) throw unknownPipeline(pipeline, scope);
  const actions = [...walk.parts].map((part) => actionReport(walk, part));
  const report: PreflightReport = {
    pipeline,
    ...scope,
    clean: actions.every(({ denied, fails }) => denied.length === 0 && fails.length === 0),
    checked: walk.judged.length,
    actions,
    ...(options.needs === true ? { needs: needsOf(walk) } : {}),
  };
  return withNames(report, tools.house.store);
}

/** The call that the journey begins with: nobody's, for who may start the pipeline is not the question here. */
function callOf({ house, door }: WalkTools, scope: Scope): Call {
  const principal = { type: 'Service', service: 'codepipeline.amazonaws.com' } as const;
  return {
    ...scope,
    house,
    principal,
    requestId: house.ids.uuid(),
    now: house.clock.now(),
    arn: (service, resource) => `arn:aws:${service}:${scope.region}:${scope.account}:${resource}`,
    forward: (viaService) => door.as(principal, scope, { viaService }),
  };
}

/** Those whose denial an action does not pass over, each once. */
function needsOf(walk: Walk): readonly Need[] {
  const needs = new Map<string, Need>();
  for (const { part, optional, input } of walk.judged) {
    if (optional || part === '') continue;
    const [stage = '', action = ''] = part.split('/');
    const { principal, request } = input;
    const by =
      principal.type === 'AssumedRole' ? principal.roleArn : 'arn' in principal ? principal.arn : principal.type;
    const need = { stage, action, grant: request.action, by };
    needs.set(JSON.stringify(need), need);
  }
  return [...needs.values()];
}

function actionReport(walk: Walk, part: string): ActionReport {
  const [stage = '', action = ''] = part.split('/');
  const judged = walk.judged.filter((each) => each.part === part);
  const denied = judged.filter(({ decision }) => !decision.allowed);
  const remarks = (kind: Remark['kind']): string[] =>
    walk.remarks.filter((remark) => remark.part === part && remark.kind === kind).map(({ text }) => text);
  const lines = (optional: boolean): Denied[] =>
    distinct(denied.filter((each) => each.optional === optional).map((each) => deniedLine(walk, each)));
  return {
    stage,
    action,
    checked: judged.length,
    denied: lines(false),
    passedOver: lines(true),
    fails: remarks('fails'),
    unknown: remarks('unknown'),
  };
}

function deniedLine(walk: Walk, { purpose, viaService, ...explained }: Judged): Denied {
  const { scope } = explained.input;
  return {
    ...explanationOf(generalised(explained, walk.foresight.placeholders)),
    purpose,
    account: scope.account,
    region: scope.region,
    ...(viaService === undefined ? {} : { viaService }),
  };
}

/** The same with each id that is yet to be drawn written as a policy writes it: `artifacts/Source/*`. */
function generalised({ input, decision }: Explained, placeholders: ReadonlyMap<string, string>): Explained {
  const general = (text: string): string => {
    let result = text;
    for (const [id, pattern] of placeholders) result = result.replaceAll(id, pattern);
    return result;
  };
  const context: RequestContext = Object.fromEntries(
    Object.entries(input.context).map(([key, value]) => [
      key,
      typeof value === 'string' ? general(value) : value.map(general),
    ]),
  );
  const { principal } = input;
  return {
    input: {
      ...input,
      principal: principal.type === 'AssumedRole' ? { ...principal, arn: general(principal.arn) } : principal,
      request: { ...input.request, resource: general(input.request.resource) },
      context,
    },
    decision,
  };
}

function distinct(lines: readonly Denied[]): Denied[] {
  const seen = new Set<string>();
  return lines.filter(({ principal, action, resource, region }) => {
    const id = JSON.stringify([principal, action, resource, region]);
    return !seen.has(id) && seen.add(id);
  });
}
