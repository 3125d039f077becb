/**
 * What is kept of a function. Glossary: a *configuration* is code and settings together, as one version holds them;
 * `$LATEST` is the one that may change, a *version* is a numbered copy that never does, an *alias* is a name for one
 * version, or two with weights. A *qualifier* is a version's number, `$LATEST` or an alias's name.
 */
import { AwsError, formatArn } from '../../common/index.ts';
import { type Collection, collection, type DocumentKey, type Queryable } from '../../store/index.ts';
import type { Sealed } from './sealing.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';

export const LATEST = '$LATEST';

/** Everything that a version copies. */
export type Configuration = Readonly<{
  version: string;
  runtime: string;
  role: string;
  handler: string;
  /** Hex SHA-256 of the package, which is also its blob's name. */
  codeDigest: string;
  codeBytes: number;
  description: string;
  timeoutSeconds: number;
  memoryMb: number;
  ephemeralStorageMb: number;
  architecture: string;
  tracingMode: string;
  logGroup: string;
  /** Absent: none. Sealed, since people keep passwords there. */
  environment?: Sealed;
  snapStart: string;
  modifiedAt: number;
  revisionId: string;
}>;

export type PolicyStatement = Readonly<{
  Sid: string;
  Effect: 'Allow';
  Principal: string | Readonly<Record<string, string>>;
  Action: string;
  Resource: string;
  Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}>;

export type FunctionPolicy = Readonly<{
  revisionId: string;
  /** Bound to the users and roles that they name, as `policyPrincipals` tells; see `bound-policies.ts`. */
  statements: readonly PolicyStatement[];
  policyPrincipals?: PolicyPrincipals | undefined;
}>;

export type EventInvokeConfig = Readonly<{ maxRetries?: number; maxAgeSeconds?: number; modifiedAt: number }>;

export type FunctionRecord = Readonly<{
  name: string;
  latest: Configuration;
  /** The number that the last published version got; never handed out again, even when that version is deleted. */
  lastVersion: number;
  tags: Readonly<Record<string, string>>;
  reservedConcurrency?: number;
  /** By qualifier; `''` for the function without one. */
  policies: Readonly<Record<string, FunctionPolicy>>;
  eventInvokeConfigs: Readonly<Record<string, EventInvokeConfig>>;
  createdAt: number;
}>;

export type AliasRecord = Readonly<{
  name: string;
  version: string;
  description: string;
  /** At most one entry: the second version, and the share of invocations that it gets. */
  weights: Readonly<Record<string, number>>;
  revisionId: string;
}>;

export const functions: Collection<FunctionRecord> = collection('lambda.function');
/** Id `function:version`, parent the function's name, sort by number. */
export const versions: Collection<Configuration> = collection('lambda.version');
/** Id `function:alias`, parent the function's name. */
export const aliases: Collection<AliasRecord> = collection('lambda.alias');

/** A function in its account and Region. */
export type Place = Readonly<{ account: string; region: string; name: string }>;

export function functionKey(place: Place): DocumentKey {
  return { account: place.account, region: place.region, id: place.name };
}

export function qualifiedKey(place: Place, qualifier: string): DocumentKey {
  return { account: place.account, region: place.region, id: `${place.name}:${qualifier}` };
}

export function functionArn(place: Place, qualifier?: string): string {
  const resource = qualifier === undefined ? `function:${place.name}` : `function:${place.name}:${qualifier}`;
  return formatArn('lambda', place.region, place.account, resource);
}

/** Numbers in order of number, not of text. */
export function versionSort(version: string): string {
  return version.padStart(12, '0');
}

/** A digest as AWS shows it. */
export function codeSha256(digest: string): string {
  return Buffer.from(digest, 'hex').toString('base64');
}

export function isVersionNumber(qualifier: string): boolean {
  return /^[0-9]+$/.test(qualifier);
}

export function functionNotFound(place: Place, qualifier?: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Function not found: ${functionArn(place, qualifier)}`);
}

export async function requireFunction(q: Queryable, place: Place, qualifier?: string): Promise<FunctionRecord> {
  const found = await functions.get(q, functionKey(place));
  if (found === undefined) throw functionNotFound(place, qualifier);
  return found.document;
}

/** The configuration of `$LATEST` or of a version. Throws `ResourceNotFoundException`. */
export async function requireVersion(
  q: Queryable,
  place: Place,
  record: FunctionRecord,
  version: string,
): Promise<Configuration> {
  if (version === LATEST) return record.latest;
  const found = await versions.get(q, qualifiedKey(place, version));
  if (found === undefined) throw functionNotFound(place, version);
  return found.document;
}
