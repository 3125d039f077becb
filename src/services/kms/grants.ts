/**
 * Grants. They work at once here, with or without their token; a token given must be one that KMS could have made.
 * How a grant allows is in `access.ts` and `core/kms-grant`.
 */
import type {
  CreateGrantRequest,
  CreateGrantResponse,
  GrantListEntry,
  ListGrantsRequest,
  ListGrantsResponse,
  ListRetirableGrantsRequest,
  RetireGrantRequest,
  RevokeGrantRequest,
} from '@aws-sdk/client-kms';
import { type AccessRequest, AwsError, formatArn, HEX, type RequestContext } from '../../common/index.ts';
import { granteeMatches, type GrantConstraints, type HandedOn } from '../../core/kms-grant/index.ts';
import { timeSort, type Stored } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { accessTo, accountOf, keyAccess, requireKey } from './access.ts';
import { grantableOn, isSymmetric, specOf, usageOf } from './key-specs.ts';
import { page, readMarker } from './pages.ts';
import { assertEnabled, findKey, type GrantRecord, grants, type Key, keys, parseKeyReference } from './records.ts';

export const createGrant = operation<CreateGrantRequest, CreateGrantResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'CreateGrant',
      crossAccount: true,
      handsOn: handedOn(input),
      context: {
        ...(Array.isArray(input.Operations) && { 'kms:GrantOperations': input.Operations }),
        ...(input.GranteePrincipal !== undefined && { 'kms:GranteePrincipal': input.GranteePrincipal }),
        ...(input.RetiringPrincipal !== undefined && { 'kms:RetiringPrincipal': input.RetiringPrincipal }),
        ...serviceContext('kms:GranteeServicePrincipal', input.GranteePrincipal),
        ...serviceContext('kms:RetiringServicePrincipal', input.RetiringPrincipal),
        ...(constraintType(input) !== undefined && { 'kms:GrantConstraintType': constraintType(input) ?? '' }),
        'kms:GrantIsForAWSResource': String(call.viaService !== undefined),
      },
    }),
  ],
  async handle(input, call) {
    checkGrantTokens(input.GrantTokens);
    const operations = [...new Set<string>(input.Operations)].sort();
    if (constraintType(input) === 'Both') {
      throw new AwsError(
        'ValidationException',
        'Only one of EncryptionContextSubset and EncryptionContextEquals can be specified in a grant.',
      );
    }
    const granteePrincipal = checkedPrincipal(input.GranteePrincipal, 'grantee');
    const retiringPrincipal =
      input.RetiringPrincipal === undefined ? undefined : checkedPrincipal(input.RetiringPrincipal, 'retiring');
    const key = await requireKey(call, input.KeyId ?? '');
    assertEnabled(key);
    const grantable = grantableOn(key);
    const unsupported = operations.find((name) => !grantable.has(name));
    if (unsupported !== undefined || operations.length === 0) {
      throw new AwsError(
        'ValidationException',
        `Grant operation ${unsupported ?? '(none)'} is not supported for a key of spec ${specOf(key)} and usage ${usageOf(key)}`,
      );
    }
    const constraints = constraintsOf(input);
    if (constraints !== undefined && !isSymmetric(key)) {
      throw new AwsError(
        'ValidationException',
        'Grant constraints are supported for symmetric encryption keys alone: other keys have no encryption context.',
      );
    }
    refuseDryRun(input.DryRun);
    const wanted: Omit<GrantRecord, 'grantId' | 'createdAt'> = {
      keyId: key.keyId,
      ...(input.Name !== undefined && { name: input.Name }),
      granteePrincipal,
      ...(retiringPrincipal !== undefined && { retiringPrincipal }),
      operations,
      ...(constraints && { constraints }),
      issuingAccount: formatArn('iam', '', accountOf(call.principal) ?? call.account, 'root'),
    };
    const scope = { account: key.account, region: key.region };
    const grantId = await call.house.store.transaction(async (tx) => {
      // Locking the key makes the search for a namesake and the insert one.
      await keys.getForUpdate(tx, { ...scope, id: key.keyId });
      const namesake =
        input.Name === undefined
          ? undefined
          : (await grants.list(tx, { ...scope, parent: key.keyId })).find(({ document }) => isSame(document, wanted));
      if (namesake !== undefined) return namesake.document.grantId;
      const id = call.house.ids.text(64, HEX);
      const grant: GrantRecord = { ...wanted, grantId: id, createdAt: call.now };
      await grants.insert(tx, { ...scope, id }, grant, { parent: key.keyId, sort: timeSort(call.now) });
      return id;
    });
    return { GrantId: grantId, GrantToken: tokenOf(key, grantId) };
  },
});

