/**
 * The deployment configurations that every account has for traffic that moves.
 * Source: CodeDeploy User Guide, "Working with deployment configurations in CodeDeploy", predefined configurations.
 */
import type { Routing } from './steps.ts';

export type PredefinedRouting = Readonly<{ name: string; computePlatform: 'Lambda' | 'ECS'; routing: Routing }>;

const PREFIX = 'CodeDeployDefault.';

const of = (computePlatform: 'Lambda' | 'ECS', suffix: string, routing: Routing): PredefinedRouting => ({
  name: `${PREFIX}${computePlatform}${suffix}`,
  computePlatform,
  routing,
});

const canary = (platform: 'Lambda' | 'ECS', intervalMinutes: number): PredefinedRouting =>
  of(platform, `Canary10Percent${intervalMinutes}Minutes`, { type: 'TimeBasedCanary', percent: 10, intervalMinutes });

const linear = (platform: 'Lambda' | 'ECS', intervalMinutes: number): PredefinedRouting =>
  of(
    platform,
    `Linear10PercentEvery${intervalMinutes}${platform === 'Lambda' && intervalMinutes === 1 ? 'Minute' : 'Minutes'}`,
    {
      type: 'TimeBasedLinear',
      percent: 10,
      intervalMinutes,
    },
  );

export const PREDEFINED_ROUTINGS: readonly PredefinedRouting[] = [
  of('Lambda', 'AllAtOnce', { type: 'AllAtOnce' }),
  ...[5, 10, 15, 30].map((minutes) => canary('Lambda', minutes)),
  ...[1, 2, 3, 10].map((minutes) => linear('Lambda', minutes)),
  of('ECS', 'AllAtOnce', { type: 'AllAtOnce' }),
  ...[5, 15].map((minutes) => canary('ECS', minutes)),
  ...[1, 3].map((minutes) => linear('ECS', minutes)),
];
