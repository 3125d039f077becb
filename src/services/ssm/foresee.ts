/** What follows from a call of Parameter Store: what it asks of KMS as its caller (`parameters.ts`). */
import type { GetParameterRequest, GetParametersRequest } from '@aws-sdk/client-ssm';
import { isAwsError } from '../../common/index.ts';
import type { Foreseen } from '../foreseen.ts';
import type { Call } from '../service.ts';
import { latest, locate, type Parameter, parameterArn } from './records.ts';

export const foresee = {
  GetParameter: ({ Name, WithDecryption }: GetParameterRequest, call: Call) =>
    read([Name ?? ''], WithDecryption === true, call),
  GetParameters: ({ Names = [], WithDecryption }: GetParametersRequest, call: Call) =>
    read(Names, WithDecryption === true, call),
};

async function read(names: readonly string[], decrypted: boolean, call: Call): Promise<readonly Foreseen[]> {
  const foreseen: Foreseen[] = [];
  for (const text of new Set(names)) {
    const found = await find(text, call);
    if (found === undefined) foreseen.push({ fails: `there is no parameter ${text}` });
    else if (decrypted && found.version.type === 'SecureString') foreseen.push(decryption(found, call));
  }
  return foreseen;
}

type Found = Readonly<{ arn: string; name: string; version: Parameter['versions'][number] }>;

async function find(text: string, call: Call): Promise<Found | undefined> {
  try {
    const { owner, name, selector, stored } = await locate(call.house.store, text, call);
    const parameter = stored?.document;
    if (parameter === undefined) return undefined;
    const version =
      selector === undefined
        ? latest(parameter)
        : parameter.versions.find((each) => String(each.version) === selector || each.labels.includes(selector));
    return version && { arn: parameterArn(owner, name), name, version };
  } catch (error) {
    if (isAwsError(error)) return undefined;
    throw error;
  }
}

function decryption({ arn, name, version }: Found, call: Call): Foreseen {
  return {
    service: 'kms',
    operation: 'Decrypt',
    input: {
      CiphertextBlob: new Uint8Array(Buffer.from(version.value, 'base64')),
      EncryptionContext: { PARAMETER_ARN: arn },
    },
    scope: { account: call.account, region: call.region },
    viaService: `ssm.${call.region}.amazonaws.com`,
    purpose: `decrypt the parameter ${name}`,
  };
}
