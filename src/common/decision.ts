/** What a decider returns: the next state, and the effects to perform once that state is saved. */
export type Decision<State, Effect> = Readonly<{ state: State; effects: readonly Effect[] }>;

/** Makes an unhandled variant a compile error, and a loud failure should one get here all the same. */
export function assertNever(value: never): never {
  throw new InvariantError(`unexpected variant: ${JSON.stringify(value)}`);
}

/** A broken invariant: a bug of ours, never a caller's mistake. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new InvariantError(message);
}
