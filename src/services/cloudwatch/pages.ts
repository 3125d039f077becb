/** CloudWatch's page tokens: opaque, and checked on the way in. */
import { AwsError } from '../../common/index.ts';

export function token(position: object): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

export function readToken<T>(
  text: string | undefined,
  check: (value: unknown) => value is T,
  code = 'InvalidNextToken',
): T | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (check(value)) return value;
  } catch {
    // Falls through: not a token of ours.
  }
  throw new AwsError(code, 'The token specified is invalid.');
}

export type Position = Readonly<{ sort: string; id: string }>;

export function isPosition(value: unknown): value is Position {
  const position = value as Partial<Position> | null;
  return typeof position === 'object' && typeof position?.sort === 'string' && typeof position.id === 'string';
}
