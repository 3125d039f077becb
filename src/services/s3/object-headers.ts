/** The headers and metadata that come with an object, are kept with it and given back. */
import { s3Error, invalidRequest, notImplemented } from './errors.ts';
import type { ContentHeaders } from './records.ts';

type HeaderInput = Readonly<{
  ContentType?: string | undefined;
  CacheControl?: string | undefined;
  ContentDisposition?: string | undefined;
  ContentEncoding?: string | undefined;
  ContentLanguage?: string | undefined;
  Expires?: Date | number | string | undefined;
  WebsiteRedirectLocation?: string | undefined;
}>;

const MAX_METADATA_BYTES = 2048;

export function headersOf(input: HeaderInput): ContentHeaders {
  const encoding = withoutChunked(input.ContentEncoding);
  const expiresAt = input.Expires === undefined ? Number.NaN : new Date(input.Expires).getTime();
  const headers = {
    contentType: input.ContentType ?? 'binary/octet-stream',
    cacheControl: input.CacheControl,
    contentDisposition: input.ContentDisposition,
    contentEncoding: encoding,
    contentLanguage: input.ContentLanguage,
    expiresAt: Number.isNaN(expiresAt) ? undefined : expiresAt,
    websiteRedirectLocation: input.WebsiteRedirectLocation,
  };
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
}

/** `aws-chunked` is how the body came, not what it is. */
function withoutChunked(encoding: string | undefined): string | undefined {
  const codings = (encoding ?? '')
    .split(',')
    .map((coding) => coding.trim())
    .filter((coding) => coding !== '' && coding.toLowerCase() !== 'aws-chunked');
  return codings.length === 0 ? undefined : codings.join(',');
}

/** Throws `MetadataTooLarge` past 2 KB of names and values. */
export function checkedMetadata(metadata: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const entries = Object.entries(metadata ?? {}).map(([name, value]) => [name.toLowerCase(), value] as const);
  const size = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  if (size > MAX_METADATA_BYTES) {
    throw s3Error(400, 'MetadataTooLarge', 'Your metadata headers exceed the maximum allowed metadata size', {
      fields: { Size: size, MaxSizeAllowed: MAX_METADATA_BYTES },
    });
  }
  return Object.fromEntries(entries);
}

export function headerOutput(headers: ContentHeaders) {
  return {
    ...(headers.contentType !== undefined && { ContentType: headers.contentType }),
    ...(headers.cacheControl !== undefined && { CacheControl: headers.cacheControl }),
    ...(headers.contentDisposition !== undefined && { ContentDisposition: headers.contentDisposition }),
    ...(headers.contentEncoding !== undefined && { ContentEncoding: headers.contentEncoding }),
    ...(headers.contentLanguage !== undefined && { ContentLanguage: headers.contentLanguage }),
    ...(headers.expiresAt !== undefined && { Expires: new Date(headers.expiresAt) }),
    ...(headers.websiteRedirectLocation !== undefined && { WebsiteRedirectLocation: headers.websiteRedirectLocation }),
  };
}

/** Refuses what would change how an object is kept and is not implemented. */
export function refuseUnsupported(
  input: Readonly<{
    StorageClass?: string | undefined;
    ObjectLockMode?: string | undefined;
    ObjectLockRetainUntilDate?: unknown;
    ObjectLockLegalHoldStatus?: string | undefined;
    WriteOffsetBytes?: number | undefined;
  }>,
): void {
  if ((input.StorageClass ?? 'STANDARD') !== 'STANDARD') throw notImplemented(`Storage class ${input.StorageClass}`);
  if (
    input.ObjectLockMode !== undefined ||
    input.ObjectLockRetainUntilDate !== undefined ||
    input.ObjectLockLegalHoldStatus !== undefined
  ) {
    throw invalidRequest('Bucket is missing Object Lock Configuration');
  }
  if (input.WriteOffsetBytes !== undefined) throw notImplemented('Appending to an object');
}
