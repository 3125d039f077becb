/**
 * Ciphertexts, grant tokens, signatures and presigned URLs, broken at random (by a seed, which a failure prints): nothing gets
 * through that was not made for it, and nothing makes a call fail but by an error of the service's own.
 */
import { generateKeyPairSync, type KeyPairKeyObjectResult } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isAwsError, seededIds } from '../../src/common/index.ts';
import { presignUrl } from '../../src/protocol/index.ts';
import { startSluice, type TestSluice } from '../../src/app/testing.ts';
import type { Client } from '../../src/services/index.ts';
import { person } from '../support/people.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? 20261124);
const random = seededIds(SEED);
const below = (limit: number): number => Math.floor(random.random() * limit);
const pick = <T>(list: readonly T[]): T => list[below(list.length)] as T;

let sluice: TestSluice;
let kms: Client;

beforeAll(async () => {
  sluice = await startSluice({ services: ['kms', 's3'], clock: 'real' });
  const { account, region } = sluice;
  kms = sluice.house.door.as({ type: 'Root', account, arn: `arn:aws:iam::${account}:root` }, { account, region });
});
afterAll(() => sluice?.close());

/** The error's code, or undefined where the call succeeded. Anything but an error of AWS's is a defect. */
async function outcome(call: Promise<unknown>, what: string): Promise<string | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    if (!isAwsError(error)) throw new Error(`seed ${SEED}: ${what} broke the handler`, { cause: error });
    expect(error.statusCode ?? 400, `seed ${SEED}: ${what}: ${error.code}`).toBeLessThan(500);
    return error.code;
  }
}

/** A changed, cut or lengthened copy, or the pieces of two. Never the same bytes. */
function broken(bytes: Uint8Array, others: readonly Uint8Array[] = []): Buffer {
  const copy = Buffer.from(bytes);
  const at = below(copy.length);
  switch (below(5)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << below(8));
      return copy;
    case 1:
      return copy.subarray(0, at);
    case 2:
      return Buffer.concat([copy, random.bytes(1 + below(20))]);
    case 3:
      return Buffer.concat([copy.subarray(0, at), random.bytes(1 + below(8)), copy.subarray(at)]);
    default: {
      const other = others.length === 0 ? random.bytes(copy.length) : pick(others);
      const spliced = Buffer.concat([copy.subarray(0, at), Buffer.from(other).subarray(at)]);
      return spliced.equals(copy) || others.some((each) => spliced.equals(Buffer.from(each)))
        ? copy.subarray(0, at)
        : spliced;
    }
  }
}

type KeyAnswer = Readonly<{ KeyMetadata: { KeyId: string; Arn: string } }>;
const newKey = async (input: object = {}) => (await kms.call<KeyAnswer>('kms', 'CreateKey', input)).KeyMetadata;

describe('ciphertexts', () => {
  it('that were not made by a key open under none', async () => {
    const keys = [await newKey(), await newKey(), await newKey({ MultiRegion: true })];
    const blobs: Uint8Array[] = [];
    for (const { KeyId } of [...keys, ...keys]) {
      const input = { KeyId, Plaintext: random.bytes(40), EncryptionContext: { of: 'test' } };
      blobs.push((await kms.call<{ CiphertextBlob: Uint8Array }>('kms', 'Encrypt', input)).CiphertextBlob);
    }
    for (let round = 0; round < 400; round++) {
      const CiphertextBlob = broken(pick(blobs), blobs);
      if (CiphertextBlob.length === 0) continue;
      const KeyId = pick([undefined, ...keys.map((key) => key.Arn)]);
      const call = kms.call('kms', 'Decrypt', { CiphertextBlob, KeyId, EncryptionContext: { of: 'test' } });
      const code = await outcome(call, `the blob ${CiphertextBlob.toString('hex')}`);
      expect(code, `seed ${SEED}`).toMatch(/^(InvalidCiphertext|IncorrectKey|AccessDenied|NotFound)Exception$/);
    }
  });
});

