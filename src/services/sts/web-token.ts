/**
 * The token of a web identity: a JWT of an OpenID Connect provider, verified before anything in it is believed.
 * Source: STS API Reference, "AssumeRoleWithWebIdentity"; OpenID Connect Core 1.0, section 3.1.3.7; RFC 8725 (what a verifier
 * must not fall for: the algorithm is chosen here, never by the token).
 */
import { decodeJwt, errors, type JWTPayload, jwtVerify, type JWTVerifyOptions } from 'jose';
import { AwsError, type RequestContext } from '../../common/index.ts';
import {
  hostAndPathOf,
  oidcProviderKey,
  type OidcProviderRecord,
  oidcProviders,
  type Tags,
} from '../../store/index.ts';
import type { House } from '../index.ts';
import { type ProviderKeys, providerKeys } from './provider-keys.ts';

export type WebIdentity = Readonly<{
  provider: OidcProviderRecord;
  issuer: string;
  subject: string;
  audience: string;
  /** `<host and path>:sub` and so on. */
  context: RequestContext;
  tags: Tags;
  transitiveTagKeys: readonly string[];
  sourceIdentity: string | undefined;
}>;

/** Source: IAM User Guide, "Create an OpenID Connect (OIDC) identity provider in IAM", Prerequisites. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'];
const MOST_CHARACTERS = 20_000;
/** Clocks of issuers differ a little. */
const TOLERANCE_SECONDS = 5;

/** `account`: of the role; its provider must have been made there. */
export async function verifiedIdentity(house: House, account: string, token: string): Promise<WebIdentity> {
  if (token.length > MOST_CHARACTERS || !/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token)) throw notJwt();
  const issuer = issuerOf(token);
  const provider = (await oidcProviders.get(house.store, oidcProviderKey(account, hostAndPathOf(issuer))))?.document;
  if (provider === undefined || provider.url.replace(/\/$/, '') !== issuer.replace(/\/$/, '')) {
    throw invalid(`No OpenIDConnect provider found in your account for ${issuer}`);
  }
  const claims = await verify(house, provider, issuer, token);
  const audience = audienceOf(claims);
  if (audience === undefined || !provider.clientIds.includes(audience)) throw invalid('Incorrect token audience');
  const { tags, transitiveTagKeys } = tagsOf(claims);
  return {
    provider,
    issuer,
    subject: claims.sub ?? '',
    audience,
    context: claimContext(hostAndPathOf(provider.url), claims, audience),
    tags,
    transitiveTagKeys,
    sourceIdentity: sourceIdentityOf(claims),
  };
}

function issuerOf(token: string): string {
  try {
    const { iss } = decodeJwt(token);
    if (typeof iss === 'string') return iss;
  } catch {
    throw notJwt();
  }
  throw invalid('Missing a required claim: iss');
}

async function verify(house: House, provider: OidcProviderRecord, issuer: string, token: string): Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    algorithms: ALGORITHMS,
    issuer,
    requiredClaims: ['sub', 'aud', 'exp', 'iat'],
    clockTolerance: TOLERANCE_SECONDS,
    // A token carries its issuer's time, as a signature carries its client's: the machine's, whatever the house's clock.
    currentDate: new Date(house.config.wallNow()),
  };
  const keys = await providerKeys(house, provider);
  try {
    return await verifyWith(keys, token, options);
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) throw asAwsError(error, token, options);
  }
  // A provider that has new keys since we asked.
  try {
    return await verifyWith(await providerKeys(house, provider, true), token, options);
  } catch (error) {
    throw asAwsError(error, token, options);
  }
}

async function verifyWith(
  keys: ProviderKeys | undefined,
  token: string,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  if (keys === undefined) throw new errors.JWKSNoMatchingKey();
  try {
    return (await jwtVerify(token, keys, options)).payload;
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error;
    // A token that names no key: any of those that fit may have signed it.
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure;
      }
    }
    throw new errors.JWSSignatureVerificationFailed();
  }
}

function asAwsError(error: unknown, token: string, { currentDate }: JWTVerifyOptions): unknown {
  // Our own: the provider does not answer.
  if (error instanceof AwsError) return error;
  if (error instanceof errors.JWTExpired) {
    const now = Math.floor((currentDate?.getTime() ?? 0) / 1000);
    return new AwsError(
      'ExpiredTokenException',
      `Token expired: current date/time ${now} must be before the expiration date/time ${String(decodeJwt(token).exp)}`,
    );
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.reason === 'missing') return invalid(`Missing a required claim: ${error.claim}`);
    return invalid(`The claim ${error.claim} of the token is not valid`);
  }
  if (error instanceof errors.JWKSNoMatchingKey) {
    return invalid(
      "Couldn't retrieve verification key from your identity provider, please reference AssumeRoleWithWebIdentity documentation for requirements",
    );
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return invalid('The signature of the token is not valid');
  // Whatever else: an algorithm that is not taken, a header that is none, a key that does not fit.
  return notJwt();
}

