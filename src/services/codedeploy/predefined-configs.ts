/**
 * The deployment configurations that every account has.
 * Source: CodeDeploy User Guide, "Working with deployment configurations in CodeDeploy", predefined configurations.
 */
import type { MinimumHealthyHosts, TrafficRoutingConfig } from '@aws-sdk/client-codedeploy';
import type { ComputePlatform, DeploymentConfig } from './records.ts';

export const PREDEFINED_PREFIX = 'CodeDeployDefault.';

const HOSTS: readonly (readonly [string, MinimumHealthyHosts])[] = [
  ['OneAtATime', { type: 'MOST_CONCURRENCY' as never, value: 1 }],
  ['HalfAtATime', { type: 'FLEET_PERCENT', value: 50 }],
  ['AllAtOnce', { type: 'FLEET_PERCENT', value: 0 }],
];

const ALL_AT_ONCE: TrafficRoutingConfig = { type: 'AllAtOnce' };

function canary(canaryInterval: number): TrafficRoutingConfig {
  return { type: 'TimeBasedCanary', timeBasedCanary: { canaryPercentage: 10, canaryInterval } };
}

function linear(linearInterval: number): TrafficRoutingConfig {
  return { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 10, linearInterval } };
}

const TRAFFIC: readonly (readonly [ComputePlatform, string, TrafficRoutingConfig])[] = [
  ['Lambda', 'LambdaAllAtOnce', ALL_AT_ONCE],
  ...[5, 10, 15, 30].map((minutes) => ['Lambda', `LambdaCanary10Percent${minutes}Minutes`, canary(minutes)] as const),
  ['Lambda', 'LambdaLinear10PercentEvery1Minute', linear(1)],
  ...[2, 3, 10].map((minutes) => ['Lambda', `LambdaLinear10PercentEvery${minutes}Minutes`, linear(minutes)] as const),
  ['ECS', 'ECSAllAtOnce', ALL_AT_ONCE],
  ...[5, 15].map((minutes) => ['ECS', `ECSCanary10Percent${minutes}Minutes`, canary(minutes)] as const),
  ...[1, 3].map((minutes) => ['ECS', `ECSLinear10PercentEvery${minutes}Minutes`, linear(minutes)] as const),
];

const CREATED_AT = Date.UTC(2014, 10, 12);

/** By name. */
export const PREDEFINED: ReadonlyMap<string, DeploymentConfig> = new Map(
  [
    ...HOSTS.map(([name, minimumHealthyHosts]) => ({ name, computePlatform: 'Server' as const, minimumHealthyHosts })),
    ...TRAFFIC.map(([computePlatform, name, trafficRoutingConfig]) => ({
      name,
      computePlatform,
      trafficRoutingConfig,
    })),
  ].map(({ name, ...rest }, index) => [
    `${PREDEFINED_PREFIX}${name}`,
    {
      deploymentConfigId: `00000000-0000-0000-0000-${String(index + 1).padStart(12, '0')}`,
      deploymentConfigName: `${PREDEFINED_PREFIX}${name}`,
      createdAt: CREATED_AT,
      ...rest,
    },
  ]),
);
