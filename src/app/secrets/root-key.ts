/**
 * The root key: 32 random bytes, made at the first start, kept in the database wrapped by the master secret. Everything
 * sealed is sealed under it, so a change of the master secret wraps 32 bytes anew and nothing else.
 *
 * A master secret that does not open it stops the start, before anything is written: a second root key beside the first
 * would make what the first sealed unreadable for good.
 */
import { join } from 'node:path';
import { collection, openSecretFile, type Store } from '../../store/index.ts';
import type { Ids } from '../../common/index.ts';
import {
  environmentMasterSecret,
  fileMasterSecret,
  kmsMasterSecret,
  type MasterSecret,
  type MasterSecretSetting,
} from './master-secret.ts';
import { MasterSecretError } from './master-secret-error.ts';

type RootKeyRecord = Readonly<{
  kind: MasterSecretSetting['kind'];
  /** Base64. */
  wrapped: string;
}>;

const rootKeys = collection<RootKeyRecord>('house.root-key');
const KEY = { account: '', region: '', id: 'root-key' };
const BYTES = 32;
const FILE = 'master-secret';

export type Surroundings = Readonly<{ store: Store; stateDir: string; ids: Ids; wallNow: () => number }>;

/** Throws `MasterSecretError` or `SecretFileError`; nothing was changed then. */
export async function openRootKey(setting: MasterSecretSetting, around: Surroundings): Promise<Buffer> {
  const found = (await rootKeys.get(around.store, KEY))?.document;
  if (found !== undefined) return unwrapped(await openMaster(setting, around, false), found);
  const master = await openMaster(setting, around, true);
  const rootKey = Buffer.from(around.ids.bytes(BYTES));
  const record = { kind: master.kind, wrapped: (await master.wrap(rootKey)).toString('base64') };
  if (await rootKeys.insert(around.store, KEY, record)) return rootKey;
  // Another process on the same database was first.
  const theirs = (await rootKeys.get(around.store, KEY))?.document;
  if (theirs === undefined) throw new Error('the root key vanished while it was made');
  return unwrapped(master, theirs);
}

/** Wraps the root key under another master secret. The old one must open it, and holds until this returns. */
export async function changeMasterSecret(
  from: MasterSecretSetting,
  to: MasterSecretSetting,
  around: Surroundings,
): Promise<Readonly<{ from: string; to: string }>> {
  const found = await rootKeys.get(around.store, KEY);
  if (found === undefined)
    throw new MasterSecretError('There is nothing sealed here yet: start Sluice with the new one.');
  const oldMaster = await openMaster(from, around, false);
  const rootKey = await unwrapped(oldMaster, found.document);
  const newMaster = await openMaster(to, around, true);
  const wrapped = await newMaster.wrap(rootKey);
  const back = await newMaster.unwrap(wrapped);
  if (back === undefined || !back.equals(rootKey)) {
    throw new MasterSecretError(
      `The new master secret (${newMaster.name}) does not open what it wrapped. Nothing was changed.`,
    );
  }
  const record = { kind: newMaster.kind, wrapped: wrapped.toString('base64') };
  if (!(await rootKeys.update(around.store, KEY, record, { expectedVersion: found.version }))) {
    throw new MasterSecretError(
      'Another process changed the master secret meanwhile. Nothing was changed by this one.',
    );
  }
  return { from: oldMaster.name, to: newMaster.name };
}

async function openMaster(setting: MasterSecretSetting, around: Surroundings, make: boolean): Promise<MasterSecret> {
  switch (setting.kind) {
    case 'environment':
      return environmentMasterSecret(setting.secret);
    case 'kms':
      return kmsMasterSecret(setting, around.wallNow);
    case 'file': {
      const path = setting.path ?? join(around.stateDir, FILE);
      if (make && setting.path === undefined) {
        await openSecretFile(path, { random: (bytes) => around.ids.bytes(bytes), name: () => around.ids.uuid() });
      }
      return fileMasterSecret(path).catch((error: unknown) => {
        if (!(error instanceof MasterSecretError)) throw error;
        throw new MasterSecretError(`${error.message} ${make ? MAKE_ONE(path) : BRING_IT_BACK}`);
      });
    }
    default: {
      const never: never = setting;
      return never;
    }
  }
}

const MAKE_ONE = (path: string): string => `Make one with: (umask 077 && openssl rand -base64 32 > ${path})`;
const BRING_IT_BACK =
  'What this state holds sealed was sealed under it and opens with nothing else: bring it back from where it went, or set SLUICE_MASTER_SECRET, SLUICE_MASTER_SECRET_FILE or SLUICE_MASTER_KMS to where it is. Nothing was changed.';

async function unwrapped(master: MasterSecret, { kind, wrapped }: RootKeyRecord): Promise<Buffer> {
  const rootKey = await master.unwrap(Buffer.from(wrapped, 'base64'));
  if (rootKey?.length === BYTES) return rootKey;
  throw new MasterSecretError(
    `Wrong master secret: this state was sealed under another one than ${master.name} holds${
      kind === master.kind ? '' : ` (its own is ${KIND_WORDS[kind]})`
    }. Start with the right one; to change it on purpose, see "sluice master-secret". Nothing was changed.`,
  );
}

const KIND_WORDS: Readonly<Record<MasterSecretSetting['kind'], string>> = {
  file: 'in a file',
  environment: 'in SLUICE_MASTER_SECRET',
  kms: 'a KMS key',
};