/** The party that the token was made for: `azp` where it is set. Of several audiences without one, none is it. */
function audienceOf({ aud, azp }: JWTPayload): string | undefined {
  if (azp !== undefined) return typeof azp === 'string' ? azp : undefined;
  if (Array.isArray(aud)) return aud.length === 1 && typeof aud[0] === 'string' ? aud[0] : undefined;
  return typeof aud === 'string' ? aud : undefined;
}

const STANDARD: ReadonlySet<string> = new Set(['aud', 'oaud', 'sub', 'amr']);
const MOST_CLAIMS = 100;
const CLAIM_CHARACTERS = 2048;

/**
 * Condition keys from claims: `aud` (who the token was made for), `oaud` (its `aud` where `azp` names another), `sub`, `amr`.
 * Differs from AWS: every claim with simple values is one, where AWS has a list of claims for some providers.
 */
function claimContext(prefix: string, claims: JWTPayload, audience: string): RequestContext {
  const context: Record<string, string | readonly string[]> = {};
  // Condition keys are equal whatever their case: a claim `SUB` must not stand for `sub`.
  const others = Object.entries(claims).filter(([name]) => !STANDARD.has(name.toLowerCase()));
  const taken = new Set(STANDARD);
  for (const name of ['amr', 'sub', 'aud']) if (Object.hasOwn(claims, name)) others.unshift([name, claims[name]]);
  for (const [name, value] of others.slice(0, MOST_CLAIMS)) {
    if (!STANDARD.has(name) && taken.has(name.toLowerCase())) continue;
    taken.add(name.toLowerCase());
    if (name.startsWith('https://aws.amazon.com/') || name.includes('$')) continue;
    const values = (Array.isArray(value) ? value : [value]).filter(isSimple).map(String);
    if (values.length === 0 || values.some((text) => text.length > CLAIM_CHARACTERS)) continue;
    context[`${prefix}:${name}`] = Array.isArray(value) ? values : (values[0] ?? '');
  }
  if (claims['azp'] !== undefined) {
    const original = context[`${prefix}:aud`];
    if (original !== undefined) context[`${prefix}:oaud`] = original;
  }
  context[`${prefix}:aud`] = audience;
  return context;
}

function isSimple(value: unknown): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

const TAGS = 'https://aws.amazon.com/tags';

/**
 * `{ principal_tags: { Project: ['a'] }, transitive_tag_keys: ['Project'] }`, or the same flattened into claims of their own.
 * Source: IAM User Guide, "Pass session tags in AWS STS", "Passing session tags using AssumeRoleWithWebIdentity".
 */
function tagsOf(claims: JWTPayload): { tags: Tags; transitiveTagKeys: readonly string[] } {
  const nested = claims[TAGS] ?? {};
  if (!isObject(nested)) throw invalid('The tags claim of the token is not an object');
  const tags: Record<string, string> = {};
  const add = (key: string, value: unknown): void => {
    const [only, more] = Array.isArray(value) ? (value as unknown[]) : [value];
    if (typeof only !== 'string' || more !== undefined)
      throw invalid(`The tag ${key} of the token must have one value`);
    Object.defineProperty(tags, key, { value: only, enumerable: true, writable: true, configurable: true });
  };
  const principalTags = nested['principal_tags'] ?? {};
  if (!isObject(principalTags)) throw invalid('The principal_tags of the token are not an object');
  for (const [key, value] of Object.entries(principalTags)) add(key, value);
  const flattened = `${TAGS}/principal_tags/`;
  for (const [name, value] of Object.entries(claims)) {
    if (name.startsWith(flattened)) add(name.slice(flattened.length), value);
  }
  const keys = nested['transitive_tag_keys'] ?? claims[`${TAGS}/transitive_tag_keys`] ?? [];
  if (!Array.isArray(keys) || !keys.every((key) => typeof key === 'string')) {
    throw invalid('The transitive_tag_keys of the token are not a list of keys');
  }
  return { tags, transitiveTagKeys: keys };
}

function sourceIdentityOf(claims: JWTPayload): string | undefined {
  const value = claims['https://aws.amazon.com/source_identity'];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^[\w+=,.@-]{2,64}$/.test(value)) {
    throw invalid('The source_identity of the token is not valid');
  }
  return value;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function notJwt(): AwsError {
  return invalid('The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)');
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidIdentityTokenException', message);
}
