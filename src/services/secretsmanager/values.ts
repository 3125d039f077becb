/** Values and versions of secrets. Every value lies sealed under a KMS data key, made and opened as the caller. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type {
  GetRandomPasswordRequest,
  GetRandomPasswordResponse,
  GetSecretValueRequest,
  GetSecretValueResponse,
  ListSecretVersionIdsRequest,
  ListSecretVersionIdsResponse,
  PutSecretValueRequest,
  PutSecretValueResponse,
  UpdateSecretVersionStageRequest,
  UpdateSecretVersionStageResponse,
} from '@aws-sdk/client-secrets-manager';
import { AwsError, isAwsError } from '../../common/index.ts';
import type { Stored } from '../../store/index.ts';
import { type Call, operation, type Scope } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  access,
  CURRENT,
  PREVIOUS,
  refuseDeleted,
  requireSecret,
  type Secret,
  secretArn,
  secrets,
  type SecretVersion,
} from './records.ts';

const LARGEST_VALUE_BYTES = 65_536;
const MOST_STAGES = 20;
const MOST_VERSIONS = 100;
const DEFAULT_KEY = 'alias/aws/secretsmanager';

export type GivenValue = Readonly<{ SecretString?: string | undefined; SecretBinary?: Uint8Array | undefined }>;

export const getSecretValue = operation<GetSecretValueRequest, GetSecretValueResponse>({
  authorize: async ({ SecretId, VersionId, VersionStage }, call) =>
    (await access('GetSecretValue', SecretId, call)).map((request) => ({
      ...request,
      context: {
        ...request.context,
        ...(VersionId === undefined ? {} : { 'secretsmanager:VersionId': VersionId }),
        'secretsmanager:VersionStage': VersionStage ?? CURRENT,
      },
    })),
  handle: async (input, call) => {
    const { document: secret, key } = await requireSecret(call.house.store, call, input.SecretId ?? '');
    refuseDeleted(secret);
    const stage = input.VersionStage ?? (input.VersionId === undefined ? CURRENT : undefined);
    const version = secret.versions.find(
      (candidate) =>
        (input.VersionId === undefined || candidate.id === input.VersionId) &&
        (stage === undefined || candidate.stages.includes(stage)),
    );
    if (version === undefined) {
      if (input.VersionId !== undefined && secret.versions.some(({ id }) => id === input.VersionId)) {
        throw new AwsError(
          'InvalidRequestException',
          'You provided a VersionStage that is not associated to the provided VersionId.',
        );
      }
      const sought = input.VersionId === undefined ? `staging label: ${stage}` : `VersionId: ${input.VersionId}`;
      throw new AwsError(
        'ResourceNotFoundException',
        `Secrets Manager can't find the specified secret value for ${sought}`,
      );
    }
    if (key.account !== call.account && (secret.keyId === undefined || secret.keyId === DEFAULT_KEY))
      throw new AwsError(
        'InvalidRequestException',
        "You can't access a secret from a different AWS account if you encrypt the secret with the default KMS service key.",
      );
    const value = await unseal(call, key, secret, version);
    await markAccessed(call, key, secret);
    return {
      ARN: secretArn(key, secret),
      Name: secret.name,
      VersionId: version.id,
      ...(version.binary ? { SecretBinary: value } : { SecretString: Buffer.from(value).toString('utf8') }),
      VersionStages: [...version.stages],
      CreatedDate: new Date(version.createdAt),
    };
  },
});

/** By the day, as AWS shows it. */
async function markAccessed(call: Call, key: Stored<Secret>['key'], secret: Secret): Promise<void> {
  const day = Math.floor(call.now / 86_400_000) * 86_400_000;
  if (secret.accessedAt === day) return;
  await call.house.store.transaction(async (tx) => {
    const found = await secrets.getForUpdate(tx, key);
    if (found !== undefined) await secrets.update(tx, key, { ...found.document, accessedAt: day });
  });
}

