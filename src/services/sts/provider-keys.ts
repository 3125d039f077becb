/**
 * The keys with which an identity provider signs its tokens: fetched from `<issuer>/.well-known/openid-configuration` and the
 * `jwks_uri` that it names, kept for some minutes, and fetched anew for a token that names a key we do not have.
 * Source: OpenID Connect Discovery 1.0, sections 3 and 4; IAM User Guide, "Create an OpenID Connect (OIDC) identity provider".
 */
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { AwsError, MINUTE_MS } from '../../common/index.ts';
import type { OidcProviderRecord } from '../../store/index.ts';
import type { House } from '../index.ts';
import { isLoopbackHost } from '../loopback-host.ts';
import { fetchJson, ProviderAnswerError } from './provider-fetch.ts';

export type ProviderKeys = ReturnType<typeof createLocalJWKSet>;

type Known = { keys: ProviderKeys; fetchedAt: number };
type Cache = { known: Map<string, Known>; fetching: Map<string, Promise<Known>> };

const KEPT_MS = 10 * MINUTE_MS;
/** A stranger's token can name any key: it does not make us ask the provider more often than this. */
const ASK_AGAIN_AFTER_MS = 1_000;
const MOST_PROVIDERS = 200;
const MOST_KEYS = 100;

const caches = new WeakMap<House, Cache>();

/**
 * `anew`: a token names a key that the last answer did not have. Undefined then, when it is too early to ask again.
 * Throws IDPCommunicationError, IDPRejectedClaim or InvalidIdentityToken. The machine's time counts, not the house's.
 */
export async function providerKeys(
  house: House,
  provider: OidcProviderRecord,
  anew = false,
): Promise<ProviderKeys | undefined> {
  let cache = caches.get(house);
  if (cache === undefined) caches.set(house, (cache = { known: new Map(), fetching: new Map() }));
  // Thumbprints belong to it: an answer that one account trusts is not another's.
  const name = JSON.stringify([provider.url, provider.thumbprints]);
  const now = house.config.wallNow();
  const known = cache.known.get(name);
  if (known !== undefined && now - known.fetchedAt < (anew ? ASK_AGAIN_AFTER_MS : KEPT_MS)) {
    return anew ? undefined : known.keys;
  }
  let fetching = cache.fetching.get(name);
  if (fetching === undefined) {
    fetching = fetchKeys(provider, now);
    cache.fetching.set(name, fetching);
  }
  try {
    const fetched = await fetching;
    if (cache.known.size >= MOST_PROVIDERS) cache.known.clear();
    cache.known.set(name, fetched);
    return fetched.keys;
  } catch (error) {
    throw asAwsError(error);
  } finally {
    cache.fetching.delete(name);
  }
}

async function fetchKeys(provider: OidcProviderRecord, fetchedAt: number): Promise<Known> {
  const { url: issuer, thumbprints } = provider;
  const trust = { thumbprints, wallMs: fetchedAt };
  const configuration = await fetchJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, trust);
  const { issuer: named, jwks_uri: keysUrl } = configuration;
  if (named !== issuer) throw new ProviderAnswerError('Invalid', 'it says that it is another issuer');
  if (typeof keysUrl !== 'string' || !mayServeKeys(issuer, keysUrl)) {
    throw new ProviderAnswerError('Invalid', 'it names no usable jwks_uri');
  }
  const set = await fetchJson(keysUrl, trust);
  const { keys } = set;
  if (!Array.isArray(keys) || keys.length > MOST_KEYS || !keys.every(isKey)) {
    throw new ProviderAnswerError('Invalid', 'its key set is none');
  }
  // Only what verifies a signature: a symmetric key in the set would be everybody's to sign with.
  const usable = keys.filter(({ kty, use }) => (kty === 'RSA' || kty === 'EC') && (use === undefined || use === 'sig'));
  return { keys: createLocalJWKSet({ keys: usable } as JSONWebKeySet), fetchedAt };
}

/** Keys may lie on another host, but never on this machine for an issuer elsewhere. */
function mayServeKeys(issuer: string, keysUrl: string): boolean {
  if (!URL.canParse(keysUrl)) return false;
  const { protocol, hostname } = new URL(keysUrl);
  const bothHere = isLoopbackHost(new URL(issuer).hostname) && isLoopbackHost(hostname);
  return bothHere || (protocol === 'https:' && !isLoopbackHost(hostname));
}

function isKey(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && typeof (value as { kty?: unknown }).kty === 'string';
}

function asAwsError(error: unknown): unknown {
  if (!(error instanceof ProviderAnswerError)) return error;
  switch (error.kind) {
    case 'Refused':
      return new AwsError('IDPRejectedClaimException', `The identity provider rejected the request: ${error.message}.`);
    case 'Unreachable':
      return new AwsError(
        'IDPCommunicationErrorException',
        `The identity provider could not be reached: ${error.message}.`,
      );
    default:
      return new AwsError(
        'InvalidIdentityTokenException',
        `Couldn't retrieve verification key from your identity provider: ${error.message}. Please reference AssumeRoleWithWebIdentity documentation for requirements`,
      );
  }
}
