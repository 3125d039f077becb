/** What KMS knows of a key named by its ARN, or the ARN of an alias. */
import { parseArn, type Principal } from '../../common/index.ts';
import type { House, ResourceFacts } from '../service.ts';
import { accessTo } from './access.ts';
import { findKey, parseKeyReference } from './records.ts';

/** Source: KMS Developer Guide, "Allowing users in other accounts to use a KMS key". */
const ACROSS_ACCOUNTS =
  /^kms:(?:Decrypt|Encrypt|GenerateDataKey\w*|GenerateMac|VerifyMac|Sign|Verify|DeriveSharedSecret|ReEncrypt\w*|GetPublicKey|CreateGrant|DescribeKey|GetKeyRotationStatus|ListGrants|RetireGrant|RevokeGrant)$/i;

const NOBODY: Principal = { type: 'Anonymous' };

export async function resourceAccess(
  arn: string,
  action: string,
  house: House,
  principal: Principal = NOBODY,
): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'kms' || !/^(?:key|alias)\/[\w/:-]+$/.test(parsed.resource)) return undefined;
  const reference = parseKeyReference(arn, parsed);
  const key = await findKey(house.store, reference);
  if (key === undefined) return undefined;
  const {
    action: _action,
    resource: _resource,
    ...facts
  } = await accessTo({ house, principal }, reference, key, {
    action: action.replace(/^kms:/i, ''),
    crossAccount: ACROSS_ACCOUNTS.test(action),
  });
  return facts;
}