export const putSecretValue = operation<PutSecretValueRequest, PutSecretValueResponse>({
  authorize: ({ SecretId }, call) => access('PutSecretValue', SecretId, call),
  handle: async (input, call) => {
    if (input.RotationToken !== undefined)
      throw new AwsError('InvalidParameterException', 'RotationToken is not implemented by Sluice.');
    const stages = input.VersionStages ?? [CURRENT];
    if (stages.length > MOST_STAGES)
      throw new AwsError('LimitExceededException', `A version can have at most ${MOST_STAGES} staging labels.`);
    const { secret, key, version } = await addVersion(
      call,
      input.SecretId ?? '',
      input,
      input.ClientRequestToken,
      stages,
    );
    return {
      ARN: secretArn(key, secret),
      Name: secret.name,
      VersionId: version.id,
      VersionStages: [...version.stages],
    };
  },
});

/**
 * Adds a version with these stages, taken from the versions that had them. The same token with the same value answers
 * as the first time did; with another value it is refused.
 */
export async function addVersion(
  call: Call,
  id: string,
  value: GivenValue,
  token: string | undefined,
  stages: readonly string[],
  change: (secret: Secret) => Secret = (secret) => secret,
): Promise<Readonly<{ secret: Secret; key: Stored<Secret>['key']; version: SecretVersion }>> {
  const before = await requireSecret(call.house.store, call, id);
  refuseDeleted(before.document);
  const versionId = token ?? call.house.ids.uuid();
  const known = before.document.versions.find((candidate) => candidate.id === versionId);
  if (known !== undefined) {
    await refuseOtherValue(call, before, known, value);
    return { secret: before.document, key: before.key, version: known };
  }
  const version = await newVersion(call, before.key, before.document, value, versionId, stages);
  return call.house.store.transaction(async (tx) => {
    const found = await secrets.getForUpdate(tx, before.key);
    if (found === undefined)
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    const secret = change({
      ...found.document,
      changedAt: call.now,
      versions: withVersion(found.document.versions, version),
    });
    await secrets.update(tx, before.key, secret);
    return { secret, key: before.key, version };
  });
}

/** A token used again must come with the value of the first time. */
export async function refuseOtherValue(
  call: Call,
  { key, document }: Stored<Secret>,
  known: SecretVersion,
  value: GivenValue,
): Promise<void> {
  const stored = await unseal(call, key, document, known);
  if (Buffer.from(stored).equals(Buffer.from(bytesOf(value)))) return;
  throw new AwsError(
    'ResourceExistsException',
    `A resource with the ID you requested already exists: the version ${known.id} has another value.`,
  );
}

export async function newVersion(
  call: Call,
  scope: Scope,
  secret: Pick<Secret, 'name' | 'suffix' | 'keyId'>,
  value: GivenValue,
  id: string,
  stages: readonly string[],
): Promise<SecretVersion> {
  const bytes = bytesOf(value);
  if (bytes.byteLength > LARGEST_VALUE_BYTES)
    throw new AwsError('InvalidParameterException', `The secret value is larger than ${LARGEST_VALUE_BYTES} bytes.`);
  return {
    id,
    sealed: await seal(call, scope, secret, bytes, id),
    binary: value.SecretString === undefined,
    createdAt: call.now,
    stages,
  };
}

/** A label lives on one version; AWSPREVIOUS follows the version that AWSCURRENT leaves. Old unlabelled versions go. */
export function withVersion(versions: readonly SecretVersion[], added: SecretVersion): readonly SecretVersion[] {
  const moved = moveStages(versions, added.stages);
  const labelled = moved.filter((version) => version.stages.length > 0).length;
  const kept = moved.filter(
    (version, index) => version.stages.length > 0 || moved.length - index <= MOST_VERSIONS - labelled - 1,
  );
  return [...kept, added];
}

function moveStages(versions: readonly SecretVersion[], taken: readonly string[]): SecretVersion[] {
  const leaving = taken.includes(CURRENT)
    ? versions.find((version) => version.stages.includes(CURRENT))?.id
    : undefined;
  return versions.map((version) => {
    const left = version.stages.filter(
      (stage) => !taken.includes(stage) && !(leaving !== undefined && stage === PREVIOUS),
    );
    return { ...version, stages: version.id === leaving ? [...left, PREVIOUS] : left };
  });
}

