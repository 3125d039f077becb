/** Opaque page tokens for listings by (sort, id), the same for every service. */
import type { AwsError } from '../common/index.ts';
import type { Stored } from '../store/index.ts';

export type Page = Readonly<{ sort: string; id: string }>;

/** The token that continues after `last`; undefined without one. */
export function encodePage(last: Stored<unknown> | undefined): string | undefined {
  return last && encodeToken({ sort: last.sort, id: last.key.id });
}

/** Where to continue; undefined without a token. A token that is not ours throws what `refuse` makes. */
export function decodePage(token: string | undefined, refuse: () => AwsError): Page | undefined {
  if (token === undefined) return undefined;
  const { sort, id } = decodeToken(token, refuse);
  if (typeof sort !== 'string' || typeof id !== 'string') throw refuse();
  return { sort, id };
}

export function encodeToken(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

export function decodeToken(token: string, refuse: () => AwsError): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (value !== null && typeof value === 'object') return value as Record<string, unknown>;
  } catch {
    // Not one of ours: refused below.
  }
  throw refuse();
}
