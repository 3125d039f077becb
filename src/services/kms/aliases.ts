/** Aliases: names for keys, unique in an account and Region. */
import type {
  CreateAliasRequest,
  DeleteAliasRequest,
  ListAliasesRequest,
  ListAliasesResponse,
  UpdateAliasRequest,
} from '@aws-sdk/client-kms';
import { type AccessRequest, AwsError } from '../../common/index.ts';
import { type Call, operation } from '../service.ts';
import { accessTo, keyAccess, requestContext, requireKey } from './access.ts';
import { page, readMarker } from './pages.ts';
import { aliases, assertNotPending, findKey, type Key, notFound } from './records.ts';

export const createAlias = operation<CreateAliasRequest, void>({
  authorize: async (input, call) => [
    aliasAccess(call, input.AliasName, 'CreateAlias'),
    await keyAccess(call, input.TargetKeyId, { action: 'CreateAlias' }),
  ],
  async handle(input, call) {
    const aliasName = checkedName(input.AliasName);
    const key = await requireKey(call, input.TargetKeyId ?? '');
    assertOwn(key, call);
    assertNotPending(key);
    const where = { account: call.account, region: call.region, id: aliasName };
    const alias = { aliasName, keyId: key.keyId, createdAt: call.now, updatedAt: call.now };
    if (!(await aliases.insert(call.house.store, where, alias, { parent: key.keyId }))) {
      throw new AwsError(
        'AlreadyExistsException',
        `An alias with the name ${call.arn('kms', aliasName)} already exists`,
      );
    }
  },
});

export const updateAlias = operation<UpdateAliasRequest, void>({
  authorize: async (input, call) => [
    aliasAccess(call, input.AliasName, 'UpdateAlias'),
    ...(await currentKeyAccess(call, input.AliasName, 'UpdateAlias')),
    await keyAccess(call, input.TargetKeyId, { action: 'UpdateAlias' }),
  ],
  async handle(input, call) {
    const aliasName = checkedName(input.AliasName);
    const key = await requireKey(call, input.TargetKeyId ?? '');
    assertOwn(key, call);
    assertNotPending(key);
    const where = { account: call.account, region: call.region, id: aliasName };
    await call.house.store.transaction(async (tx) => {
      const found = await aliases.getForUpdate(tx, where);
      if (found === undefined) throw notFound({ ...where, aliasName, arn: call.arn('kms', aliasName) });
      const alias = { ...found.document, keyId: key.keyId, updatedAt: call.now };
      await aliases.update(tx, where, alias, { parent: key.keyId });
    });
  },
});

export const deleteAlias = operation<DeleteAliasRequest, void>({
  authorize: async (input, call) => [
    aliasAccess(call, input.AliasName, 'DeleteAlias'),
    ...(await currentKeyAccess(call, input.AliasName, 'DeleteAlias')),
  ],
  async handle(input, call) {
    const aliasName = checkedName(input.AliasName);
    const where = { account: call.account, region: call.region, id: aliasName };
    if (!(await aliases.delete(call.house.store, where))) {
      throw notFound({ ...where, aliasName, arn: call.arn('kms', aliasName) });
    }
  },
});

export const listAliases = operation<ListAliasesRequest, ListAliasesResponse>({
  async handle(input, call) {
    const limit = input.Limit ?? 50;
    const after = readMarker(input.Marker);
    const parent = input.KeyId === undefined ? undefined : (await requireKey(call, input.KeyId)).keyId;
    const scope = { account: call.account, region: call.region };
    const rows = await aliases.list(call.house.store, {
      ...scope,
      limit: limit + 1,
      ...(parent !== undefined && { parent }),
      ...(after && { after }),
    });
    const { items, end } = page(rows, limit);
    return {
      Aliases: items.map(({ document }) => ({
        AliasName: document.aliasName,
        AliasArn: call.arn('kms', document.aliasName),
        TargetKeyId: document.keyId,
        CreationDate: new Date(document.createdAt),
        LastUpdatedDate: new Date(document.updatedAt),
      })),
      ...end,
    };
  },
});

/** The alias half of the permission: identity policies alone, on the alias ARN. */
function aliasAccess(call: Call, aliasName: unknown, action: string): AccessRequest {
  const resource = typeof aliasName === 'string' && aliasName !== '' ? call.arn('kms', aliasName) : '*';
  return { action: `kms:${action}`, resource, context: requestContext(call) };
}

/** The key half, for the key that the alias points at now. */
async function currentKeyAccess(call: Call, aliasName: unknown, action: string): Promise<readonly AccessRequest[]> {
  if (typeof aliasName !== 'string' || aliasName === '') return [];
  const reference = { account: call.account, region: call.region, aliasName, arn: call.arn('kms', aliasName) };
  const key = await findKey(call.house.store, reference);
  return key === undefined ? [] : [await accessTo(call, reference, key, { action })];
}

function checkedName(name: string | undefined): string {
  if (name === undefined || !/^alias\/[\w/:-]+$/.test(name)) {
    throw new AwsError('ValidationException', 'Invalid identifier');
  }
  if (name.startsWith('alias/aws/')) throw new AwsError('NotAuthorizedException', 'Prefix aws/ is reserved');
  return name;
}

function assertOwn(key: Key, call: Call): void {
  if (key.account !== call.account) {
    throw new AwsError('NotFoundException', `Key '${key.arn}' does not exist`);
  }
}
