/** Secrets as resources: make, describe, list, change, delete with a waiting window, restore, policy, tags. */
import type {
  CreateSecretRequest,
  CreateSecretResponse,
  DeleteResourcePolicyRequest,
  DeleteSecretRequest,
  DeleteSecretResponse,
  DescribeSecretRequest,
  DescribeSecretResponse,
  GetResourcePolicyRequest,
  GetResourcePolicyResponse,
  ListSecretsRequest,
  ListSecretsResponse,
  PutResourcePolicyRequest,
  RestoreSecretRequest,
  TagResourceRequest,
  UntagResourceRequest,
  UpdateSecretRequest,
  UpdateSecretResponse,
} from '@aws-sdk/client-secrets-manager';
import { ALPHANUMERIC, AwsError, DAY_MS } from '../../common/index.ts';
import { resourcePolicyProblem } from '../../core/resource-policy/index.ts';
import { bindPolicy, shownPolicy } from '../bound-policies.ts';
import {
  decide,
  type DeletionEffect,
  type DeletionEvent,
  type DeletionState,
} from '../../core/secret-deletion/index.ts';
import { defineLoop, type LoopDefinition } from '../../engine/index.ts';
import type { Stored } from '../../store/index.ts';
import { type Call, type House, operation } from '../service.ts';
import { decodePage, encodePage } from './pages.ts';
import {
  access,
  CURRENT,
  findSecret,
  refuseDeleted,
  requireSecret,
  type Secret,
  secretArn,
  secretKey,
  secrets,
} from './records.ts';
import { addVersion, type GivenValue, newVersion, refuseOtherValue } from './values.ts';

const DELETION = 'secretsmanager.deletion';
const MOST_TAGS = 50;
const LARGEST_POLICY_BYTES = 20_480;

export const createSecret = operation<CreateSecretRequest, CreateSecretResponse>({
  authorize: async ({ Name }, call) =>
    (await access('CreateSecret', Name, call)).map((request) => ({
      ...request,
      context: { ...request.context, 'secretsmanager:Name': Name ?? '' },
    })),
  handle: async (input, call) => {
    const name = input.Name ?? '';
    if ((input.AddReplicaRegions ?? []).length > 0)
      throw new AwsError('InvalidParameterException', 'AddReplicaRegions is not implemented by Sluice.');
    if (input.Type !== undefined)
      throw new AwsError('InvalidParameterException', 'Type (managed external secrets) is not implemented by Sluice.');
    if (!/^[\w/+=.@!-]{1,512}$/.test(name))
      throw new AwsError(
        'ValidationException',
        'Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!',
      );
    const versionId = input.ClientRequestToken ?? call.house.ids.uuid();
    const existing = await findSecret(call.house.store, call, name);
    if (existing !== undefined) return createdBefore(existing, call, name, versionId, input);
    const base: Secret = {
      name,
      suffix: call.house.ids.text(6, ALPHANUMERIC),
      description: input.Description,
      keyId: input.KmsKeyId,
      createdAt: call.now,
      changedAt: call.now,
      tags: tagsOf(input.Tags),
      versions: [],
    };
    const valued = input.SecretString !== undefined || input.SecretBinary !== undefined;
    const version = valued ? await newVersion(call, call, base, input, versionId, [CURRENT]) : undefined;
    const made = await secrets.insert(call.house.store, secretKey(call, name), {
      ...base,
      versions: version === undefined ? [] : [version],
    });
    if (!made) throw exists(name);
    return { ARN: secretArn(call, base), Name: name, ...(version === undefined ? {} : { VersionId: version.id }) };
  },
});

async function createdBefore(
  stored: Stored<Secret>,
  call: Call,
  name: string,
  versionId: string,
  value: GivenValue,
): Promise<CreateSecretResponse> {
  const secret = stored.document;
  if (secret.deleteAt !== undefined) {
    throw new AwsError(
      'InvalidRequestException',
      `You can't create this secret because a secret with this name is already scheduled for deletion.`,
    );
  }
  const version = secret.versions.find(({ id }) => id === versionId);
  if (version === undefined) throw exists(name);
  await refuseOtherValue(call, stored, version, value);
  return { ARN: secretArn(call, secret), Name: name, VersionId: versionId };
}

