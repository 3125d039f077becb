/**
 * How many invocations run now, by function and by account and Region. Counted in this process alone.
 * Source: Lambda Developer Guide, "Understanding Lambda function scaling".
 */
import { AwsError } from '../../common/index.ts';
import type { Place } from './records.ts';

export const ACCOUNT_CONCURRENCY = 1_000;
/** Must stay for the functions without a reservation. */
export const LEAST_UNRESERVED = 100;

export class Concurrency {
  readonly #byFunction = new Map<string, number>();
  readonly #byAccount = new Map<string, number>();

  /**
   * Takes a place; give it back by calling `leave` once. Throws `TooManyRequestsException`.
   * `running` is how many invocations of the function run, this one included.
   */
  enter(place: Place, reserved: number | undefined): Readonly<{ running: number; leave: () => void }> {
    const account = `${place.account} ${place.region}`;
    const name = `${account} ${place.name}`;
    const running = this.#byFunction.get(name) ?? 0;
    if (reserved !== undefined && running >= reserved)
      throw throttled('ReservedFunctionConcurrentInvocationLimitExceeded');
    if ((this.#byAccount.get(account) ?? 0) >= ACCOUNT_CONCURRENCY)
      throw throttled('ConcurrentInvocationLimitExceeded');
    add(this.#byFunction, name, 1);
    add(this.#byAccount, account, 1);
    let inside = true;
    return {
      running: running + 1,
      leave: () => {
        if (!inside) return;
        inside = false;
        add(this.#byFunction, name, -1);
        add(this.#byAccount, account, -1);
      },
    };
  }
}

function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

function throttled(reason: string): AwsError {
  return new AwsError('TooManyRequestsException', 'Rate Exceeded.', {
    statusCode: 429,
    fields: { Reason: reason, Type: 'User', retryAfterSeconds: '0' },
  });
}
