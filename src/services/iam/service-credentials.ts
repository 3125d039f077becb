/**
 * User name and password for a service that is not spoken to in signed requests: git over HTTPS with CodeCommit.
 * The password is shown once, when it is made, and kept as a hash.
 * Source: IAM API Reference, the service-specific credential operations.
 */
import { createHash } from 'node:crypto';
import type {
  CreateServiceSpecificCredentialRequest,
  CreateServiceSpecificCredentialResponse,
  DeleteServiceSpecificCredentialRequest,
  ListServiceSpecificCredentialsRequest,
  ListServiceSpecificCredentialsResponse,
  ResetServiceSpecificCredentialRequest,
  ResetServiceSpecificCredentialResponse,
  ServiceSpecificCredential,
  UpdateServiceSpecificCredentialRequest,
} from '@aws-sdk/client-iam';
import { ALPHANUMERIC, AwsError, HEX, newAccessKeyId } from '../../common/index.ts';
import {
  globalKey,
  type ServiceCredentialRecord,
  serviceCredentials,
  timeSort,
  type Tx,
  userParent,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';
import { onEntity } from './access.ts';
import { change } from './identity-cache.ts';
import { entityForUpdate, entityNamed, noSuchEntity, quotaExceeded, validationError } from './records.ts';
import { callersName, ownUserName } from './users.ts';

const SERVICES: ReadonlySet<string> = new Set(['codecommit.amazonaws.com', 'cassandra.amazonaws.com']);
const MOST_PER_SERVICE = 2;

const onUser =
  (action: string) =>
  async ({ UserName }: { UserName?: string | undefined }, call: Call) =>
    onEntity(call, `iam:${action}`, 'user', UserName ?? callersName(call));

/** On a credential of a user: for which service it is, is known too. */
const onCredential =
  (action: string) =>
  async (
    input: { UserName?: string | undefined; ServiceSpecificCredentialId?: string | undefined },
    call: Call,
  ): ReturnType<typeof onEntity> => {
    const parent = userParent(call.account, input.UserName ?? callersName(call) ?? '');
    const service = (await serviceCredentials.list(call.house.store, { parent })).find(
      ({ document }) => document.credentialId === input.ServiceSpecificCredentialId,
    )?.document.service;
    return onEntity(
      call,
      `iam:${action}`,
      'user',
      input.UserName ?? callersName(call),
      service === undefined ? {} : { 'iam:ServiceSpecificCredentialServiceName': service },
    );
  };

export const createServiceSpecificCredential = operation<
  CreateServiceSpecificCredentialRequest,
  CreateServiceSpecificCredentialResponse
>({
  authorize: onUser('CreateServiceSpecificCredential'),
  handle: async ({ UserName, ServiceName = '', CredentialAgeDays }, call) => {
    if (!SERVICES.has(ServiceName)) {
      throw new AwsError(
        'ServiceNotSupportedException',
        `No such service ${ServiceName} is supported for this operation`,
      );
    }
    if (CredentialAgeDays !== undefined) throw validationError('CredentialAgeDays is not implemented by Sluice.');
    const { record, password } = await change(call, async (tx) => {
      const user = await entityForUpdate(tx, 'user', call.account, ownUserName(call, UserName));
      const parent = userParent(call.account, user.userName);
      const others = (await serviceCredentials.list(tx, { parent })).filter(
        ({ document }) => document.service === ServiceName,
      );
      if (others.length >= MOST_PER_SERVICE) {
        throw quotaExceeded('ServiceSpecificCredentialsPerUser', MOST_PER_SERVICE);
      }
      const secret = newPassword(call);
      const made: ServiceCredentialRecord = {
        credentialId: newAccessKeyId(call.house.ids, 'ACCA', call.account),
        account: call.account,
        userName: user.userName,
        service: ServiceName,
        serviceUserName: freeName(user.userName, call.account, new Set(others.map((o) => o.document.serviceUserName))),
        ...secret.kept,
        status: 'Active',
        createdAt: call.now,
      };
      const key = globalKey(`${ServiceName}/${made.serviceUserName}`);
      if (!(await serviceCredentials.insert(tx, key, made, { parent, sort: timeSort(call.now) }))) {
        throw new AwsError('EntityAlreadyExistsException', `The user name ${made.serviceUserName} is taken.`);
      }
      return { record: made, password: secret.password };
    });
    return { ServiceSpecificCredential: withPassword(record, password) };
  },
});

export const listServiceSpecificCredentials = operation<
  ListServiceSpecificCredentialsRequest,
  ListServiceSpecificCredentialsResponse
>({
  authorize: onUser('ListServiceSpecificCredentials'),
  handle: async ({ UserName, ServiceName, AllUsers }, call) => {
    if (AllUsers === true) throw validationError('AllUsers is not implemented by Sluice.');
    const { store } = call.house;
    const user = await entityNamed(store, 'user', call.account, ownUserName(call, UserName));
    const found = await serviceCredentials.list(store, { parent: userParent(call.account, user.userName) });
    return {
      ServiceSpecificCredentials: found
        .filter(({ document }) => ServiceName === undefined || document.service === ServiceName)
        .map(({ document }) => metadata(document)),
    };
  },
});

export const updateServiceSpecificCredential = operation<UpdateServiceSpecificCredentialRequest, object>({
  authorize: onCredential('UpdateServiceSpecificCredential'),
  handle: async ({ UserName, ServiceSpecificCredentialId = '', Status = 'Active' }, call) => {
    if (Status !== 'Active' && Status !== 'Inactive') {
      throw validationError(`The credential status ${Status} is not implemented by Sluice.`);
    }
    await change(call, async (tx) => {
      const { key, document } = await existing(tx, call, UserName, ServiceSpecificCredentialId);
      await serviceCredentials.update(tx, key, { ...document, status: Status });
    });
    return {};
  },
});

export const resetServiceSpecificCredential = operation<
  ResetServiceSpecificCredentialRequest,
  ResetServiceSpecificCredentialResponse
>({
  authorize: onCredential('ResetServiceSpecificCredential'),
  handle: async ({ UserName, ServiceSpecificCredentialId = '' }, call) =>
    change(call, async (tx) => {
      const { key, document } = await existing(tx, call, UserName, ServiceSpecificCredentialId);
      const { password, kept } = newPassword(call);
      const record = { ...document, ...kept };
      await serviceCredentials.update(tx, key, record);
      return { ServiceSpecificCredential: withPassword(record, password) };
    }),
});

export const deleteServiceSpecificCredential = operation<DeleteServiceSpecificCredentialRequest, object>({
  authorize: onCredential('DeleteServiceSpecificCredential'),
  handle: async ({ UserName, ServiceSpecificCredentialId = '' }, call) => {
    await change(call, async (tx) => {
      const { key } = await existing(tx, call, UserName, ServiceSpecificCredentialId);
      await serviceCredentials.delete(tx, key);
    });
    return {};
  },
});

async function existing(tx: Tx, call: Call, userName: string | undefined, credentialId: string) {
  const parent = userParent(call.account, ownUserName(call, userName));
  const found = (await serviceCredentials.list(tx, { parent })).find(
    ({ document }) => document.credentialId === credentialId,
  );
  if (found === undefined) throw noSuchEntity(`No such credential ${credentialId} exists`);
  return found;
}

/** `alice-at-111122223333`, and `alice+1-at-111122223333` for the second. */
function freeName(userName: string, account: string, taken: ReadonlySet<string>): string {
  const first = `${userName}-at-${account}`;
  return taken.has(first) ? `${userName}+1-at-${account}` : first;
}

function newPassword(call: Call): { password: string; kept: Pick<ServiceCredentialRecord, 'salt' | 'passwordHash'> } {
  const password = `${call.house.ids.text(43, ALPHANUMERIC)}=`;
  const salt = call.house.ids.text(32, HEX);
  return { password, kept: { salt, passwordHash: createHash('sha256').update(salt).update(password).digest('hex') } };
}

function metadata(record: ServiceCredentialRecord) {
  return {
    UserName: record.userName,
    Status: record.status,
    ServiceUserName: record.serviceUserName,
    CreateDate: new Date(record.createdAt),
    ServiceSpecificCredentialId: record.credentialId,
    ServiceName: record.service,
  };
}

function withPassword(record: ServiceCredentialRecord, password: string): ServiceSpecificCredential {
  return { ...metadata(record), ServicePassword: password };
}
