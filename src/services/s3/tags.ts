/** Tag sets of buckets and objects: the rules, and the two forms (XML list, `k=v&k=v` header). */
import type { Tag } from '@aws-sdk/client-s3';
import { invalidArgument, s3Error } from './errors.ts';

export type Tags = Readonly<Record<string, string>>;

/** Throws `InvalidTag`, or `BadRequest` for more than `most`. */
export function checkedTags(tags: readonly Tag[] | undefined, most: number): Tags {
  const found: Record<string, string> = {};
  for (const { Key: key = '', Value: value = '' } of tags ?? []) {
    if (Object.hasOwn(found, key)) {
      throw invalidTag('Cannot provide multiple Tags with the same key', key);
    }
    if (key === '' || key.length > 128 || !isTagText(key)) {
      throw invalidTag('The TagKey you have provided is invalid', key);
    }
    if (key.toLowerCase().startsWith('aws:')) {
      throw invalidTag('System tags cannot be added/updated by requester', key);
    }
    if (value.length > 256 || !isTagText(value)) throw invalidTag('The TagValue you have provided is invalid', key);
    found[key] = value;
  }
  if (Object.keys(found).length > most) {
    throw s3Error(400, 'BadRequest', `Object tags cannot be greater than ${most}`);
  }
  return found;
}

/** The `x-amz-tagging` header. */
export function tagsOfHeader(header: string | undefined): Tags {
  if (header === undefined || header === '') return {};
  const pairs = header.split('&').map((pair) => pair.split('='));
  if (pairs.some((pair) => pair.length > 2)) {
    throw invalidArgument(
      "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      'x-amz-tagging',
      header,
    );
  }
  return checkedTags(
    pairs.map(([key = '', value = '']) => ({ Key: decode(key, header), Value: decode(value, header) })),
    10,
  );
}

export function tagSet(tags: Tags): Tag[] {
  return Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
}

function decode(text: string, header: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw invalidArgument("The header 'x-amz-tagging' is not URL-encoded.", 'x-amz-tagging', header);
  }
}

function isTagText(text: string): boolean {
  return /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(text);
}

function invalidTag(message: string, key: string): Error {
  return s3Error(400, 'InvalidTag', message, { fields: { TagKey: key } });
}