export const listGrants = operation<ListGrantsRequest, ListGrantsResponse>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'ListGrants',
      crossAccount: true,
      context: { 'kms:GrantIsForAWSResource': String(call.viaService !== undefined) },
    }),
  ],
  async handle(input, call) {
    const limit = input.Limit ?? 50;
    const after = readMarker(input.Marker);
    const key = await requireKey(call, input.KeyId ?? '');
    const scope = { account: key.account, region: key.region };
    const rows = await grants.list(call.house.store, { ...scope, parent: key.keyId, ...(after && { after }) });
    const wanted = rows.filter(
      ({ document }) =>
        (input.GrantId === undefined || document.grantId === input.GrantId) &&
        (input.GranteePrincipal === undefined || document.granteePrincipal === input.GranteePrincipal),
    );
    const { items, end } = page(wanted, limit);
    return { Grants: items.map((item) => entry(item)), ...end };
  },
});

export const listRetirableGrants = operation<ListRetirableGrantsRequest, ListGrantsResponse>({
  async handle(input, call) {
    const limit = input.Limit ?? 50;
    const after = readMarker(input.Marker);
    checkedPrincipal(input.RetiringPrincipal, 'retiring');
    const scope = { account: call.account, region: call.region };
    const rows = await grants.list(call.house.store, { ...scope, ...(after && { after }) });
    const { items, end } = page(
      rows.filter(({ document }) => document.retiringPrincipal === input.RetiringPrincipal),
      limit,
    );
    return { Grants: items.map((item) => entry(item)), ...end };
  },
});

export const revokeGrant = operation<RevokeGrantRequest, void>({
  authorize: async (input, call) => [
    await keyAccess(call, input.KeyId, {
      action: 'RevokeGrant',
      crossAccount: true,
      context: { 'kms:GrantIsForAWSResource': String(call.viaService !== undefined) },
    }),
  ],
  async handle(input, call) {
    const key = await requireKey(call, input.KeyId ?? '');
    const id = input.GrantId ?? '';
    const where = { account: key.account, region: key.region, id };
    if ((await grants.get(call.house.store, where))?.document.keyId !== key.keyId) throw grantNotFound(id, key.arn);
    refuseDryRun(input.DryRun);
    await grants.delete(call.house.store, where);
  },
});

/**
 * By token, or by key ARN and grant id. The retiring principal may, and the grantee if the grant says `RetireGrant`;
 * others need `kms:RetireGrant` on the key.
 */
export const retireGrant = operation<RetireGrantRequest, void>({
  async authorize(input, call) {
    const named = nameGrant(input, call);
    if (named === undefined) return [{ action: 'kms:RetireGrant', resource: '*' }];
    const reference = parseKeyReference(named.keyArn, call);
    const key = await findKey(call.house.store, reference);
    const request: AccessRequest = await accessTo(call, reference, key, { action: 'RetireGrant', crossAccount: true });
    const grant =
      key && (await grants.get(call.house.store, { account: key.account, region: key.region, id: named.grantId }));
    if (grant === undefined || grant.document.keyId !== key?.keyId) return [{ ...request, grantedBy: undefined }];
    const constraint = constraintType({ Constraints: constraintsShown(grant.document.constraints) });
    const context = { ...request.context, ...(constraint !== undefined && { 'kms:GrantConstraintType': constraint }) };
    const grantedBy = mayRetire(grant.document, call) ? `grant ${named.grantId}` : undefined;
    return [{ ...request, context, grantedBy }];
  },
  async handle(input, call) {
    const named = nameGrant(input, call);
    if (named === undefined) {
      throw new AwsError('ValidationException', 'Specify either GrantToken, or both KeyId and GrantId.');
    }
    const key = await requireKey(call, named.keyArn);
    const where = { account: key.account, region: key.region, id: named.grantId };
    if ((await grants.get(call.house.store, where))?.document.keyId !== key.keyId) {
      throw grantNotFound(named.grantId, key.arn);
    }
    refuseDryRun(input.DryRun);
    await grants.delete(call.house.store, where);
  },
});

function mayRetire(grant: GrantRecord, call: Call): boolean {
  if (grant.retiringPrincipal !== undefined && granteeMatches(grant.retiringPrincipal, call.principal)) return true;
  return grant.operations.includes('RetireGrant') && granteeMatches(grant.granteePrincipal, call.principal);
}

function nameGrant(input: RetireGrantRequest, call: Call): { keyArn: string; grantId: string } | undefined {
  if (typeof input.GrantToken === 'string') return readToken(input.GrantToken);
  if (typeof input.KeyId !== 'string' || typeof input.GrantId !== 'string') return undefined;
  return { keyArn: parseKeyReference(input.KeyId, call).arn, grantId: input.GrantId };
}

