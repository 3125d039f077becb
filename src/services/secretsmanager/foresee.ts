/** What follows from a call of Secrets Manager: what it asks of KMS as its caller (`values.ts`). */
import type { GetSecretValueRequest } from '@aws-sdk/client-secrets-manager';
import type { Foreseen } from '../foreseen.ts';
import type { Call } from '../service.ts';
import { CURRENT, findSecret } from './records.ts';
import { contextOf } from './values.ts';

export const foresee = { GetSecretValue: read };

async function read(input: GetSecretValueRequest, call: Call): Promise<readonly Foreseen[]> {
  const id = input.SecretId ?? '';
  const found = await findSecret(call.house.store, call, id);
  if (found === undefined) return [{ fails: `there is no secret ${id}` }];
  const secret = found.document;
  const stage = input.VersionStage ?? CURRENT;
  const version = secret.versions.find(({ id: versionId, stages }) =>
    input.VersionId === undefined ? stages.includes(stage) : versionId === input.VersionId,
  );
  if (version === undefined) return [{ fails: `the secret ${id} has no version ${input.VersionId ?? stage}` }];
  const { wrapped } = JSON.parse(version.sealed) as Readonly<{ wrapped: string }>;
  return [
    {
      service: 'kms',
      operation: 'Decrypt',
      input: {
        CiphertextBlob: new Uint8Array(Buffer.from(wrapped, 'base64')),
        EncryptionContext: contextOf(found.key, secret, version.id),
      },
      scope: { account: call.account, region: call.region },
      viaService: `secretsmanager.${call.region}.amazonaws.com`,
      purpose: 'decrypt the secret',
    },
  ];
}
