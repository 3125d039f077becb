/**
 * Long-term access keys, of users and of the account's root (who is meant where the root names no user; its keys have the
 * user name ''). Source: IAM API Reference, the access key operations.
 */
import type {
  CreateAccessKeyRequest,
  CreateAccessKeyResponse,
  DeleteAccessKeyRequest,
  GetAccessKeyLastUsedRequest,
  GetAccessKeyLastUsedResponse,
  ListAccessKeysRequest,
  ListAccessKeysResponse,
  UpdateAccessKeyRequest,
} from '@aws-sdk/client-iam';
import { ALPHANUMERIC, newAccessKeyId } from '../../common/index.ts';
import { type AccessKeyRecord, accessKeys, globalKey, timeSort, type Tx, userParent, uses } from '../../store/index.ts';
import { keepSecret } from '../identity-secrets.ts';
import { type Call, operation } from '../index.ts';
import { onEntity } from './access.ts';
import { change } from './identity-cache.ts';
import { listPage } from './listing.ts';
import { entityForUpdate, entityNamed, noSuchEntity, quotaExceeded, validationError } from './records.ts';
import { callersName, ownUserName } from './users.ts';

const MOST_KEYS = 2;
const SECRET_LENGTH = 40;

export const createAccessKey = operation<CreateAccessKeyRequest, CreateAccessKeyResponse>({
  authorize: async ({ UserName }, call) => onEntity(call, 'iam:CreateAccessKey', 'user', UserName ?? callersName(call)),
  handle: async ({ UserName }, call) => {
    const accessKeyId = newAccessKeyId(call.house.ids, 'AKIA', call.account);
    const secretAccessKey = call.house.ids.text(SECRET_LENGTH, `${ALPHANUMERIC}+/`);
    const kept = keepSecret(call.house, accessKeyId, secretAccessKey);
    const key = await change(call, async (tx) => {
      const userName = await ownerForUpdate(tx, call, UserName);
      const parent = userParent(call.account, userName);
      if ((await accessKeys.count(tx, { parent })) >= MOST_KEYS) throw quotaExceeded('AccessKeysPerUser', MOST_KEYS);
      const record: AccessKeyRecord = {
        accessKeyId,
        ...kept,
        account: call.account,
        userName,
        status: 'Active',
        createdAt: call.now,
      };
      await accessKeys.insert(tx, globalKey(record.accessKeyId), record, { parent, sort: timeSort(call.now) });
      return record;
    });
    return {
      AccessKey: {
        UserName: key.userName,
        AccessKeyId: key.accessKeyId,
        Status: key.status,
        SecretAccessKey: secretAccessKey,
        CreateDate: new Date(key.createdAt),
      },
    };
  },
});

export const listAccessKeys = operation<ListAccessKeysRequest, ListAccessKeysResponse>({
  authorize: async ({ UserName }, call) => onEntity(call, 'iam:ListAccessKeys', 'user', UserName ?? callersName(call)),
  handle: async (input, call) => {
    // The key `test` of the first account's root is no record, and is not listed.
    const userName = isOwnRoot(call, input.UserName)
      ? ROOT
      : (await entityNamed(call.house.store, 'user', call.account, ownUserName(call, input.UserName))).userName;
    const parent = userParent(call.account, userName);
    const { items, end } = await listPage(call.house.store, accessKeys, { account: '', parent }, input);
    return {
      AccessKeyMetadata: items.map((key) => ({
        UserName: key.userName,
        AccessKeyId: key.accessKeyId,
        Status: key.status,
        CreateDate: new Date(key.createdAt),
      })),
      ...end,
    };
  },
});

export const updateAccessKey = operation<UpdateAccessKeyRequest, object>({
  authorize: async ({ UserName, AccessKeyId }, call) =>
    onEntity(call, 'iam:UpdateAccessKey', 'user', UserName ?? (await ownerOf(call, AccessKeyId))),
  handle: async ({ UserName, AccessKeyId = '', Status = 'Active' }, call) => {
    if (Status !== 'Active' && Status !== 'Inactive') {
      throw validationError(`The access key status ${Status} is not implemented by Sluice.`);
    }
    await change(call, async (tx) => {
      const key = await existingKey(tx, call, UserName, AccessKeyId);
      await accessKeys.update(tx, globalKey(AccessKeyId), { ...key, status: Status });
    });
    return {};
  },
});

export const deleteAccessKey = operation<DeleteAccessKeyRequest, object>({
  authorize: async ({ UserName, AccessKeyId }, call) =>
    onEntity(call, 'iam:DeleteAccessKey', 'user', UserName ?? (await ownerOf(call, AccessKeyId))),
  handle: async ({ UserName, AccessKeyId = '' }, call) => {
    await change(call, async (tx) => {
      await existingKey(tx, call, UserName, AccessKeyId);
      await accessKeys.delete(tx, globalKey(AccessKeyId));
      await uses.delete(tx, globalKey(AccessKeyId));
    });
    return {};
  },
});

export const getAccessKeyLastUsed = operation<GetAccessKeyLastUsedRequest, GetAccessKeyLastUsedResponse>({
  authorize: async ({ AccessKeyId }, call) =>
    onEntity(call, 'iam:GetAccessKeyLastUsed', 'user', await ownerOf(call, AccessKeyId)),
  handle: async ({ AccessKeyId = '' }, call) => {
    const key = (await accessKeys.get(call.house.store, globalKey(AccessKeyId)))?.document;
    if (key === undefined || key.account !== call.account) throw noSuchKey(AccessKeyId);
    const use = (await uses.get(call.house.store, globalKey(AccessKeyId)))?.document;
    return {
      UserName: key.userName,
      AccessKeyLastUsed:
        use === undefined
          ? { LastUsedDate: undefined, ServiceName: 'N/A', Region: 'N/A' }
          : { LastUsedDate: new Date(use.at), ServiceName: use.service, Region: use.region },
    };
  },
});

/** The user name of the root's keys. */
const ROOT = '';

function isOwnRoot(call: Call, userName: string | undefined): boolean {
  return userName === undefined && call.principal.type === 'Root';
}

/** The user's row is locked, so that it is not deleted under a new key. */
async function ownerForUpdate(tx: Tx, call: Call, userName: string | undefined): Promise<string> {
  if (isOwnRoot(call, userName)) return ROOT;
  return (await entityForUpdate(tx, 'user', call.account, ownUserName(call, userName))).userName;
}

async function ownerOf(call: Call, accessKeyId: string | undefined): Promise<string | undefined> {
  if (accessKeyId === undefined) return callersName(call);
  const key = (await accessKeys.get(call.house.store, globalKey(accessKeyId)))?.document;
  return key?.account === call.account ? key.userName : callersName(call);
}

async function existingKey(
  tx: Tx,
  call: Call,
  userName: string | undefined,
  accessKeyId: string,
): Promise<AccessKeyRecord> {
  const key = (await accessKeys.getForUpdate(tx, globalKey(accessKeyId)))?.document;
  const owner = userName ?? (isOwnRoot(call, userName) ? ROOT : undefined) ?? key?.userName;
  const owned = key?.account === call.account && owner?.toLowerCase() === key.userName.toLowerCase();
  if (key === undefined || !owned) throw noSuchKey(accessKeyId);
  return key;
}

function noSuchKey(accessKeyId: string) {
  return noSuchEntity(`The Access Key with id ${accessKeyId} cannot be found.`);
}
