/**
 * What can go wrong with a statement, in one place: which failures are retried, and which become an error that a
 * caller of the API is told about. SQLSTATE codes: PostgreSQL documentation, Appendix A.
 */
import { AwsError } from '../common/index.ts';

/** The whole transaction is run again after these: the server has rolled it back. */
const RETRIED_TRANSACTION = new Map<string, string>([
  ['40001', 'serialization failure'],
  ['40P01', 'deadlock detected'],
]);

/** The connection is gone, and the server has rolled back whatever was not committed. */
const CONNECTION_LOST = new Map<string, string>([
  ['57P01', 'the server was told to stop'],
  ['57P02', 'the server is recovering from a crash'],
  ['53300', 'the server has no connection left'],
  ['57P03', 'the server is starting or stopping'],
  ['08000', 'connection exception'],
  ['08003', 'connection does not exist'],
  ['08006', 'connection failure'],
  ['ECONNRESET', 'connection reset'],
  ['ECONNREFUSED', 'connection refused'],
  ['EPIPE', 'connection closed'],
  ['ENOENT', 'the socket is not there (yet)'],
]);

/** Text that PostgreSQL does not store: U+0000 anywhere, an unpaired surrogate inside JSON. */
const UNSTORABLE_TEXT = new Set(['22021', '22P05']);

export const MAX_ATTEMPTS = 8;

export function retriesTransaction(error: unknown): boolean {
  return RETRIED_TRANSACTION.has(codeOf(error));
}

export function isConnectionLost(error: unknown): boolean {
  return (
    CONNECTION_LOST.has(codeOf(error)) || messageOf(error).startsWith('Connection terminated') || wasNotSent(error)
  );
}

/** The driver knew that the connection was gone and sent nothing: a COMMIT that fails so has not happened. */
export function wasNotSent(error: unknown): boolean {
  return /^Client (has encountered a connection error|was closed) and is not queryable/.test(messageOf(error));
}

/** Milliseconds before attempt `attempt` (2 is the first retry); `spread` in [0, 1) keeps contenders apart. */
export function retryDelayMs(attempt: number, spread: number): number {
  return Math.min(200, 2 ** attempt) * (0.5 + spread);
}

/**
 * A caller's text cannot be stored. It is an `AwsError` (`ValidationException`), so that the door answers 400.
 * Differs from AWS: AWS accepts U+0000 in a few free-text members; PostgreSQL's `text` and `jsonb` cannot hold it.
 */
export class UnstorableTextError extends AwsError {
  constructor(cause: unknown) {
    super(
      'ValidationException',
      'The request contains text that cannot be stored: the character U+0000 or an unpaired surrogate.',
      { cause },
    );
  }
}

/** A name or token of a caller is longer than an index entry may be (some 2,700 bytes). SQLSTATE 54000. */
export class TextTooLongError extends AwsError {
  constructor(cause: unknown) {
    super('ValidationException', 'The request contains a name or token that is too long.', { cause });
  }
}

/** The connection broke while COMMIT was under way: the transaction may or may not be there. Never retried here. */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';

  constructor(cause: unknown) {
    super('the connection to the database broke during a commit; whether it happened is unknown', { cause });
  }
}

/** The server cannot be reached, after the retries that are safe. `ServiceUnavailable` (503): SDKs try again. */
export class DatabaseUnavailableError extends AwsError {
  constructor(cause: unknown) {
    super('ServiceUnavailable', 'The database does not answer.', { statusCode: 503, cause });
  }
}

/** Nothing of the statement was kept. `ServiceUnavailable` (503). SQLSTATE 53100. */
export class DatabaseFullError extends AwsError {
  constructor(cause: unknown) {
    super('ServiceUnavailable', 'The disk that holds the database is full.', { statusCode: 503, cause });
  }
}

/** Puts a failure of the driver into the words of the house; anything unknown is returned as it is. */
export function translateFailure(error: unknown): unknown {
  const code = codeOf(error);
  if (UNSTORABLE_TEXT.has(code)) return new UnstorableTextError(error);
  if (code === '22P02' && /surrogate/.test(detailOf(error))) return new UnstorableTextError(error);
  if (code === '54000') return new TextTooLongError(error);
  if (code === '53100') return new DatabaseFullError(error);
  if (isConnectionLost(error)) return new DatabaseUnavailableError(error);
  return error;
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}

function messageOf(error: unknown): string {
  return String((error as { message?: unknown } | null)?.message ?? '');
}

function detailOf(error: unknown): string {
  const { detail, message } = (error ?? {}) as { detail?: unknown; message?: unknown };
  return `${String(message ?? '')} ${String(detail ?? '')}`;
}
