/**
 * Looks at the version that the traffic is to return to, with the service role: whether it is there and can run, how many
 * of its requests fail beside those of the version it would replace, and how the traffic is split now.
 *
 * AWS's own roles for CodeDeploy (`AWSCodeDeployRoleForLambda`) have only `lambda:GetAlias` of what this asks for. So each
 * question is asked for itself, and one that is denied, throttled or unanswered leaves its part unknown: a rollback that
 * works on AWS is never held up by it. What would let it see more: `lambda:GetFunctionConfiguration`,
 * `lambda:GetFunctionConcurrency`, `cloudwatch:GetMetricData`.
 */
import { isAwsError, MINUTE_MS } from '../../common/index.ts';
import type { DeploymentEffect, Minute, Original, Served, Target } from '../../core/lambda-deployment/index.ts';
import type { Client } from '../service.ts';
import { isDenied } from './role-sessions.ts';

type ReadOriginal = Extract<DeploymentEffect, { type: 'ReadOriginal' }>;

/** Never throws for what a call answers. */
export async function readOriginal(
  client: Client,
  { functionName, alias }: Target,
  { original, replacement, sinceAt }: ReadOriginal,
  now: number,
): Promise<Original> {
  const unread: string[] = [];
  const ask = async <Answer, Known>(
    service: string,
    operation: string,
    input: object,
    known: (answer: Answer) => Known,
    missing?: Known,
  ): Promise<Known | undefined> => {
    try {
      return known(await client.call<Answer>(service, operation, input));
    } catch (error) {
      if (missing !== undefined && isAwsError(error) && error.code === 'ResourceNotFoundException') return missing;
      unread.push(reason(`${service}:${operation}`, error));
      return undefined;
    }
  };
  const FunctionName = functionName;
  const [configuration, reservedConcurrency, percent, minutes] = await Promise.all([
    ask<{ State?: string }, Pick<Original, 'exists' | 'state'>>(
      'lambda',
      'GetFunctionConfiguration',
      { FunctionName, Qualifier: original },
      ({ State }) => ({ exists: true, ...(State !== undefined && { state: State }) }),
      { exists: false },
    ),
    ask('lambda', 'GetFunctionConcurrency', { FunctionName }, reservedOf),
    ask('lambda', 'GetAlias', { FunctionName, Name: alias }, (answer: Alias) => percentOf(answer, original)),
    ask(
      'cloudwatch',
      'GetMetricData',
      metricsOf(functionName, alias, { original, replacement }, sinceAt, now),
      minutesOf,
    ),
  ]);
  return {
    ...configuration,
    ...(reservedConcurrency !== undefined && { reservedConcurrency }),
    ...(percent !== undefined && { percent }),
    minutes: minutes ?? [],
    unread,
  };
}

function reason(action: string, error: unknown): string {
  if (!isAwsError(error)) return `${action} failed`;
  return isDenied(error) ? `the service role may not ${action}` : `${action} answered ${error.code}`;
}

function reservedOf({
  ReservedConcurrentExecutions: reserved,
}: {
  ReservedConcurrentExecutions?: number;
}): number | null {
  return reserved ?? null;
}

type Alias = Readonly<{
  FunctionVersion?: string;
  RoutingConfig?: { AdditionalVersionWeights?: Record<string, number> };
}>;

function percentOf({ FunctionVersion, RoutingConfig }: Alias, version: string): number {
  const weights = RoutingConfig?.AdditionalVersionWeights ?? {};
  const own = Object.hasOwn(weights, version) ? (weights[version] ?? 0) : 0;
  const others = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const share = FunctionVersion === version ? 1 - others : own;
  // All is said of nothing less.
  return share < 1 ? Math.min(99, Math.round(100 * share)) : 100;
}

const SIDES = ['original', 'replacement'] as const;
const COUNTED = ['Invocations', 'Errors', 'Throttles'] as const;

/** A throttled request is no invocation: it is counted beside them. */
function metricsOf(
  functionName: string,
  alias: string,
  versions: Readonly<Record<(typeof SIDES)[number], string>>,
  sinceAt: number,
  now: number,
): object {
  const name = functionName.split(':').at(-1) ?? functionName;
  return {
    StartTime: new Date(Math.floor(sinceAt / MINUTE_MS) * MINUTE_MS),
    EndTime: new Date((Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS),
    ScanBy: 'TimestampAscending',
    MetricDataQueries: SIDES.flatMap((side) =>
      COUNTED.map((MetricName) => ({
        Id: `${side}${MetricName}`,
        MetricStat: {
          Metric: {
            Namespace: 'AWS/Lambda',
            MetricName,
            Dimensions: [
              { Name: 'FunctionName', Value: name },
              { Name: 'Resource', Value: `${name}:${alias}` },
              { Name: 'ExecutedVersion', Value: versions[side] },
            ],
          },
          Period: 60,
          Stat: 'Sum',
        },
      })),
    ),
  };
}

type MetricData = Readonly<{
  MetricDataResults?: readonly { Id?: string; Timestamps?: readonly (Date | number)[]; Values?: readonly number[] }[];
}>;

function minutesOf({ MetricDataResults = [] }: MetricData): readonly Minute[] {
  const series = new Map(
    MetricDataResults.map(({ Id, Timestamps = [], Values = [] }) => [
      Id,
      new Map(Timestamps.map((at, index) => [Number(at), Values[index] ?? 0])),
    ]),
  );
  const count = (side: string, metric: string, at: number): number => series.get(`${side}${metric}`)?.get(at) ?? 0;
  const served = (side: string, at: number): Served => {
    const throttles = count(side, 'Throttles', at);
    return {
      requests: count(side, 'Invocations', at) + throttles,
      failures: count(side, 'Errors', at) + throttles,
    };
  };
  const instants = new Set([...series.values()].flatMap((values) => [...values.keys()]));
  return [...instants]
    .toSorted((a, b) => a - b)
    .map((at) => ({ at, original: served('original', at), replacement: served('replacement', at) }));
}
