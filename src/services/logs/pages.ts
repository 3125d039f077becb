/** Opaque page tokens. */
import { AwsError } from '../../common/index.ts';
import type { Stored } from '../../store/index.ts';

export type Page = Readonly<{ sort: string; id: string }>;

export function encodePage(last: Stored<unknown> | undefined): string | undefined {
  return last && encodeToken({ sort: last.sort, id: last.key.id });
}

export function decodePage(token: string | undefined): Page | undefined {
  if (token === undefined) return undefined;
  const { sort, id } = decodeToken(token);
  if (typeof sort !== 'string' || typeof id !== 'string') throw invalidToken();
  return { sort, id };
}

export function encodeToken(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

export function decodeToken(token: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (value !== null && typeof value === 'object') return value as Record<string, unknown>;
  } catch {
    // Not one of ours: refused below.
  }
  throw invalidToken();
}

function invalidToken(): AwsError {
  return new AwsError('InvalidParameterException', 'The specified nextToken is invalid.');
}
