/** The master secret cannot be used. The message says which, why, what to do, and that nothing was changed. */
export class MasterSecretError extends Error {
  override readonly name = 'MasterSecretError';
}
