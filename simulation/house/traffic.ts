/** Requests to the function, as its router would report them: by version, and bad versions fail. */
import type { Random } from '../random.ts';
import { FUNCTION, type GroupPlan, REGION, TARGET } from './layout.ts';
import type { World } from './world.ts';
import { BAD_VERSIONS } from './workers.ts';

const REQUESTS = 20;

export class Traffic {
  readonly #world: World;
  readonly #random: Random;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.scheduler.random('traffic');
  }

  async flow(group: GroupPlan): Promise<void> {
    const answer = await this.#world.ask<{
      FunctionVersion: string;
      RoutingConfig?: { AdditionalVersionWeights?: Record<string, number> };
    }>(this.#world.layout.people.app, 'lambda', 'GetAlias', { FunctionName: FUNCTION, Name: group.alias });
    if (!('output' in answer)) return;
    const { FunctionVersion, RoutingConfig } = answer.output;
    const weights = Object.entries(RoutingConfig?.AdditionalVersionWeights ?? {});
    let errors = 0;
    for (let n = 0; n < REQUESTS; n++) {
      let draw = this.#random.uniform();
      const version = weights.find(([, weight]) => (draw -= weight) < 0)?.[0] ?? FunctionVersion;
      const failing = BAD_VERSIONS.includes(version) ? 0.4 : 0.001;
      if (this.#random.chance(failing)) errors += 1;
    }
    const Dimensions = [
      { Name: 'FunctionName', Value: FUNCTION },
      { Name: 'Resource', Value: `${FUNCTION}:${group.alias}` },
    ];
    const Timestamp = new Date(this.#world.scheduler.now());
    await this.#world.askAsService(
      'lambda.amazonaws.com',
      { account: TARGET, region: REGION },
      'cloudwatch',
      'PutMetricData',
      {
        Namespace: 'AWS/Lambda',
        MetricData: [
          { MetricName: 'Invocations', Dimensions, Timestamp, Unit: 'Count', Value: REQUESTS },
          { MetricName: 'Errors', Dimensions, Timestamp, Unit: 'Count', Value: errors },
        ],
      },
    );
  }
}
