/**
 * The `AWS/Lambda` metrics. Points gather for a few milliseconds and are put together; `settled` waits for them, so that
 * a stepped clock does not move past invocations that no alarm has seen.
 * Source: Lambda Developer Guide, "Types of metrics for Lambda functions".
 */
import type { House, Scope } from '../service.ts';
import { Gathering } from './gathering.ts';
import { LAMBDA_PRINCIPAL } from './access.ts';

export type MetricTarget = Readonly<{
  scope: Scope;
  functionName: string;
  /** `fn`, `fn:version` or `fn:alias`: as it was invoked. */
  resource: string;
  /** Set for an invocation by alias. */
  executedVersion?: string;
}>;

type Dimension = Readonly<{ Name: string; Value: string }>;
type Point = {
  readonly name: string;
  readonly unit: string;
  readonly dimensions: readonly Dimension[];
  readonly at: number;
  readonly values: Map<number, number>;
};

const MOST_VALUES = 150;
const MOST_DATA = 1_000;

const UNITS: Readonly<Record<string, string>> = { Duration: 'Milliseconds', AsyncEventAge: 'Milliseconds' };

export class InvocationMetrics {
  readonly #house: House;
  readonly #gathering: Gathering;
  #points = new Map<string, Point>();
  #scopes = new Map<string, Scope>();
  #flushing: Promise<void> | undefined;

  constructor(house: House) {
    this.#house = house;
    this.#gathering = new Gathering(house);
  }

  /** `at` is the clock's instant at which the invocation began. */
  record(target: MetricTarget, at: number, values: Readonly<Record<string, number>>): void {
    for (const [name, value] of Object.entries(values))
      for (const dimensions of dimensionSets(target)) this.#add(target.scope, name, dimensions, at, value);
    this.#flushing ??= this.#flush();
  }

  async flushed(): Promise<void> {
    while (this.#flushing !== undefined) await this.#flushing;
  }

  #add(scope: Scope, name: string, dimensions: readonly Dimension[], at: number, value: number): void {
    const scopeKey = `${scope.account} ${scope.region}`;
    this.#scopes.set(scopeKey, scope);
    const second = Math.floor(at / 1000) * 1000;
    const base = `${scopeKey}\n${name}\n${second}\n${dimensions.map(({ Value }) => Value).join('\n')}`;
    for (let part = 0; ; part++) {
      const key = `${base}\n${part}`;
      let point = this.#points.get(key);
      if (point === undefined) {
        point = { name, unit: UNITS[name] ?? 'Count', dimensions, at: second, values: new Map() };
        this.#points.set(key, point);
      }
      if (point.values.has(value) || point.values.size < MOST_VALUES) {
        point.values.set(value, (point.values.get(value) ?? 0) + 1);
        return;
      }
    }
  }

  async #flush(): Promise<void> {
    const end = this.#house.engine.beginActivity('Plumbing');
    try {
      await this.#gathering.wait();
      while (this.#points.size > 0) {
        const points = this.#points;
        this.#points = new Map();
        for (const [scopeKey, scope] of this.#scopes) {
          const own = [...points].filter(([key]) => key.startsWith(`${scopeKey}\n`)).map(([, point]) => point);
          for (let from = 0; from < own.length; from += MOST_DATA)
            await this.#put(scope, own.slice(from, from + MOST_DATA));
        }
      }
    } finally {
      this.#flushing = undefined;
      this.#gathering.done();
      end();
    }
  }

  async #put(scope: Scope, points: readonly Point[]): Promise<void> {
    const MetricData = points.map(({ name, unit, dimensions, at, values }) => ({
      MetricName: name,
      Dimensions: dimensions,
      Timestamp: new Date(at),
      Unit: unit,
      Values: [...values.keys()],
      Counts: [...values.values()],
    }));
    try {
      await this.#house.door
        .asService(LAMBDA_PRINCIPAL, scope)
        .call('cloudwatch', 'PutMetricData', { Namespace: 'AWS/Lambda', MetricData });
    } catch (error) {
      this.#house.log.warn('metrics of functions could not be put', { error: String(error) });
    }
  }
}

function dimensionSets({ functionName, resource, executedVersion }: MetricTarget): (readonly Dimension[])[] {
  const byName = { Name: 'FunctionName', Value: functionName };
  const byResource = { Name: 'Resource', Value: resource };
  return [
    [],
    [byName],
    [byName, byResource],
    ...(executedVersion === undefined
      ? []
      : [[byName, byResource, { Name: 'ExecutedVersion', Value: executedVersion }]]),
  ];
}
