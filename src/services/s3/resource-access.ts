/** What S3 knows of a bucket or object named by its ARN. */
import { parseArn, type Principal } from '../../common/index.ts';
import type { House, ResourceFacts } from '../service.ts';
import { policiesOf } from './access.ts';
import { bucketKey, buckets, objects } from './records.ts';

const NOBODY: Principal = { type: 'Anonymous' };

export async function resourceAccess(
  arn: string,
  action: string,
  house: House,
  principal: Principal = NOBODY,
): Promise<ResourceFacts | undefined> {
  const parsed = parseArn(arn);
  if (parsed?.service !== 's3') return undefined;
  const slash = parsed.resource.indexOf('/');
  const name = slash < 0 ? parsed.resource : parsed.resource.slice(0, slash);
  const bucket = (await buckets.get(house.store, bucketKey(name)))?.document;
  if (bucket === undefined) return undefined;
  const object = slash < 0 ? undefined : await objects.latest(house.store, name, parsed.resource.slice(slash + 1));
  const tags = Object.entries(object?.facts.tags ?? {});
  return {
    resourceAccount: bucket.account,
    resourcePolicies: policiesOf(bucket, principal, action.replace(/^s3:/i, '')),
    context: {
      's3:ResourceAccount': bucket.account,
      ...Object.fromEntries(tags.map(([key, value]) => [`s3:ExistingObjectTag/${key}`, value])),
    },
  };
}