function grantNotFound(grantId: string, keyArn: string): AwsError {
  return new AwsError('NotFoundException', `Grant ID ${grantId} not found for key ${keyArn}`);
}

/** A grant token is no secret: it names a grant, and whoever uses it must be its grantee all the same. */
function tokenOf(key: Key, grantId: string): string {
  return Buffer.from(JSON.stringify({ keyArn: key.arn, grantId })).toString('base64url');
}

function readToken(token: string): { keyArn: string; grantId: string } {
  try {
    const value = JSON.parse(Buffer.from(token, 'base64url').toString('utf8')) as Record<string, unknown>;
    const { keyArn, grantId } = value;
    if (typeof keyArn === 'string' && keyArn.startsWith('arn:aws:kms:') && typeof grantId === 'string') {
      return { keyArn, grantId };
    }
  } catch {
    // Falls through: not a token of ours.
  }
  throw new AwsError('InvalidGrantTokenException', 'Invalid grant token');
}

export function checkGrantTokens(tokens: readonly string[] | undefined): void {
  for (const token of tokens ?? []) readToken(token);
}

/** Called where everything but the act itself has been done. */
export function refuseDryRun(dryRun: boolean | undefined): void {
  if (dryRun === true) {
    throw new AwsError(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set to true.',
      { statusCode: 412 },
    );
  }
}

function checkedPrincipal(principal: string | undefined, role: string): string {
  const text = principal ?? '';
  const valid =
    /^arn:aws[\w-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)\/[\w+=,.@/-]+)$/.test(text) ||
    /^[\w.-]+\.amazonaws\.com$/.test(text);
  if (!valid) throw new AwsError('InvalidArnException', `ARN does not refer to a valid ${role} principal: ${text}`);
  return text;
}

function serviceContext(key: string, principal: unknown): RequestContext {
  return typeof principal === 'string' && principal.endsWith('.amazonaws.com') ? { [key]: principal } : {};
}

function handedOn(input: CreateGrantRequest): HandedOn {
  const operations: readonly string[] = Array.isArray(input.Operations) ? input.Operations : [];
  return { operations, constraints: constraintsOf(input) };
}

function constraintType(input: Pick<CreateGrantRequest, 'Constraints'>): string | undefined {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = input.Constraints ?? {};
  if (equals !== undefined && subset !== undefined) return 'Both';
  if (equals !== undefined) return 'EncryptionContextEquals';
  return subset === undefined ? undefined : 'EncryptionContextSubset';
}

function constraintsOf(input: Pick<CreateGrantRequest, 'Constraints'>): GrantConstraints | undefined {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = input.Constraints ?? {};
  if (equals === undefined && subset === undefined) return undefined;
  return {
    ...(equals && { encryptionContextEquals: equals }),
    ...(subset && { encryptionContextSubset: subset }),
  };
}

function isSame(grant: GrantRecord, wanted: Omit<GrantRecord, 'grantId' | 'createdAt'>): boolean {
  return (
    grant.name === wanted.name &&
    grant.granteePrincipal === wanted.granteePrincipal &&
    grant.retiringPrincipal === wanted.retiringPrincipal &&
    grant.operations.join() === wanted.operations.join() &&
    sortedJson(grant.constraints) === sortedJson(wanted.constraints)
  );
}

/** JSON with sorted keys: what comes back from the database has them in another order. */
function sortedJson(value: unknown): string {
  return JSON.stringify(value ?? null, (_key, part: unknown) =>
    typeof part === 'object' && part !== null
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function entry({ document: grant, key }: Stored<GrantRecord>): GrantListEntry {
  return {
    KeyId: formatArn('kms', key.region, key.account, `key/${grant.keyId}`),
    GrantId: grant.grantId,
    ...(grant.name !== undefined && { Name: grant.name }),
    CreationDate: new Date(grant.createdAt),
    GranteePrincipal: grant.granteePrincipal,
    ...(grant.retiringPrincipal !== undefined && { RetiringPrincipal: grant.retiringPrincipal }),
    IssuingAccount: grant.issuingAccount,
    Operations: [...grant.operations] as GrantListEntry['Operations'],
    ...(grant.constraints && { Constraints: constraintsShown(grant.constraints) }),
  };
}

function constraintsShown(constraints: GrantConstraints | undefined): GrantListEntry['Constraints'] {
  const { encryptionContextEquals: equals, encryptionContextSubset: subset } = constraints ?? {};
  return {
    ...(equals && { EncryptionContextEquals: { ...equals } }),
    ...(subset && { EncryptionContextSubset: { ...subset } }),
  };
}
