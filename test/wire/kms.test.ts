/** KMS by the official SDK: keys, aliases, policies, grants, and what the ciphertext keeps to. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import {
  CancelKeyDeletionCommand,
  CreateAliasCommand,
  CreateGrantCommand,
  CreateKeyCommand,
  DecryptCommand,
  DeleteAliasCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  EnableKeyRotationCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  GenerateDataKeyWithoutPlaintextCommand,
  GenerateRandomCommand,
  GetKeyPolicyCommand,
  GetKeyRotationStatusCommand,
  KMSClient,
  ListAliasesCommand,
  ListGrantsCommand,
  ListKeyPoliciesCommand,
  ListKeysCommand,
  ListResourceTagsCommand,
  ListRetirableGrantsCommand,
  PutKeyPolicyCommand,
  ReEncryptCommand,
  RetireGrantCommand,
  RevokeGrantCommand,
  ScheduleKeyDeletionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  UpdateAliasCommand,
  UpdateKeyDescriptionCommand,
} from '@aws-sdk/client-kms';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import { failure, person, type Person } from '../support/people.ts';

const OTHER = '222222222222';
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

let sluice: TestSluice;
let kms: KMSClient;
const clients: KMSClient[] = [];

function client(who?: Person, region?: string): KMSClient {
  const made = new KMSClient({
    ...sluice.clientConfig({ ...(who && { credentials: who.credentials }), ...(region && { region }) }),
    maxAttempts: 1,
  });
  clients.push(made);
  return made;
}

async function newKey(input: ConstructorParameters<typeof CreateKeyCommand>[0] = {}) {
  const { KeyMetadata } = await kms.send(new CreateKeyCommand(input));
  return { id: KeyMetadata?.KeyId ?? '', arn: KeyMetadata?.Arn ?? '' };
}

beforeAll(async () => {
  sluice = await startSluice({ services: ['kms', 's3'] });
  kms = client();
});
afterAll(async () => {
  for (const each of clients) each.destroy();
  await sluice?.close();
});

describe('keys', () => {
  it('are described, listed by page, disabled and enabled', async () => {
    const key = await newKey({ Description: 'first', Tags: [{ TagKey: 'team', TagValue: 'red' }] });
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: key.arn }));
    expect(KeyMetadata).toMatchObject({
      KeyId: key.id,
      Arn: `arn:aws:kms:${sluice.region}:${sluice.account}:key/${key.id}`,
      AWSAccountId: sluice.account,
      Description: 'first',
      Enabled: true,
      KeyState: 'Enabled',
      KeyManager: 'CUSTOMER',
      KeySpec: 'SYMMETRIC_DEFAULT',
      EncryptionAlgorithms: ['SYMMETRIC_DEFAULT'],
      MultiRegion: false,
    });
    expect(KeyMetadata?.CreationDate?.getTime()).toBe(Math.floor(sluice.clock.now()));
    await newKey();
    const first = await kms.send(new ListKeysCommand({ Limit: 1 }));
    expect(first).toMatchObject({ Truncated: true, Keys: [{}] });
    const rest = await kms.send(new ListKeysCommand({ Marker: first.NextMarker }));
    const ids = [...(first.Keys ?? []), ...(rest.Keys ?? [])].map((each) => each.KeyId);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain(key.id);
    expect(await failure(kms.send(new ListKeysCommand({ Marker: 'nonsense' })))).toBe('InvalidMarkerException');

    await kms.send(new UpdateKeyDescriptionCommand({ KeyId: key.id, Description: 'second' }));
    await kms.send(new DisableKeyCommand({ KeyId: key.id }));
    await expect(kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') }))).rejects.toMatchObject({
      name: 'DisabledException',
      message: `${key.arn} is disabled.`,
    });
    const disabled = await kms.send(new DescribeKeyCommand({ KeyId: key.id }));
    expect(disabled.KeyMetadata).toMatchObject({ Enabled: false, KeyState: 'Disabled', Description: 'second' });
    await kms.send(new EnableKeyCommand({ KeyId: key.id }));
    await kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') }));
  });

  it('that there is no algorithm for are refused, and unknown ones not found', async () => {
    expect(await failure(kms.send(new CreateKeyCommand({ KeySpec: 'ML_DSA_44', KeyUsage: 'SIGN_VERIFY' })))).toBe(
      'UnsupportedOperationException',
    );
    expect(await failure(kms.send(new CreateKeyCommand({ Origin: 'EXTERNAL' })))).toBe('UnsupportedOperationException');
    const missing = '00000000-0000-4000-8000-000000000000';
    await expect(kms.send(new DescribeKeyCommand({ KeyId: missing }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: `Key 'arn:aws:kms:${sluice.region}:${sluice.account}:key/${missing}' does not exist`,
    });
    await expect(kms.send(new DescribeKeyCommand({ KeyId: 'nope' }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: "Invalid keyId 'nope'",
    });
    await expect(kms.send(new DescribeKeyCommand({ KeyId: 'alias/nope' }))).rejects.toMatchObject({
      name: 'NotFoundException',
      message: `Alias arn:aws:kms:${sluice.region}:${sluice.account}:alias/nope is not found.`,
    });
  });

  it('wait for their deletion, and can be saved from it', async () => {
    const saved = await newKey();
    const lost = await newKey();
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/lost', TargetKeyId: lost.id }));
    expect(await failure(kms.send(new ScheduleKeyDeletionCommand({ KeyId: lost.id, PendingWindowInDays: 6 })))).toBe(
      'ValidationException',
    );
    const scheduled = await kms.send(new ScheduleKeyDeletionCommand({ KeyId: lost.id, PendingWindowInDays: 7 }));
    expect(scheduled).toMatchObject({ KeyId: lost.arn, KeyState: 'PendingDeletion', PendingWindowInDays: 7 });
    await kms.send(new ScheduleKeyDeletionCommand({ KeyId: saved.id, PendingWindowInDays: 7 }));
    await expect(kms.send(new EncryptCommand({ KeyId: lost.id, Plaintext: text('x') }))).rejects.toMatchObject({
      name: 'KMSInvalidStateException',
      message: `${lost.arn} is pending deletion.`,
    });
    for (const command of [
      new EnableKeyCommand({ KeyId: lost.id }),
      new DisableKeyCommand({ KeyId: lost.id }),
      new ScheduleKeyDeletionCommand({ KeyId: lost.id }),
      new TagResourceCommand({ KeyId: lost.id, Tags: [] }),
      new CreateAliasCommand({ AliasName: 'alias/late', TargetKeyId: lost.id }),
    ]) {
      expect(await failure(kms.send(command as EnableKeyCommand))).toBe('KMSInvalidStateException');
    }
    await kms.send(new CancelKeyDeletionCommand({ KeyId: saved.id }));
    expect(await failure(kms.send(new CancelKeyDeletionCommand({ KeyId: saved.id })))).toBe('KMSInvalidStateException');
    await sluice.clock.advance('P7D');
    await sluice.settled();
    expect(await failure(kms.send(new DescribeKeyCommand({ KeyId: lost.id })))).toBe('NotFoundException');
    expect(await failure(kms.send(new DescribeKeyCommand({ KeyId: 'alias/lost' })))).toBe('NotFoundException');
    const kept = await kms.send(new DescribeKeyCommand({ KeyId: saved.id }));
    expect(kept.KeyMetadata).toMatchObject({ KeyState: 'Disabled' });
    expect(kept.KeyMetadata?.DeletionDate).toBeUndefined();
  });

  it('lie wrapped under a secret that only its owner can read', async () => {
    await newKey();
    expect(statSync(join(sluice.house.config.stateDir, 'master-secret')).mode & 0o777).toBe(0o600);
    const secret = readFileSync(join(sluice.house.config.stateDir, 'master-secret'));
    const rows = await sluice.house.store.query("SELECT document::text AS text FROM documents WHERE kind = 'kms.key'");
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(String(row['text'])).not.toContain(secret.toString('base64'));
  });
});

describe('cryptographic operations', () => {
  it('decrypt what was encrypted, with the same context in any order', async () => {
    const { id, arn } = await newKey();
    const EncryptionContext = { purpose: 'test', stage: 'one' };
    const sealed = await kms.send(new EncryptCommand({ KeyId: id, Plaintext: text('secret'), EncryptionContext }));
    expect(sealed).toMatchObject({ KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' });
    expect(Buffer.from(sealed.CiphertextBlob ?? []).includes('secret')).toBe(false);
    const opened = await kms.send(
      new DecryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        EncryptionContext: { stage: 'one', purpose: 'test' },
      }),
    );
    expect(Buffer.from(opened.Plaintext ?? []).toString()).toBe('secret');
    expect(opened.KeyId).toBe(arn);
    for (const wrong of [undefined, { purpose: 'test' }, { purpose: 'Test', stage: 'one' }] as (
      | Record<string, string>
      | undefined
    )[]) {
      const command = new DecryptCommand({ CiphertextBlob: sealed.CiphertextBlob, EncryptionContext: wrong });
      expect(await failure(kms.send(command))).toBe('InvalidCiphertextException');
    }
  });

  it('refuse a blob that was changed anywhere, or that is none', async () => {
    const { id } = await newKey();
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: id, Plaintext: text('secret') }));
    const blob = CiphertextBlob ?? new Uint8Array();
    for (const at of [0, blob.length - 36, blob.length - 1]) {
      const changed = Uint8Array.from(blob);
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(await failure(kms.send(new DecryptCommand({ CiphertextBlob: changed })))).toBe(
        'InvalidCiphertextException',
      );
    }
    expect(await failure(kms.send(new DecryptCommand({ CiphertextBlob: text('nonsense') })))).toBe(
      'InvalidCiphertextException',
    );
    const other = await newKey();
    const command = new DecryptCommand({ CiphertextBlob: blob, KeyId: other.id });
    expect(await failure(kms.send(command))).toBe('IncorrectKeyException');
  });

  it('re-encrypt, make data keys and random bytes', async () => {
    const a = await newKey();
    const b = await newKey();
    const sealed = await kms.send(
      new EncryptCommand({ KeyId: a.id, Plaintext: text('x'), EncryptionContext: { k: '1' } }),
    );
    const moved = await kms.send(
      new ReEncryptCommand({
        CiphertextBlob: sealed.CiphertextBlob,
        SourceEncryptionContext: { k: '1' },
        DestinationKeyId: b.id,
        DestinationEncryptionContext: { k: '2' },
      }),
    );
    expect(moved).toMatchObject({ SourceKeyId: a.arn, KeyId: b.arn });
    const opened = await kms.send(
      new DecryptCommand({ CiphertextBlob: moved.CiphertextBlob, EncryptionContext: { k: '2' } }),
    );
    expect(opened.KeyId).toBe(b.arn);

    const dataKey = await kms.send(new GenerateDataKeyCommand({ KeyId: a.id, KeySpec: 'AES_256' }));
    expect(dataKey.Plaintext).toHaveLength(32);
    const unwrapped = await kms.send(new DecryptCommand({ CiphertextBlob: dataKey.CiphertextBlob }));
    expect(Buffer.from(unwrapped.Plaintext ?? [])).toEqual(Buffer.from(dataKey.Plaintext ?? []));
    const bare = await kms.send(new GenerateDataKeyWithoutPlaintextCommand({ KeyId: a.id, NumberOfBytes: 64 }));
    expect(bare).not.toHaveProperty('Plaintext');
    expect(await failure(kms.send(new GenerateDataKeyCommand({ KeyId: a.id })))).toBe('ValidationException');
    expect(
      await failure(kms.send(new GenerateDataKeyCommand({ KeyId: a.id, KeySpec: 'AES_256', NumberOfBytes: 1 }))),
    ).toBe('ValidationException');
    expect((await kms.send(new GenerateRandomCommand({ NumberOfBytes: 100 }))).Plaintext).toHaveLength(100);
    await expect(
      kms.send(new EncryptCommand({ KeyId: a.id, Plaintext: text('x'), DryRun: true })),
    ).rejects.toMatchObject({
      name: 'DryRunOperationException',
      $metadata: { httpStatusCode: 412 },
    });
    const tooLong = new EncryptCommand({ KeyId: a.id, Plaintext: new Uint8Array(4097) });
    expect(await failure(kms.send(tooLong))).toBe('ValidationException');
  });

  it('rotate: old blobs still decrypt, new ones use new material', async () => {
    const { id } = await newKey();
    expect((await kms.send(new GetKeyRotationStatusCommand({ KeyId: id }))).KeyRotationEnabled).toBe(false);
    await kms.send(new EnableKeyRotationCommand({ KeyId: id, RotationPeriodInDays: 90 }));
    const status = await kms.send(new GetKeyRotationStatusCommand({ KeyId: id }));
    expect(status).toMatchObject({ KeyRotationEnabled: true, RotationPeriodInDays: 90 });
    const before = await kms.send(new GenerateDataKeyCommand({ KeyId: id, KeySpec: 'AES_128' }));
    await sluice.clock.advance('P90D');
    const after = await kms.send(new GenerateDataKeyCommand({ KeyId: id, KeySpec: 'AES_128' }));
    expect(after.KeyMaterialId).not.toBe(before.KeyMaterialId);
    for (const { CiphertextBlob, KeyMaterialId } of [before, after]) {
      expect((await kms.send(new DecryptCommand({ CiphertextBlob }))).KeyMaterialId).toBe(KeyMaterialId);
    }
  });
});

describe('aliases', () => {
  it('name keys, move and go', async () => {
    const a = await newKey();
    const b = await newKey();
    await kms.send(new CreateAliasCommand({ AliasName: 'alias/moving', TargetKeyId: a.id }));
    expect(await failure(kms.send(new CreateAliasCommand({ AliasName: 'alias/moving', TargetKeyId: b.id })))).toBe(
      'AlreadyExistsException',
    );
    const reserved = new CreateAliasCommand({ AliasName: 'alias/aws/mine', TargetKeyId: a.id });
    expect(await failure(kms.send(reserved))).toBe('NotAuthorizedException');
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: 'alias/moving', Plaintext: text('x') }));
    await kms.send(new UpdateAliasCommand({ AliasName: 'alias/moving', TargetKeyId: b.id }));
    const aliasArn = `arn:aws:kms:${sluice.region}:${sluice.account}:alias/moving`;
    expect((await kms.send(new DescribeKeyCommand({ KeyId: aliasArn }))).KeyMetadata?.KeyId).toBe(b.id);
    expect((await kms.send(new DecryptCommand({ CiphertextBlob }))).KeyId).toBe(a.arn);
    const listed = await kms.send(new ListAliasesCommand({ KeyId: b.id }));
    expect(listed.Aliases).toMatchObject([{ AliasName: 'alias/moving', AliasArn: aliasArn, TargetKeyId: b.id }]);
    await kms.send(new DeleteAliasCommand({ AliasName: 'alias/moving' }));
    expect(await failure(kms.send(new DeleteAliasCommand({ AliasName: 'alias/moving' })))).toBe('NotFoundException');
  });

  it('tags are set, listed and taken away', async () => {
    const { id } = await newKey();
    await kms.send(
      new TagResourceCommand({
        KeyId: id,
        Tags: [
          { TagKey: 'a', TagValue: '1' },
          { TagKey: 'b', TagValue: '2' },
        ],
      }),
    );
    await kms.send(new UntagResourceCommand({ KeyId: id, TagKeys: ['a'] }));
    expect((await kms.send(new ListResourceTagsCommand({ KeyId: id }))).Tags).toEqual([{ TagKey: 'b', TagValue: '2' }]);
    const reserved = new TagResourceCommand({ KeyId: id, Tags: [{ TagKey: 'aws:x', TagValue: '' }] });
    expect(await failure(kms.send(reserved))).toBe('TagException');
  });
});

describe('who may', () => {
  const all = [{ Action: 'kms:*', Resource: '*' }];
  const statement = (more: object) => ({ Effect: 'Allow', Action: 'kms:*', Resource: '*', ...more });
  const policy = (...statements: object[]): string => JSON.stringify({ Version: '2012-10-17', Statement: statements });

  it('is the key policy to say: without delegation identity policies are inert', async () => {
    const ada = await person(sluice, 'ada', all);
    const key = await newKey();
    await client(ada).send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') }));
    await kms.send(
      new PutKeyPolicyCommand({
        KeyId: key.id,
        Policy: policy(
          statement({
            Principal: { AWS: `arn:aws:iam::${sluice.account}:root` },
            Action: ['kms:PutKeyPolicy', 'kms:GetKeyPolicy', 'kms:ListKeyPolicies'],
          }),
        ),
      }),
    );
    await expect(client(ada).send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: ${ada.arn} is not authorized to perform: kms:Encrypt on resource: ${key.arn} because no resource-based policy allows the kms:Encrypt action`,
    });
    // Not even the root user.
    expect(await failure(kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') })))).toBe(
      'AccessDeniedException',
    );
    expect((await kms.send(new ListKeyPoliciesCommand({ KeyId: key.id }))).PolicyNames).toEqual(['default']);
    const locking = policy(statement({ Principal: { AWS: ada.arn }, Action: 'kms:Encrypt' }));
    await expect(kms.send(new PutKeyPolicyCommand({ KeyId: key.id, Policy: locking }))).rejects.toMatchObject({
      name: 'MalformedPolicyDocumentException',
      message: 'The new key policy will not allow you to update the key policy in the future.',
    });
    expect(await failure(kms.send(new PutKeyPolicyCommand({ KeyId: key.id, Policy: 'no' })))).toBe(
      'MalformedPolicyDocumentException',
    );
    expect((await kms.send(new GetKeyPolicyCommand({ KeyId: key.id }))).Policy).toContain('kms:PutKeyPolicy');
  });

  it('crosses accounts only where both sides say so, and only by ARN', async () => {
    const key = await newKey({
      Policy: policy(
        statement({ Principal: { AWS: `arn:aws:iam::${sluice.account}:root` } }),
        statement({ Principal: { AWS: OTHER }, Action: ['kms:Encrypt', 'kms:DescribeKey', 'kms:PutKeyPolicy'] }),
      ),
    });
    const bob = await person(sluice, 'bob', [{ Action: 'kms:*', Resource: key.arn }], OTHER);
    const eve = await person(sluice, 'eve', [], OTHER);
    await client(bob).send(new EncryptCommand({ KeyId: key.arn, Plaintext: text('x') }));
    expect(await failure(client(bob).send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') })))).not.toBe(
      'no error',
    );
    expect(await failure(client(eve).send(new EncryptCommand({ KeyId: key.arn, Plaintext: text('x') })))).toBe(
      'AccessDeniedException',
    );
    const { CiphertextBlob } = await kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') }));
    await expect(client(bob).send(new DecryptCommand({ CiphertextBlob }))).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: `User: ${bob.arn} is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    });
    // Administration stays at home whatever the policies say.
    const policyChange = new PutKeyPolicyCommand({ KeyId: key.arn, Policy: policy(statement({ Principal: '*' })) });
    expect(await failure(client(bob).send(policyChange))).toBe('AccessDeniedException');
    // Keys are regional.
    expect(await failure(client(undefined, 'eu-west-1').send(new DecryptCommand({ CiphertextBlob })))).toBe(
      'AccessDeniedException',
    );
  });

  it('is widened by grants, within their constraints, and never over a deny', async () => {
    const cleo = await person(sluice, 'cleo', []);
    const dan = await person(sluice, 'dan', [{ Effect: 'Deny', Action: 'kms:Decrypt', Resource: '*' }]);
    const key = await newKey();
    const EncryptionContext = { project: 'sluice' };
    const { CiphertextBlob } = await kms.send(
      new EncryptCommand({ KeyId: key.id, Plaintext: text('x'), EncryptionContext }),
    );
    const decrypt = (who: Person) => client(who).send(new DecryptCommand({ CiphertextBlob, EncryptionContext }));
    expect(await failure(decrypt(cleo))).toBe('AccessDeniedException');
    const grant = {
      KeyId: key.id,
      GranteePrincipal: cleo.arn,
      RetiringPrincipal: cleo.arn,
      Operations: ['Decrypt' as const],
      Constraints: { EncryptionContextSubset: EncryptionContext },
      Name: 'cleo',
    };
    const made = await kms.send(new CreateGrantCommand(grant));
    expect((await kms.send(new CreateGrantCommand(grant))).GrantId).toBe(made.GrantId);
    await decrypt(cleo);
    const other = await kms.send(new EncryptCommand({ KeyId: key.id, Plaintext: text('x') }));
    expect(await failure(client(cleo).send(new DecryptCommand({ CiphertextBlob: other.CiphertextBlob })))).toBe(
      'AccessDeniedException',
    );
    await kms.send(new CreateGrantCommand({ KeyId: key.id, GranteePrincipal: dan.arn, Operations: ['Decrypt'] }));
    expect(await failure(decrypt(dan))).toBe('AccessDeniedException');

    const listed = await kms.send(new ListGrantsCommand({ KeyId: key.id, GranteePrincipal: cleo.arn }));
    expect(listed.Grants).toMatchObject([
      { GrantId: made.GrantId, Name: 'cleo', Operations: ['Decrypt'], Constraints: grant.Constraints },
    ]);
    const retirable = await kms.send(new ListRetirableGrantsCommand({ RetiringPrincipal: cleo.arn }));
    expect(retirable.Grants).toHaveLength(1);
    expect(await failure(client(dan).send(new RetireGrantCommand({ GrantToken: made.GrantToken })))).toBe(
      'AccessDeniedException',
    );
    await client(cleo).send(new RetireGrantCommand({ GrantToken: made.GrantToken }));
    expect(await failure(decrypt(cleo))).toBe('AccessDeniedException');
    const last = (await kms.send(new ListGrantsCommand({ KeyId: key.id }))).Grants?.[0]?.GrantId;
    await kms.send(new RevokeGrantCommand({ KeyId: key.id, GrantId: last }));
    expect((await kms.send(new ListGrantsCommand({ KeyId: key.id }))).Grants).toEqual([]);
    expect(await failure(kms.send(new RevokeGrantCommand({ KeyId: key.id, GrantId: last })))).toBe('NotFoundException');
    const badToken = new EncryptCommand({ KeyId: key.id, Plaintext: text('x'), GrantTokens: ['x'] });
    expect(await failure(kms.send(badToken))).toBe('InvalidGrantTokenException');
  });

  it('of AWS managed keys is the service alone', async () => {
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/aws/s3' }));
    expect(KeyMetadata).toMatchObject({ KeyManager: 'AWS', KeyState: 'Enabled' });
    const command = new EncryptCommand({ KeyId: 'alias/aws/s3', Plaintext: text('x') });
    expect(await failure(kms.send(command))).toBe('AccessDeniedException');
    expect(await failure(kms.send(new DisableKeyCommand({ KeyId: KeyMetadata?.KeyId })))).not.toBe('no error');
  });
});
