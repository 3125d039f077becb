/** CodeDeploy's lists: `nextToken` alone, and no way to ask for a page size. */
import { AwsError } from '../../common/index.ts';
import type { Collection, ListOptions, Queryable, Stored } from '../../store/index.ts';
import { decodePage, encodePage, type Page } from '../pages.ts';

const PAGE_SIZE = 100;

export function pageOf(nextToken: string | undefined): Page | undefined {
  return decodePage(
    nextToken,
    () => new AwsError('InvalidNextTokenException', 'The next token was specified in an invalid format.'),
  );
}

/** A page of those that `wanted` accepts. */
export async function listPage<T>(
  q: Queryable,
  collection: Collection<T>,
  options: ListOptions,
  nextToken: string | undefined,
  wanted: (row: Stored<T>) => boolean = () => true,
): Promise<Readonly<{ items: readonly Stored<T>[]; nextToken?: string }>> {
  const found: Stored<T>[] = [];
  let after = pageOf(nextToken);
  for (;;) {
    const rows = await collection.list(q, { ...options, limit: PAGE_SIZE + 1, ...(after !== undefined && { after }) });
    found.push(...rows.filter(wanted));
    const last = rows.at(-1);
    if (found.length > PAGE_SIZE || last === undefined || rows.length <= PAGE_SIZE) break;
    after = { sort: last.sort, id: last.key.id };
  }
  const items = found.slice(0, PAGE_SIZE);
  const token = found.length > PAGE_SIZE ? encodePage(items.at(-1)) : undefined;
  return { items, ...(token !== undefined && { nextToken: token }) };
}
