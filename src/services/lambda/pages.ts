/** `Marker` in, `NextMarker` out. */
import { AwsError } from '../../common/index.ts';
import type { Stored } from '../../store/index.ts';
import { decodePage, encodePage, type Page } from '../pages.ts';

/** Most that a page holds, whatever `MaxItems` says. Source: Lambda API Reference, ListFunctions. */
export const MOST_ITEMS = 50;

export function readMarker(marker: string | undefined): Page | undefined {
  return decodePage(
    marker === '' ? undefined : marker,
    () => new AwsError('InvalidParameterValueException', 'Invalid Marker.'),
  );
}

export function encodeMarker(last: Stored<unknown> | undefined): string | undefined {
  return encodePage(last);
}

/** The page, of rows read with one more than `limit`. */
export function pageOf<T>(
  rows: readonly Stored<T>[],
  limit: number,
): Readonly<{ items: T[]; next: { NextMarker?: string } }> {
  const page = rows.slice(0, limit);
  const marker = rows.length > limit ? encodeMarker(page.at(-1)) : undefined;
  return { items: page.map(({ document }) => document), next: marker === undefined ? {} : { NextMarker: marker } };
}