describe('grant tokens', () => {
  it('give nothing to whom the grant does not name, whatever is in them', async () => {
    const { KeyId, Arn } = await newKey();
    const stranger = await person(sluice, 'stranger', []);
    const grantee = await person(sluice, 'grantee', []);
    const { GrantToken, GrantId } = await kms.call<{ GrantToken: string; GrantId: string }>('kms', 'CreateGrant', {
      KeyId,
      GranteePrincipal: grantee.arn,
      Operations: ['Encrypt'],
    });
    const { credentials } = stranger;
    const found = await sluice.open.identity.credentials(credentials.accessKeyId);
    const asStranger = sluice.house.door.as(found?.principal ?? { type: 'Anonymous' }, kms.scope);
    const forged = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const tokens = [
      GrantToken,
      ...[
        null,
        1,
        'x',
        [],
        {},
        { keyArn: Arn },
        { keyArn: 1, grantId: GrantId },
        { keyArn: Arn, grantId: '__proto__' },
      ].map((value) => forged(value)),
      forged({ keyArn: 'arn:aws:kms:', grantId: GrantId }),
      forged({ keyArn: `${Arn}/../x`, grantId: GrantId }),
      ...Array.from({ length: 80 }, () =>
        broken(Buffer.from(GrantToken))
          .toString('latin1')
          .replace(/[^ -~]/g, 'A'),
      ),
    ].filter((token) => token !== '');
    for (const token of tokens) {
      const encrypt = asStranger.call('kms', 'Encrypt', {
        KeyId: Arn,
        Plaintext: new Uint8Array(1),
        GrantTokens: [token],
      });
      expect(await outcome(encrypt, `the token ${token}`), `seed ${SEED}`).toBeDefined();
      const retire = asStranger.call('kms', 'RetireGrant', { GrantToken: token });
      expect(await outcome(retire, `the token ${token}`), `seed ${SEED}`).toBeDefined();
    }
    const { Grants } = await kms.call<{ Grants: object[] }>('kms', 'ListGrants', { KeyId });
    expect(Grants).toHaveLength(1);
  });
});

describe('signatures and public keys', () => {
  it('that were changed are valid for no message', async () => {
    const kinds = [
      ['RSA_2048', 'RSASSA_PSS_SHA_256'],
      ['RSA_2048', 'RSASSA_PKCS1_V1_5_SHA_256'],
      ['ECC_NIST_P256', 'ECDSA_SHA_256'],
      ['ECC_SECG_P256K1', 'ECDSA_SHA_256'],
    ] as const;
    for (const [KeySpec, SigningAlgorithm] of kinds) {
      const { KeyId } = await newKey({ KeySpec, KeyUsage: 'SIGN_VERIFY' });
      const base = { KeyId, SigningAlgorithm, Message: random.bytes(32) };
      for (const MessageType of ['RAW', 'DIGEST'] as const) {
        const input = { ...base, MessageType };
        const { Signature } = await kms.call<{ Signature: Uint8Array }>('kms', 'Sign', input);
        for (let round = 0; round < 30; round++) {
          const changed = broken(Signature);
          if (changed.length === 0) continue;
          const call = kms.call('kms', 'Verify', { ...input, Signature: changed });
          const what = `${SigningAlgorithm} ${MessageType} ${changed.toString('hex')}`;
          expect(await outcome(call, what), `seed ${SEED}: ${what}`).toBe('KMSInvalidSignatureException');
        }
      }
    }
  });

  it('that are no points of the curve agree on nothing', async () => {
    const { KeyId } = await newKey({ KeySpec: 'ECC_NIST_P256', KeyUsage: 'KEY_AGREEMENT' });
    const pair: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const sound = pair.publicKey.export({ format: 'der', type: 'spki' });
    for (let round = 0; round < 60; round++) {
      const PublicKey = broken(sound);
      if (PublicKey.length === 0) continue;
      const input = { KeyId, KeyAgreementAlgorithm: 'ECDH', PublicKey };
      const code = await outcome(kms.call('kms', 'DeriveSharedSecret', input), PublicKey.toString('hex'));
      // What follows the key in DER is not read.
      if (code !== undefined) expect(code).toBe('ValidationException');
    }
  });
});

