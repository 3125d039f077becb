/**
 * What a KMS call needs to be allowed. The key policy decides first (`resourcePolicyMode: 'Only'`); identity policies count
 * when it delegates to the account; a matching grant allows beside it; an explicit deny anywhere refuses.
 *
 * A key that does not exist is asked for without a resource policy: who may use such a key of their own account by
 * their identity policy learns that it is missing, everybody else that they may not.
 * Source: KMS Developer Guide, "Determining access to AWS KMS keys"; Service Authorization Reference, "AWS KMS".
 */
import type { AccessRequest, Principal, RequestContext } from '../../common/index.ts';
import { grantAllows, type HandedOn } from '../../core/kms-grant/index.ts';
import type { Call } from '../service.ts';
import { managedKeyFor } from './aws-managed-keys.ts';
import type { EncryptionContext } from './ciphertext.ts';
import { specOf, usageOf } from './key-specs.ts';
import {
  aliases,
  findKey,
  grants,
  isReplica,
  type Key,
  type KeyReference,
  notFound,
  parseKeyReference,
} from './records.ts';

export type KeyUse = Readonly<{
  /** Without prefix: `Decrypt`. */
  action: string;
  encryptionContext?: EncryptionContext | undefined;
  context?: RequestContext;
  /** May it be used from another account? */
  crossAccount?: boolean;
  /** The grant that is to be made, where this is the use of one to make it. */
  handsOn?: HandedOn | undefined;
}>;

/** Operations that a grant can allow; ReEncrypt's two halves included. */
const GRANTABLE: ReadonlySet<string> = new Set([
  'CreateGrant',
  'Decrypt',
  'DescribeKey',
  'DeriveSharedSecret',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateMac',
  'GetPublicKey',
  'ReEncryptFrom',
  'ReEncryptTo',
  'RetireGrant',
  'Sign',
  'Verify',
  'VerifyMac',
]);

/** The request for a use of the key that `keyId` names, as the caller wrote it. A missing `keyId` asks for `*`. */
export async function keyAccess(call: Call, keyId: string | undefined, use: KeyUse): Promise<AccessRequest> {
  if (typeof keyId !== 'string' || keyId === '') return { action: `kms:${use.action}`, resource: '*' };
  const reference = parseKeyReference(keyId, call);
  const key = await lookUp(call, reference);
  const request = await accessTo(call, reference, key, use);
  return reference.aliasName === undefined
    ? request
    : { ...request, context: { ...request.context, 'kms:RequestAlias': reference.aliasName } };
}

/** The key that a handler works on. Throws `NotFoundException`. */
export async function requireKey(
  call: Call,
  keyId: string,
  options: Readonly<{ byAlias?: boolean }> = {},
): Promise<Key> {
  const reference = parseKeyReference(keyId, call);
  if (reference.aliasName !== undefined && options.byAlias !== true) throw notFoundKeyId(call, keyId);
  const key = await lookUp(call, reference);
  if (key === undefined) throw notFound(reference);
  return key;
}

function notFoundKeyId(call: Call, keyId: string): Error {
  return notFound({ account: call.account, region: call.region, keyId, arn: keyId });
}

async function lookUp(call: Call, reference: KeyReference): Promise<Key | undefined> {
  return (await findKey(call.house.store, reference)) ?? (await managedKeyFor(call, reference));
}

/** What of a call the request depends on. */
type Asking = Pick<Call, 'house' | 'principal' | 'viaService'>;

export async function accessTo(
  call: Asking,
  reference: KeyReference,
  key: Key | undefined,
  use: KeyUse,
): Promise<AccessRequest> {
  const base = { action: `kms:${use.action}`, resource: key?.arn ?? reference.arn, resourceAccount: reference.account };
  const context = { ...requestContext(call, use.encryptionContext), ...use.context };
  if (key === undefined) return { ...base, context };
  const foreign = accountOf(call.principal) !== key.account;
  if (foreign && use.crossAccount !== true)
    return { ...base, context, resourcePolicyMode: 'Only', resourcePolicies: [] };
  const grant = await matchingGrant(call, key, use);
  return {
    ...base,
    resourcePolicyMode: 'Only',
    resourcePolicies: [{ name: `key policy of ${key.arn}`, document: key.policy }],
    context: { ...context, ...(await keyContext(call, key)) },
    ...(grant !== undefined && { grantedBy: `grant ${grant}` }),
    // AWS managed keys are AWS's own.
    ...(key.manager === 'AWS' && { exemptFromResourceControl: true }),
    // Source: Organizations User Guide, "Resources and entities not restricted by RCPs".
    ...(key.manager === 'AWS' && { exemptFromResourceControl: true }),
  };
}

async function matchingGrant(call: Asking, key: Key, use: KeyUse): Promise<string | undefined> {
  if (!GRANTABLE.has(use.action)) return undefined;
  const scope = { account: key.account, region: key.region };
  const found = await grants.list(call.house.store, { ...scope, parent: key.keyId });
  return found.find(({ document }) =>
    grantAllows(document, call.principal, {
      operation: use.action,
      encryptionContext: use.encryptionContext ?? {},
      ...(use.handsOn && { handsOn: use.handsOn }),
    }),
  )?.document.grantId;
}

/** Condition keys of the request: who, through what, with which encryption context. */
export function requestContext(call: Asking, encryptionContext?: EncryptionContext): RequestContext {
  const account = accountOf(call.principal);
  const entries = isStringMap(encryptionContext) ? Object.entries(encryptionContext) : [];
  return {
    ...(account !== undefined && { 'kms:CallerAccount': account }),
    ...(call.viaService !== undefined && { 'kms:ViaService': call.viaService }),
    ...Object.fromEntries(entries.map(([key, value]) => [`kms:EncryptionContext:${key}`, value])),
    ...(entries.length > 0 && { 'kms:EncryptionContextKeys': entries.map(([key]) => key) }),
  };
}

async function keyContext(call: Asking, key: Key): Promise<RequestContext> {
  const scope = { account: key.account, region: key.region };
  const names = (await aliases.list(call.house.store, { ...scope, parent: key.keyId })).map(({ key }) => key.id);
  return {
    'kms:KeyOrigin': 'AWS_KMS',
    'kms:KeySpec': specOf(key),
    'kms:KeyUsage': usageOf(key),
    'kms:CustomerMasterKeySpec': specOf(key),
    'kms:CustomerMasterKeyUsage': usageOf(key),
    'kms:MultiRegion': String(key.multiRegion !== undefined),
    ...(key.multiRegion && { 'kms:MultiRegionKeyType': isReplica(key) ? 'REPLICA' : 'PRIMARY' }),
    ...(names.length > 0 && { 'kms:ResourceAliases': names }),
    ...Object.fromEntries(Object.entries(key.tags).map(([tag, value]) => [`aws:ResourceTag/${tag}`, value])),
  };
}

/** The account that a principal belongs to; for a service, the one it works for. */
export function accountOf(principal: Principal): string | undefined {
  if (principal.type === 'Anonymous') return undefined;
  return principal.type === 'Service' ? principal.sourceAccount : principal.account;
}

function isStringMap(value: unknown): value is Record<string, string> {
  return typeof value === 'object' && value !== null && Object.values(value).every((each) => typeof each === 'string');
}

type WithKeyId = Readonly<{ KeyId?: string | undefined }>;

/** The usual `authorize`: one use of `input.KeyId`. */
export function onKey(use: KeyUse) {
  return async (input: WithKeyId, call: Call): Promise<readonly AccessRequest[]> => [
    await keyAccess(call, input.KeyId, use),
  ];
}