function exists(name: string): AwsError {
  return new AwsError('ResourceExistsException', `The operation failed because the secret ${name} already exists.`);
}

export const describeSecret = operation<DescribeSecretRequest, DescribeSecretResponse>({
  authorize: ({ SecretId }, call) => access('DescribeSecret', SecretId, call),
  handle: async (input, call) => {
    const { document, key } = await requireSecret(call.house.store, call, input.SecretId ?? '');
    return {
      ...shown(document, secretArn(key, document)),
      VersionIdsToStages: Object.fromEntries(
        document.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, [...stages]]),
      ),
    };
  },
});

export const listSecrets = operation<ListSecretsRequest, ListSecretsResponse>({
  handle: async (input, call) => {
    const filters = (input.Filters ?? []).map(({ Key: key, Values: values = [] }) => compileFilter(key ?? '', values));
    const limit = input.MaxResults ?? 100;
    const after = decodePage(input.NextToken);
    const descending = input.SortOrder === 'desc';
    if (input.SortBy !== undefined && input.SortBy !== 'name')
      throw new AwsError(
        'InvalidParameterException',
        `SortBy ${input.SortBy} is not implemented by Sluice: only name is.`,
      );
    const stored = (
      await secrets.list(call.house.store, {
        account: call.account,
        region: call.region,
        descending,
        ...(after === undefined ? {} : { after }),
      })
    ).filter(
      ({ document }) =>
        (input.IncludePlannedDeletion === true || document.deleteAt === undefined) &&
        filters.every((filter) => filter(document)),
    );
    const page = stored.slice(0, limit);
    return {
      SecretList: page.map(({ document, key }) => ({
        ...shown(document, secretArn(key, document)),
        SecretVersionsToStages: Object.fromEntries(
          document.versions.filter(({ stages }) => stages.length > 0).map(({ id, stages }) => [id, [...stages]]),
        ),
      })),
      ...(stored.length > limit ? { NextToken: encodePage(page.at(-1)) } : {}),
    };
  },
});

function compileFilter(key: string, values: readonly string[]): (secret: Secret) => boolean {
  const starts = (text: string): boolean =>
    values.some((value) => (value.startsWith('!') ? !text.startsWith(value.slice(1)) : text.startsWith(value)));
  if (key === 'name') return ({ name }) => starts(name);
  if (key === 'description') return ({ description }) => starts(description ?? '');
  if (key === 'tag-key') return ({ tags }) => Object.keys(tags).some(starts);
  if (key === 'tag-value') return ({ tags }) => Object.values(tags).some(starts);
  throw new AwsError(
    'InvalidParameterException',
    `The filter ${key} is not implemented by Sluice: name, description, tag-key and tag-value are.`,
  );
}

export const updateSecret = operation<UpdateSecretRequest, UpdateSecretResponse>({
  authorize: ({ SecretId }, call) => access('UpdateSecret', SecretId, call),
  handle: async (input, call) => {
    if (input.Type !== undefined)
      throw new AwsError('InvalidParameterException', 'Type (managed external secrets) is not implemented by Sluice.');
    const change = (secret: Secret): Secret => ({
      ...secret,
      description: input.Description ?? secret.description,
      keyId: input.KmsKeyId ?? secret.keyId,
    });
    if (input.SecretString !== undefined || input.SecretBinary !== undefined) {
      const { secret, key, version } = await addVersion(
        call,
        input.SecretId ?? '',
        input,
        input.ClientRequestToken,
        [CURRENT],
        change,
      );
      return { ARN: secretArn(key, secret), Name: secret.name, VersionId: version.id };
    }
    const secret = await changeSecret(call, input.SecretId ?? '', change);
    return { ARN: secretArn(secret.key, secret.document), Name: secret.document.name };
  },
});

