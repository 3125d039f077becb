/**
 * The deployment configurations that every account has.
 * Source: CodeDeploy User Guide, "Working with deployment configurations in CodeDeploy", predefined configurations.
 */
import type { MinimumHealthyHosts, TrafficRoutingConfig } from '@aws-sdk/client-codedeploy';
import { PREDEFINED_ROUTINGS } from '../../core/traffic-shift/index.ts';
import type { ComputePlatform, DeploymentConfig } from './records.ts';

export const PREDEFINED_PREFIX = 'CodeDeployDefault.';

const HOSTS: readonly (readonly [string, MinimumHealthyHosts])[] = [
  ['OneAtATime', { type: 'MOST_CONCURRENCY' as never, value: 1 }],
  ['HalfAtATime', { type: 'FLEET_PERCENT', value: 50 }],
  ['AllAtOnce', { type: 'FLEET_PERCENT', value: 0 }],
];

const TRAFFIC: readonly (readonly [ComputePlatform, string, TrafficRoutingConfig])[] = PREDEFINED_ROUTINGS.map(
  ({ name, computePlatform, routing }) => [
    computePlatform,
    name.slice(PREDEFINED_PREFIX.length),
    routing.type === 'AllAtOnce'
      ? { type: 'AllAtOnce' }
      : routing.type === 'TimeBasedCanary'
        ? {
            type: 'TimeBasedCanary',
            timeBasedCanary: { canaryPercentage: routing.percent, canaryInterval: routing.intervalMinutes },
          }
        : {
            type: 'TimeBasedLinear',
            timeBasedLinear: { linearPercentage: routing.percent, linearInterval: routing.intervalMinutes },
          },
  ],
);

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
