/** Pages of IAM's lists: `Marker`, `MaxItems` (100 unless said), `IsTruncated`. */
import type { Collection, ListOptions, Queryable, Stored } from '../../store/index.ts';
import { decodePage, decodeToken, encodePage, encodeToken } from '../pages.ts';
import { validationError } from './records.ts';

export type PageRequest = Readonly<{ Marker?: string | undefined; MaxItems?: number | undefined }>;
export type PageEnd = Readonly<{ IsTruncated: boolean; Marker?: string }>;

const DEFAULT_ITEMS = 100;
const badMarker = () => validationError('Invalid Marker.');

/** Reads on until a page of documents that `keep` accepts is full. */
export async function listPage<T>(
  q: Queryable,
  collection: Collection<T>,
  options: Pick<ListOptions, 'account' | 'parent'>,
  request: PageRequest,
  keep: (document: T) => boolean = () => true,
): Promise<{ items: T[]; end: PageEnd }> {
  const size = request.MaxItems ?? DEFAULT_ITEMS;
  const found: Stored<T>[] = [];
  let after = decodePage(request.Marker, badMarker);
  for (;;) {
    const batch = await collection.list(q, { ...options, ...(after && { after }), limit: size + 1 });
    found.push(...batch.filter(({ document }) => keep(document)));
    const last = batch[batch.length - 1];
    if (found.length > size || last === undefined || batch.length <= size) break;
    after = { sort: last.sort, id: last.key.id };
  }
  const page = found.slice(0, size);
  const marker = found.length > size ? encodePage(page[page.length - 1]) : undefined;
  return {
    items: page.map(({ document }) => document),
    end: marker === undefined ? { IsTruncated: false } : { IsTruncated: true, Marker: marker },
  };
}

/** The same over a list in memory, in order of `keyOf` (unique). */
export function slicePage<T>(
  all: readonly T[],
  keyOf: (item: T) => string,
  request: PageRequest,
): { items: T[]; end: PageEnd } {
  const size = request.MaxItems ?? DEFAULT_ITEMS;
  const after = request.Marker === undefined ? undefined : decodeToken(request.Marker, badMarker)['after'];
  if (request.Marker !== undefined && typeof after !== 'string') throw badMarker();
  const sorted = [...all].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const rest = typeof after === 'string' ? sorted.filter((item) => keyOf(item) > after) : sorted;
  const items = rest.slice(0, size);
  const last = items[items.length - 1];
  return rest.length > size && last !== undefined
    ? { items, end: { IsTruncated: true, Marker: encodeToken({ after: keyOf(last) }) } }
    : { items, end: { IsTruncated: false } };
}

export function underPath(prefix: string | undefined): (record: Readonly<{ path: string }>) => boolean {
  return prefix === undefined ? () => true : ({ path }) => path.startsWith(prefix);
}
