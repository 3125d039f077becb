/** What Secrets Manager knows of a secret named by its ARN, whole or without its suffix. */
import { parseArn } from '../../common/index.ts';
import { resourceTagKeys } from '../resource-tags.ts';
import type { House, ResourceFacts } from '../service.ts';
import { findSecret } from './records.ts';

export async function resourceAccess(arn: string, _action: string, house: House): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 'secretsmanager') return undefined;
  const found = await findSecret(house.store, parsed, arn);
  if (found === undefined) return undefined;
  const { name, policy, tags } = found.document;
  return {
    resourceAccount: parsed.account,
    resourcePolicies: policy === undefined ? [] : [{ name: `resource policy of ${name}`, document: policy }],
    context: { 'secretsmanager:SecretId': arn, ...resourceTagKeys(tags) },
  };
}