export const updateSecretVersionStage = operation<UpdateSecretVersionStageRequest, UpdateSecretVersionStageResponse>({
  authorize: ({ SecretId }, call) => access('UpdateSecretVersionStage', SecretId, call),
  handle: async (input, call) => {
    const stage = input.VersionStage ?? '';
    const { key } = await requireSecret(call.house.store, call, input.SecretId ?? '');
    return call.house.store.transaction(async (tx) => {
      const found = await secrets.getForUpdate(tx, key);
      if (found === undefined)
        throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
      refuseDeleted(found.document);
      const { versions } = found.document;
      const holder = versions.find((version) => version.stages.includes(stage))?.id;
      for (const id of [input.RemoveFromVersionId, input.MoveToVersionId]) {
        if (id !== undefined && !versions.some((version) => version.id === id)) {
          throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret version.");
        }
      }
      if (holder !== undefined && holder !== input.MoveToVersionId && holder !== input.RemoveFromVersionId) {
        throw new AwsError(
          'InvalidParameterException',
          `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
        );
      }
      if (stage === CURRENT && input.MoveToVersionId === undefined) {
        throw new AwsError(
          'InvalidParameterException',
          `You can only move staging label ${CURRENT} to a different secret version. It can't be completely removed.`,
        );
      }
      const moved = holder === input.MoveToVersionId ? [...versions] : moveStages(versions, [stage]);
      const next = moved.map((version) =>
        version.id === input.MoveToVersionId
          ? { ...version, stages: [...new Set([...version.stages, stage])] }
          : version,
      );
      await secrets.update(tx, key, { ...found.document, versions: next, changedAt: call.now });
      return { ARN: secretArn(key, found.document), Name: found.document.name };
    });
  },
});

export const listSecretVersionIds = operation<ListSecretVersionIdsRequest, ListSecretVersionIdsResponse>({
  authorize: ({ SecretId }, call) => access('ListSecretVersionIds', SecretId, call),
  handle: async (input, call) => {
    const stored = await requireSecret(call.house.store, call, input.SecretId ?? '');
    const versions = stored.document.versions.filter(
      (version) => input.IncludeDeprecated === true || version.stages.length > 0,
    );
    const limit = input.MaxResults ?? 100;
    const from = Number(decodePage(input.NextToken)?.sort ?? 0);
    return {
      ARN: secretArn(stored.key, stored.document),
      Name: stored.document.name,
      Versions: versions.slice(from, from + limit).map((version) => ({
        VersionId: version.id,
        VersionStages: [...version.stages],
        CreatedDate: new Date(version.createdAt),
      })),
      ...(from + limit < versions.length ? { NextToken: encodePage({ ...stored, sort: String(from + limit) }) } : {}),
    };
  },
});

const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const PUNCTUATION = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~';

export const getRandomPassword = operation<GetRandomPasswordRequest, GetRandomPasswordResponse>({
  handle: async (input, call) => {
    const excluded = new Set(input.ExcludeCharacters ?? '');
    const kinds = [
      ...(input.ExcludeLowercase === true ? [] : [LOWER]),
      ...(input.ExcludeUppercase === true ? [] : [LOWER.toUpperCase()]),
      ...(input.ExcludeNumbers === true ? [] : ['0123456789']),
      ...(input.ExcludePunctuation === true ? [] : [PUNCTUATION]),
      ...(input.IncludeSpace === true ? [' '] : []),
    ]
      .map((kind) => [...kind].filter((character) => !excluded.has(character)).join(''))
      .filter((kind) => kind !== '');
    const length = Number(input.PasswordLength ?? 32);
    const each = input.RequireEachIncludedType !== false ? kinds.length : 0;
    if (kinds.length === 0 || each > length)
      throw new AwsError('InvalidParameterException', 'The password cannot be made from the characters that are left.');
    const { ids } = call.house;
    const characters = kinds.slice(0, each).map((kind) => ids.text(1, kind));
    while (characters.length < length) characters.push(ids.text(1, kinds.join('')));
    for (let i = characters.length - 1; i > 0; i--) {
      const j = Math.floor(ids.random() * (i + 1));
      [characters[i], characters[j]] = [characters[j] ?? '', characters[i] ?? ''];
    }
    return { RandomPassword: characters.join('') };
  },
});

