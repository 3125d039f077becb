/** The master secret: its three kinds, a wrong one, a lost one, one that others can read, and a change of it. */
import { chmodSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { CreateKeyCommand, DisableKeyCommand, KMSClient } from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileOptions } from '../../src/app/config.ts';
import { Concealed, type MasterSecretSetting } from '../../src/app/secrets/master-secret.ts';
import { changeMasterSecret, openRootKey } from '../../src/app/secrets/root-key.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-master-'));
const FIRST = 'the first secret, of thirty-two characters and more';
const SECOND = 'the second secret, of thirty-two characters and more';

let sluice: TestSluice;
beforeAll(async () => {
  sluice = await startSluice({ services: ['kms'] });
});
afterAll(async () => {
  await sluice?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** What a start does with the master secret, on the one database: each case begins with no root key. */
function around(name: string) {
  const stateDir = join(folder, name);
  const { store, ids } = sluice.house;
  return { store, stateDir, ids, wallNow: sluice.house.config.wallNow };
}
const forget = () => sluice.house.store.query("DELETE FROM documents WHERE kind = 'house.root-key'");
const rootKeyRows = async () =>
  JSON.stringify(await sluice.house.store.query("SELECT document FROM documents WHERE kind = 'house.root-key'"));
const environment = (secret: string): MasterSecretSetting => ({ kind: 'environment', secret: new Concealed(secret) });

describe('a file', () => {
  it('is made at the first start for its owner alone, and found at the next', async () => {
    await forget();
    const first = await openRootKey({ kind: 'file' }, around('own'));
    const path = join(folder, 'own', 'master-secret');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(await openRootKey({ kind: 'file' }, around('own'))).toEqual(first);
    expect(await rootKeyRows()).not.toContain(first.toString('base64'));

    chmodSync(path, 0o640);
    await expect(openRootKey({ kind: 'file' }, around('own'))).rejects.toThrow(/mode 0640.*chmod 600/s);
    chmodSync(path, 0o600);
  });

  it('that is lost or another stops the start, and nothing is written', async () => {
    await forget();
    const first = await openRootKey({ kind: 'file' }, around('lost'));
    const path = join(folder, 'lost', 'master-secret');
    const before = await rootKeyRows();
    renameSync(path, `${path}.away`);
    await expect(openRootKey({ kind: 'file' }, around('lost'))).rejects.toThrow(/is missing.*Nothing was changed/s);
    expect(existsSync(path)).toBe(false);
    writeFileSync(path, 'another secret of thirty-two bytes\n', { mode: 0o600 });
    await expect(openRootKey({ kind: 'file' }, around('lost'))).rejects.toThrow(
      /Wrong master secret.*Nothing was changed/s,
    );
    await expect(openRootKey(environment(FIRST), around('lost'))).rejects.toThrow(/its own is in a file/);
    expect(await rootKeyRows()).toBe(before);
    renameSync(`${path}.away`, path);
    expect(await openRootKey({ kind: 'file' }, around('lost'))).toEqual(first);
  });

  it('of somebody else must exist and be long enough', async () => {
    await forget();
    const path = join(folder, 'given');
    await expect(openRootKey({ kind: 'file', path }, around('x'))).rejects.toThrow(/Make one with/);
    writeFileSync(path, 'short\n', { mode: 0o600 });
    await expect(openRootKey({ kind: 'file', path }, around('x'))).rejects.toThrow(/5 bytes long, 32 at least/);
    writeFileSync(path, `${FIRST}\n`, { mode: 0o600 });
    const rootKey = await openRootKey({ kind: 'file', path }, around('x'));
    // The same secret without the line end, by another way.
    expect(await openRootKey(environment(FIRST), around('x'))).toEqual(rootKey);
  });
});

describe('the environment', () => {
  it('gives one secret, which no print shows', async () => {
    await forget();
    const rootKey = await openRootKey(environment(FIRST), around('y'));
    await expect(openRootKey(environment(SECOND), around('y'))).rejects.toThrow(/Wrong master secret/);
    expect(await openRootKey(environment(FIRST), around('y'))).toEqual(rootKey);
    const config = compileOptions({ port: 0 }, { SLUICE_MASTER_SECRET: FIRST });
    for (const shown of [
      JSON.stringify(config),
      inspect(config, { depth: 9, showHidden: true }),
      `${config.masterSecret}`,
    ])
      expect(shown).not.toContain('first secret');
    const both = { SLUICE_MASTER_SECRET: FIRST, SLUICE_MASTER_SECRET_FILE: '/x' };
    expect(() => compileOptions({ port: 0 }, both)).toThrow(/expected one of them, found 2/);
    expect(() => compileOptions({ port: 0 }, { SLUICE_MASTER_KMS: 'alias/x' })).toThrow(/expected the ARN/);
  });
});

describe('a KMS key', () => {
  it('of another endpoint is asked at each start, and its refusal stops it', async () => {
    await forget();
    const kms = new KMSClient(sluice.clientConfig());
    const { KeyMetadata } = await kms.send(new CreateKeyCommand({}));
    const { masterSecret: setting } = compileOptions(
      { port: 0 },
      {
        SLUICE_MASTER_KMS: KeyMetadata?.Arn,
        SLUICE_MASTER_KMS_ENDPOINT: sluice.url,
        AWS_ACCESS_KEY_ID: 'test',
        AWS_SECRET_ACCESS_KEY: 'test',
      },
    );
    expect(inspect(setting, { depth: 9 })).not.toContain("'test'");
    const rootKey = await openRootKey(setting, around('z'));
    expect(await openRootKey(setting, around('z'))).toEqual(rootKey);
    await kms.send(new DisableKeyCommand({ KeyId: KeyMetadata?.KeyId }));
    await expect(openRootKey(setting, around('z'))).rejects.toThrow(
      /kms:Decrypt there failed: .*is disabled.*Nothing was changed/s,
    );
    kms.destroy();
  });
});

describe('a change', () => {
  it('keeps everything sealed, and holds from then on', async () => {
    await forget();
    const rootKey = await openRootKey(environment(FIRST), around('c'));
    await expect(changeMasterSecret(environment(SECOND), environment(FIRST), around('c'))).rejects.toThrow(/Wrong/);
    const changed = await changeMasterSecret(environment(FIRST), environment(SECOND), around('c'));
    expect(changed.to).toBe('the environment (SLUICE_MASTER_SECRET)');
    expect(await openRootKey(environment(SECOND), around('c'))).toEqual(rootKey);
    await expect(openRootKey(environment(FIRST), around('c'))).rejects.toThrow(/Wrong/);
  });
});

describe('a server', () => {
  it('that is started with the wrong secret says so, and serves again with the right one', async () => {
    const stateDir = join(folder, 'state');
    const start = (secret: string) => startSluice({ stateDir, services: ['kms'], masterSecret: environment(secret) });
    const first = await start(FIRST);
    const sealed = first.house.secrets.seal(Buffer.from('kept'), 'test');
    await first.close();
    await expect(start(SECOND)).rejects.toThrow(/Wrong master secret.*Nothing was changed/s);
    const again = await start(FIRST);
    expect(again.house.secrets.open(sealed, 'test')?.toString()).toBe('kept');
    await again.close();
    expect(existsSync(join(stateDir, 'master-secret'))).toBe(false);
  });
});
