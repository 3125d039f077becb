/** KMS's pages: `Limit` and `Marker` in, `Truncated` and `NextMarker` out. Markers are opaque and checked on the way in. */
import { AwsError } from '../../common/index.ts';
import type { Stored } from '../../store/index.ts';

export type Position = Readonly<{ sort: string; id: string }>;

export function readMarker(marker: string | undefined): Position | undefined {
  if (marker === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(marker, 'base64url').toString('utf8'));
    const { sort, id } = value as Record<string, unknown>;
    if (typeof sort === 'string' && typeof id === 'string') return { sort, id };
  } catch {
    // Falls through: not a marker of ours.
  }
  throw new AwsError('InvalidMarkerException', 'Invalid marker');
}

/** Cuts a page out of a list that was read with one row more than `limit`. */
export function page<T>(rows: readonly Stored<T>[], limit: number) {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  const more = rows.length > limit && last !== undefined;
  const marker = more ? JSON.stringify({ sort: last.sort, id: last.key.id }) : '';
  return { items, end: { Truncated: more, ...(more && { NextMarker: Buffer.from(marker).toString('base64url') }) } };
}