describe('presigned URLs', () => {
  it('that were changed let nobody in', async () => {
    const { account, region } = sluice;
    const s3 = sluice.house.door.as(
      { type: 'Root', account, arn: `arn:aws:iam::${account}:root` },
      { account, region },
    );
    await s3.call('s3', 'CreateBucket', { Bucket: 'fuzz-bucket' });
    for (const Key of ['mine', 'minf', 'other/key'])
      await s3.call('s3', 'PutObject', { Bucket: 'fuzz-bucket', Key, Body: Buffer.from(`content of ${Key}`) });
    const reader = await person(sluice, 'reader', [{ Action: 's3:GetObject', Resource: 'arn:aws:s3:::fuzz-bucket/*' }]);
    const host = `127.0.0.1:${sluice.port}`;
    const url = presignUrl(
      { method: 'GET', url: '/fuzz-bucket/mine', headers: { host } },
      {
        credentials: reader.credentials,
        region,
        service: 's3',
        nowMs: sluice.house.config.wallNow(),
        expiresSeconds: 300,
      },
    );
    const get = (path: string, method = 'GET') => fetch(`${sluice.url}${path}`, { method });
    expect((await get(url)).status).toBe(200);
    const changes: (() => string)[] = [
      () => {
        const at = 1 + below(url.length - 1);
        return url.slice(0, at) + pick([...'aZ09-_%&=/?.;']) + url.slice(at + 1);
      },
      () =>
        url + pick(['&x=1', '&versionId=null', '&X-Amz-Expires=604800', '&acl', '&response-content-type=text/html']),
      () => url.replace(/X-Amz-Expires=\d+/, `X-Amz-Expires=${pick([0, -1, 604801, 1e9, 'x', ''])}`),
      () => url.replace(/&?X-Amz-(Signature|Date|Credential|SignedHeaders|Algorithm)=[^&]*/, ''),
      () => url.replace('mine', pick(['minf', 'other/key', 'mine/', './mine', '%2e%2e/x', ''])),
      () => url.replace(/X-Amz-Signature=\w+/, `X-Amz-Signature=${pick(['', '0'.repeat(64), 'f'.repeat(63), '%00'])}`),
      () => url.replace(/X-Amz-Date=\w+/, `X-Amz-Date=${pick(['20000101T000000Z', '99991231T235959Z', 'now', ''])}`),
    ];
    const meaning = (text: string): string => {
      const { pathname, searchParams } = new URL(text, sluice.url);
      return JSON.stringify([decodeURIComponent(pathname), [...searchParams].sort()]);
    };
    for (let round = 0; round < 250; round++) {
      const changed = pick(changes)();
      let same = false;
      try {
        same = meaning(changed) === meaning(url);
      } catch {
        // No URL at all: sent as it is.
      }
      if (same) continue;
      const { status } = await get(changed);
      expect([400, 403, 404, 405, 501], `seed ${SEED}: ${changed}`).toContain(status);
    }
    for (const method of ['PUT', 'DELETE', 'POST'])
      expect([403, 405], method).toContain((await get(url, method)).status);
    // Permissions are those of the signer at the time of use.
    const root = { type: 'Root', account, arn: `arn:aws:iam::${account}:root` } as const;
    await sluice.house.door
      .as(root, { account, region })
      .call('iam', 'DeleteUserPolicy', { UserName: 'reader', PolicyName: 'test' });
    expect((await get(url)).status).toBe(403);
  });
});