function bytesOf(value: GivenValue): Uint8Array {
  if (value.SecretString !== undefined && value.SecretBinary !== undefined) {
    throw new AwsError('InvalidParameterException', "You can't specify both SecretString and SecretBinary.");
  }
  if (value.SecretString !== undefined) return new TextEncoder().encode(value.SecretString);
  if (value.SecretBinary !== undefined) return value.SecretBinary;
  throw new AwsError('InvalidRequestException', 'You must provide either SecretString or SecretBinary.');
}

async function seal(
  call: Call,
  scope: Scope,
  secret: Pick<Secret, 'name' | 'suffix' | 'keyId'>,
  bytes: Uint8Array,
  versionId: string,
): Promise<string> {
  const { CiphertextBlob, Plaintext } = await call
    .forward(`secretsmanager.${call.region}.amazonaws.com`)
    .call<{ CiphertextBlob: Uint8Array; Plaintext: Uint8Array }>('kms', 'GenerateDataKey', {
      KeyId: keyFor(call, scope, secret.keyId),
      KeySpec: 'AES_256',
      EncryptionContext: contextOf(scope, secret, versionId),
    })
    .catch(fromKms('EncryptionFailure', 'encrypt'));
  return sealWith(call, Plaintext, CiphertextBlob, bytes);
}

/** A key that is named without its account is one of the secret's, whoever writes the value. */
function keyFor(call: Call, scope: Scope, keyId = DEFAULT_KEY): string {
  if (scope.account === call.account || keyId.startsWith('arn:')) return keyId;
  return `arn:aws:kms:${scope.region}:${scope.account}:${keyId.startsWith('alias/') ? keyId : `key/${keyId}`}`;
}

async function unseal(call: Call, scope: Scope, secret: Secret, version: SecretVersion): Promise<Uint8Array> {
  const { wrapped, iv, tag, body } = JSON.parse(version.sealed) as Record<'wrapped' | 'iv' | 'tag' | 'body', string>;
  const { Plaintext } = await call
    .forward(`secretsmanager.${call.region}.amazonaws.com`)
    .call<{ Plaintext: Uint8Array }>('kms', 'Decrypt', {
      CiphertextBlob: new Uint8Array(Buffer.from(wrapped, 'base64')),
      EncryptionContext: contextOf(scope, secret, version.id),
    })
    .catch(fromKms('DecryptionFailure', 'decrypt'));
  const decipher = createDecipheriv('aes-256-gcm', Plaintext, Buffer.from(iv, 'base64'));
  decipher.setAuthTag(Buffer.from(tag, 'base64'));
  return new Uint8Array(Buffer.concat([decipher.update(Buffer.from(body, 'base64')), decipher.final()]));
}

/**
 * What KMS refused, as Secrets Manager says it: a missing grant as such, with the grant's name (AWS says only the first
 * sentence); a key that is gone, disabled or pending deletion as the value that cannot be opened or closed.
 */
function fromKms(failure: string, verb: string): (error: unknown) => never {
  return (error) => {
    if (!isAwsError(error) || (error.statusCode ?? 400) >= 500) throw error;
    if (error.code.startsWith('AccessDenied'))
      throw new AwsError('AccessDeniedException', `Access to KMS is not allowed. ${error.message}`, { cause: error });
    throw new AwsError(
      failure,
      `Secrets Manager can't ${verb} the protected secret text using the provided KMS key. Check that the KMS key is available, enabled, and not in an invalid state. ${error.message}`,
      { cause: error },
    );
  };
}

function sealWith(call: Call, key: Uint8Array, wrapped: Uint8Array, bytes: Uint8Array): string {
  const iv = call.house.ids.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  const body = Buffer.concat([cipher.update(bytes), cipher.final()]);
  const text = (part: Uint8Array): string => Buffer.from(part).toString('base64');
  return JSON.stringify({ wrapped: text(wrapped), iv: text(iv), tag: text(cipher.getAuthTag()), body: text(body) });
}

export function contextOf(
  scope: Scope,
  secret: Pick<Secret, 'name' | 'suffix'>,
  versionId: string,
): Record<string, string> {
  return { SecretARN: secretArn(scope, secret), SecretVersionId: versionId };
}
