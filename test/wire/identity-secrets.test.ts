/** Secret keys at rest: in no row in clear, opened by the house that sealed them, also those that an older one left in clear. */
import { CreateAccessKeyCommand, DeleteAccessKeyCommand, IAMClient, ListAccessKeysCommand } from '@aws-sdk/client-iam';
import { GetCallerIdentityCommand, GetSessionTokenCommand, STSClient } from '@aws-sdk/client-sts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type ClientConfig, startSluice, type TestSluice } from '../../src/app/testing.ts';
import { sealSecrets } from '../../src/services/iam/seal-secrets.ts';
import { collection, globalKey } from '../../src/store/index.ts';
import { failure, type Person, person } from '../support/people.ts';

type Keys = ClientConfig['credentials'];

let sluice: TestSluice;
let ann: Person;
const clients: { destroy(): void }[] = [];

beforeAll(async () => {
  sluice = await startSluice({ services: ['iam', 'sts'] });
  ann = await person(sluice, 'ann', []);
});
afterAll(async () => {
  for (const client of clients) client.destroy();
  await sluice?.close();
});

function client<T extends { destroy(): void }>(
  Client: new (config: ClientConfig & { maxAttempts: number }) => T,
  credentials?: Keys,
): T {
  const made = new Client({ ...sluice.clientConfig(credentials === undefined ? {} : { credentials }), maxAttempts: 1 });
  clients.push(made);
  return made;
}

const who = async (keys: Keys): Promise<string | undefined> =>
  (await client(STSClient, keys).send(new GetCallerIdentityCommand({}))).Arn;

const rows = async (): Promise<string> =>
  (await sluice.house.store.query<{ text: string }>('SELECT document::text AS text FROM documents'))
    .map(({ text }) => text)
    .join('\n');

it('keeps the secrets of keys and sessions sealed', async () => {
  const { Credentials } = await client(STSClient, ann.credentials).send(new GetSessionTokenCommand({}));
  const all = await rows();
  expect(all).toContain(ann.credentials.accessKeyId);
  for (const secret of [ann.credentials.secretAccessKey, Credentials?.SecretAccessKey, Credentials?.SessionToken]) {
    expect(all).not.toContain(secret);
  }
});

it('seals what an older Sluice left in clear, once, and lets it be used', async () => {
  const keys = collection<Record<string, unknown>>('iam.access-key');
  const key = globalKey(ann.credentials.accessKeyId);
  const stored = await keys.get(sluice.house.store, key);
  const { sealedSecret: _, ...record } = stored?.document ?? {};
  const { secretAccessKey } = ann.credentials;
  await keys.update(sluice.house.store, key, { ...record, secretAccessKey });
  expect(await who(ann.credentials)).toBe(ann.arn);
  await collection('iam.upkeep').delete(sluice.house.store, globalKey('secrets-sealed'));
  await sealSecrets(sluice.house);
  expect(await rows()).not.toContain(secretAccessKey);
  await person(sluice, 'forget-what-is-remembered', []);
  expect(await who(ann.credentials)).toBe(ann.arn);
});

it('refuses a secret that was moved to another key', async () => {
  const other = await person(sluice, 'eve', []);
  const keys = collection<Record<string, unknown>>('iam.access-key');
  const of = async (person: Person) => keys.get(sluice.house.store, globalKey(person.credentials.accessKeyId));
  const [annsKey, evesKey] = [await of(ann), await of(other)];
  await keys.update(sluice.house.store, globalKey(ann.credentials.accessKeyId), {
    ...annsKey?.document,
    sealedSecret: evesKey?.document['sealedSecret'],
  });
  await person(sluice, 'forget-again', []);
  const forged = { ...ann.credentials, secretAccessKey: other.credentials.secretAccessKey };
  expect(await failure(who(forged))).not.toBe('no error');
  await keys.update(sluice.house.store, globalKey(ann.credentials.accessKeyId), annsKey?.document ?? {});
});

it('gives the root of an account keys of its own', async () => {
  const iam = client(IAMClient);
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({}));
  const keys = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
  expect(await who(keys)).toBe(`arn:aws:iam::${sluice.account}:root`);
  const own = client(IAMClient, keys);
  const { AccessKeyMetadata } = await own.send(new ListAccessKeysCommand({}));
  expect(AccessKeyMetadata?.map(({ AccessKeyId }) => AccessKeyId)).toEqual([keys.accessKeyId]);
  // A user's key is not the root's, and the other way round.
  const foreign = new DeleteAccessKeyCommand({ AccessKeyId: ann.credentials.accessKeyId });
  expect(await failure(own.send(foreign))).toBe('NoSuchEntityException');
  await own.send(new DeleteAccessKeyCommand({ AccessKeyId: keys.accessKeyId }));
  expect(await failure(who(keys))).toBe('InvalidClientTokenId');
});