export const deleteSecret = operation<DeleteSecretRequest, DeleteSecretResponse>({
  authorize: ({ SecretId }, call) => access('DeleteSecret', SecretId, call),
  handle: async (input, call) => {
    if (input.ForceDeleteWithoutRecovery === true && input.RecoveryWindowInDays !== undefined) {
      throw new AwsError(
        'InvalidParameterException',
        "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
      );
    }
    const days = input.RecoveryWindowInDays ?? 30;
    if (days < 7 || days > 30)
      throw new AwsError(
        'InvalidParameterException',
        'RecoveryWindowInDays value must be between 7 and 30 days (inclusive).',
      );
    const id = input.SecretId ?? '';
    const found = await findSecret(call.house.store, call, id);
    // Forcing the deletion of a secret that is not there succeeds.
    if (found === undefined && input.ForceDeleteWithoutRecovery === true)
      return { ARN: id, Name: id, DeletionDate: new Date(call.now) };
    const { document, key } = found ?? (await requireSecret(call.house.store, call, id));
    const answer = { ARN: secretArn(key, document), Name: document.name };
    if (input.ForceDeleteWithoutRecovery === true) {
      await call.house.store.transaction(async (tx) => {
        await secrets.delete(tx, key);
        await call.house.engine.remove(tx, DELETION, key);
      });
      return { ...answer, DeletionDate: new Date(call.now) };
    }
    if (document.deleteAt !== undefined) return { ...answer, DeletionDate: new Date(document.deleteAt) };
    const deleteAt = call.now + days * DAY_MS;
    await call.house.store.transaction(async (tx) => {
      const found = await secrets.getForUpdate(tx, key);
      if (found === undefined) return;
      await secrets.update(tx, key, { ...found.document, deleteAt, deletedAt: call.now });
      await call.house.engine.create<DeletionState>(tx, DELETION, key, { phase: 'Waiting', deleteAt }, [
        { type: 'WakeAt', timer: 'window', at: deleteAt },
      ]);
    });
    return { ...answer, DeletionDate: new Date(deleteAt) };
  },
});

export const restoreSecret = operation<RestoreSecretRequest, object>({
  authorize: ({ SecretId }, call) => access('RestoreSecret', SecretId, call),
  handle: async (input, call) => {
    const { key, document } = await requireSecret(call.house.store, call, input.SecretId ?? '');
    await call.house.store.transaction(async (tx) => {
      const found = await secrets.getForUpdate(tx, key);
      if (found === undefined) return;
      const { deleteAt: _deleteAt, deletedAt: _deletedAt, ...kept } = found.document;
      await secrets.update(tx, key, kept);
      await call.house.engine.remove(tx, DELETION, key);
    });
    return { ARN: secretArn(key, document), Name: document.name };
  },
});

/** Deletes a secret when its waiting window has passed. */
export function deletionLoop(house: House): LoopDefinition<DeletionState, DeletionEvent, DeletionEffect> {
  return defineLoop<DeletionState, DeletionEvent, DeletionEffect>({
    kind: DELETION,
    decide,
    isFinal: (state) => state.phase === 'Gone',
    perform: async (_effect, { key }) => {
      await house.store.transaction(async (tx) => {
        const found = await secrets.getForUpdate(tx, key);
        if (found?.document.deleteAt !== undefined) await secrets.delete(tx, key);
        await house.engine.remove(tx, DELETION, key);
      });
    },
  });
}

export const putResourcePolicy = operation<PutResourcePolicyRequest, object>({
  authorize: ({ SecretId }, call) => access('PutResourcePolicy', SecretId, call),
  handle: async (input, call) => {
    const policy = input.ResourcePolicy ?? '';
    checkPolicy(policy);
    if (Buffer.byteLength(policy) > LARGEST_POLICY_BYTES)
      throw new AwsError(
        'InvalidParameterException',
        `The resource policy is larger than ${LARGEST_POLICY_BYTES} bytes.`,
      );
    if (input.BlockPublicPolicy === true && allowsEverybody(policy)) {
      throw new AwsError('PublicPolicyException', 'You must not grant public access to the secret.');
    }
    const { key } = await requireSecret(call.house.store, call, input.SecretId ?? '');
    const bound = await bindPolicy(
      call.house.store,
      key.account,
      policy,
      () => new AwsError('MalformedPolicyDocumentException', 'This resource policy contains an unsupported principal.'),
    );
    const secret = await changeSecret(call, input.SecretId ?? '', (before) => ({ ...before, ...bound }));
    return { ARN: secretArn(secret.key, secret.document), Name: secret.document.name };
  },
});

function checkPolicy(policy: string): void {
  const problem = resourcePolicyProblem(policy);
  if (problem !== undefined) {
    throw new AwsError('MalformedPolicyDocumentException', `This resource policy is not valid: ${problem}`);
  }
}

