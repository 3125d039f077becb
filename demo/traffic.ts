/**
 * Steady traffic on the alias, and what came of it: counted by which version answered, never by reading a weight.
 */
import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { ALIAS, type ClientConfig, FUNCTION } from './world.ts';

export type Tally = Readonly<{ requests: number; failed: number; byVersion: ReadonlyMap<string, number> }>;

export class Traffic {
  readonly #lambda: LambdaClient;
  #requests = 0;
  #failed = 0;
  #byVersion = new Map<string, number>();

  constructor(config: ClientConfig) {
    this.#lambda = new LambdaClient(config);
  }

  /** Sends `count` requests to the alias, four at a time. */
  async send(count: number): Promise<void> {
    let left = count;
    const worker = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        await this.#one();
      }
    };
    await Promise.all(Array.from({ length: Math.min(4, count) }, worker));
  }

  /** What has been counted since the last `restart`. */
  tally(): Tally {
    return { requests: this.#requests, failed: this.#failed, byVersion: new Map(this.#byVersion) };
  }

  restart(): void {
    this.#requests = 0;
    this.#failed = 0;
    this.#byVersion = new Map();
  }

  /** The share of requests since the last `restart` that the version answered, 0 to 100. */
  sharePercent(version: string): number {
    return this.#requests === 0 ? 0 : (100 * (this.#byVersion.get(version) ?? 0)) / this.#requests;
  }

  async #one(): Promise<void> {
    const answer = await this.#lambda.send(
      new InvokeCommand({ FunctionName: FUNCTION, Qualifier: ALIAS, Payload: JSON.stringify({ name: 'Ada' }) }),
    );
    const version = answer.ExecutedVersion ?? 'unknown';
    this.#requests += 1;
    this.#byVersion.set(version, (this.#byVersion.get(version) ?? 0) + 1);
    if (answer.FunctionError !== undefined) this.#failed += 1;
  }
}
