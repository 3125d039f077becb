/**
 * Conditional and range reads of an object.
 * Source: RFC 9110 sections 13 and 14; S3 API Reference, `GetObject`, "Additional considerations about request headers".
 */
import type { EpochMs } from '../../common/index.ts';

export type Conditions = Readonly<{
  ifMatch?: string | undefined;
  ifNoneMatch?: string | undefined;
  ifModifiedSince?: EpochMs | undefined;
  ifUnmodifiedSince?: EpochMs | undefined;
}>;

/**
 * What a read must answer: the object, 304, or 412 by the named condition. `If-Match` makes `If-Unmodified-Since` void, and
 * `If-None-Match` `If-Modified-Since`. Headers carry whole seconds.
 */
export function checkRead(
  conditions: Conditions,
  object: Readonly<{ etag: string; modifiedAt: EpochMs }>,
): 'Proceed' | 'NotModified' | Readonly<{ failed: 'If-Match' | 'If-Unmodified-Since' }> {
  const modifiedAt = Math.floor(object.modifiedAt / 1000) * 1000;
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!etagMatches(ifMatch, object.etag)) return { failed: 'If-Match' };
  } else if (ifUnmodifiedSince !== undefined && modifiedAt > ifUnmodifiedSince) {
    return { failed: 'If-Unmodified-Since' };
  }
  if (ifNoneMatch !== undefined) return etagMatches(ifNoneMatch, object.etag) ? 'NotModified' : 'Proceed';
  return ifModifiedSince !== undefined && modifiedAt <= ifModifiedSince ? 'NotModified' : 'Proceed';
}

/** `etag` without quotes; `header` is `*`, or one or several tags with or without quotes. */
export function etagMatches(header: string, etag: string): boolean {
  return header
    .split(',')
    .map((tag) =>
      tag
        .trim()
        .replace(/^W\//, '')
        .replace(/^"(.*)"$/, '$1'),
    )
    .some((tag) => tag === '*' || tag === etag);
}

export type RangeRequest = Readonly<{ start: number; end: number }>;

/**
 * Reads a `Range` header for an object of `bytes` bytes; both ends inclusive. Undefined: the header asks for nothing
 * that S3 understands, and the whole object is answered (another unit, several ranges, nonsense).
 */
export function parseRange(header: string, bytes: number): RangeRequest | 'Unsatisfiable' | undefined {
  const match = /^\s*bytes\s*=\s*(\d*)\s*-\s*(\d*)\s*$/.exec(header);
  if (match === null) return undefined;
  const [, from = '', to = ''] = match;
  if (from === '') {
    if (to === '') return undefined;
    const suffix = Number(to);
    if (suffix === 0 || bytes === 0) return 'Unsatisfiable';
    return { start: Math.max(0, bytes - suffix), end: bytes - 1 };
  }
  const start = Number(from);
  const end = to === '' ? bytes - 1 : Number(to);
  if (to !== '' && end < start) return undefined;
  if (start >= bytes) return 'Unsatisfiable';
  return { start, end: Math.min(end, bytes - 1) };
}