/** An allow for every principal that no condition narrows. */
function allowsEverybody(policy: string): boolean {
  type Statement = { Effect?: unknown; Principal?: unknown; Condition?: unknown };
  const { Statement } = JSON.parse(policy) as { Statement?: Statement | Statement[] };
  const everybody = (principal: unknown): boolean =>
    principal === '*' || (Array.isArray(principal) && principal.includes('*'));
  return [Statement ?? []]
    .flat()
    .some(
      ({ Effect, Principal, Condition }) =>
        Effect === 'Allow' &&
        Condition === undefined &&
        (everybody(Principal) || everybody((Principal as { AWS?: unknown } | undefined)?.AWS)),
    );
}

export const getResourcePolicy = operation<GetResourcePolicyRequest, GetResourcePolicyResponse>({
  authorize: ({ SecretId }, call) => access('GetResourcePolicy', SecretId, call),
  handle: async (input, call) => {
    const { document, key } = await requireSecret(call.house.store, call, input.SecretId ?? '');
    refuseDeleted(document);
    return {
      ARN: secretArn(key, document),
      Name: document.name,
      ...(document.policy === undefined
        ? {}
        : { ResourcePolicy: await shownPolicy(call.house.store, document.policy, document.policyPrincipals) }),
    };
  },
});

export const deleteResourcePolicy = operation<DeleteResourcePolicyRequest, object>({
  authorize: ({ SecretId }, call) => access('DeleteResourcePolicy', SecretId, call),
  handle: async (input, call) => {
    const secret = await changeSecret(
      call,
      input.SecretId ?? '',
      ({ policy: _policy, policyPrincipals: _nobody, ...before }) => before,
    );
    return { ARN: secretArn(secret.key, secret.document), Name: secret.document.name };
  },
});

export const tagResource = operation<TagResourceRequest, object>({
  authorize: ({ SecretId }, call) => access('TagResource', SecretId, call),
  handle: async (input, call) => {
    await changeSecret(call, input.SecretId ?? '', (secret) => {
      const tags = { ...secret.tags, ...tagsOf(input.Tags) };
      if (Object.keys(tags).length > MOST_TAGS)
        throw new AwsError('LimitExceededException', `A secret can have at most ${MOST_TAGS} tags.`);
      return { ...secret, tags };
    });
    return {};
  },
});

export const untagResource = operation<UntagResourceRequest, object>({
  authorize: ({ SecretId }, call) => access('UntagResource', SecretId, call),
  handle: async (input, call) => {
    await changeSecret(call, input.SecretId ?? '', (secret) => ({
      ...secret,
      tags: Object.fromEntries(Object.entries(secret.tags).filter(([key]) => !(input.TagKeys ?? []).includes(key))),
    }));
    return {};
  },
});

async function changeSecret(
  call: Call,
  id: string,
  change: (secret: Secret) => Secret,
): ReturnType<typeof requireSecret> {
  const { key } = await requireSecret(call.house.store, call, id);
  return call.house.store.transaction(async (tx) => {
    const found = await secrets.getForUpdate(tx, key);
    if (found === undefined)
      throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
    refuseDeleted(found.document);
    const document = { ...change(found.document), changedAt: call.now };
    await secrets.update(tx, key, document);
    return { ...found, document };
  });
}

function shown(secret: Secret, arn: string): DescribeSecretResponse {
  return {
    ARN: arn,
    Name: secret.name,
    ...(secret.description === undefined ? {} : { Description: secret.description }),
    ...(secret.keyId === undefined ? {} : { KmsKeyId: secret.keyId }),
    LastChangedDate: new Date(secret.changedAt),
    ...(secret.accessedAt === undefined ? {} : { LastAccessedDate: new Date(secret.accessedAt) }),
    ...(secret.deletedAt === undefined ? {} : { DeletedDate: new Date(secret.deletedAt) }),
    CreatedDate: new Date(secret.createdAt),
    Tags: Object.entries(secret.tags).map(([Key, Value]) => ({ Key, Value })),
  };
}

function tagsOf(
  tags: readonly Readonly<{ Key?: string | undefined; Value?: string | undefined }>[] | undefined,
): Record<string, string> {
  return Object.fromEntries((tags ?? []).map((tag) => [tag.Key ?? '', tag.Value ?? '']));
}
