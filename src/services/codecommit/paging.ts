/** Pages over a list at hand. A token names the list's shape, so that one of another list is refused. */
import { decodeToken, encodeToken } from '../pages.ts';
import { codeCommitError } from './errors.ts';

export function pageOf<T>(
  items: readonly T[],
  options: Readonly<{ size: number; token: string | undefined; shape: string }>,
): { items: readonly T[]; next: { nextToken?: string } } {
  const { size, token, shape } = options;
  const start = token === undefined ? 0 : readToken(token, shape);
  const end = start + size;
  return {
    items: items.slice(start, end),
    next: end < items.length ? { nextToken: encodeToken({ start: end, shape }) } : {},
  };
}

function readToken(token: string, shape: string): number {
  const refuse = () => codeCommitError('InvalidContinuationTokenException');
  const read = decodeToken(token, refuse);
  if (read['shape'] !== shape || !Number.isInteger(read['start']) || Number(read['start']) < 0) throw refuse();
  return Number(read['start']);
}
