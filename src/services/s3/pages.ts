/** S3's opaque continuation tokens, and the encoding of keys in listings. */
import { invalidArgument } from './errors.ts';

export function writeToken(position: Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(position)).toString('base64url');
}

/** Throws `InvalidArgument` for what is no token of ours. */
export function readToken(token: string | undefined): Readonly<Record<string, string>> | undefined {
  if (token === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(Buffer.from(token, 'base64url').toString('utf8'));
    if (typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string')) {
      return value as Record<string, string>;
    }
  } catch {
    // Falls through: not a token.
  }
  throw invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
}

/** At most 1000, whatever the caller asks for. */
export function pageSize(asked: number | undefined, name: string): number {
  if (asked === undefined) return 1000;
  if (asked < 0) throw invalidArgument(`Argument ${name} must be an integer between 0 and 2147483647`, name, asked);
  return Math.min(asked, 1000);
}

/** With `encoding-type=url` keys are percent-encoded, but for the slash. */
export function keyEncoder(encodingType: string | undefined): (key: string) => string {
  if (encodingType === undefined) return (key) => key;
  if (encodingType !== 'url') {
    throw invalidArgument('Invalid Encoding Method specified in Request', 'encoding-type', encodingType);
  }
  return (key) => encodeURIComponent(key).replaceAll('%2F', '/');
}
