/**
 * An error of the AWS wire: thrown in `services`, encoded by `protocol` in the form of the protocol spoken.
 * `code` is the model's shape name (`PipelineNotFoundException`) or a common one (`ValidationException`,
 * `AccessDeniedException`); the HTTP status comes from the model, 400 where it says nothing, unless `statusCode` is given.
 */
export class AwsError extends Error {
  override readonly name = 'AwsError';
  readonly code: string;
  readonly statusCode: number | undefined;
  /** Members of the error shape beside the message. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** HTTP headers that go with the error (`x-amz-delete-marker`, `x-amz-bucket-region`), in lower case. */
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: string,
    message: string,
    options: Readonly<{
      statusCode?: number;
      fields?: Readonly<Record<string, unknown>>;
      headers?: Readonly<Record<string, string>>;
      cause?: unknown;
    }> = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.statusCode = options.statusCode;
    this.fields = options.fields ?? {};
    this.headers = options.headers ?? {};
  }
}

/** Compare by name and code: `instanceof` fails across copies. */
export function isAwsError(error: unknown, code?: string): error is AwsError {
  return (
    error instanceof Error && error.name === 'AwsError' && (code === undefined || (error as AwsError).code === code)
  );
}
