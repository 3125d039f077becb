/** An instance profile as IAM's answers show it. */
import type { InstanceProfile } from '@aws-sdk/client-iam';
import { nameKey, type Queryable, roles } from '../../store/index.ts';
import type { Call } from '../index.ts';
import type { InstanceProfileRecord } from './instance-profile-records.ts';
import { tagsMember } from './records.ts';
import { listedRole } from './roles.ts';

export async function shownProfile(q: Queryable, call: Call, profile: InstanceProfileRecord): Promise<InstanceProfile> {
  const role =
    profile.role === undefined ? undefined : (await roles.get(q, nameKey(call.account, profile.role)))?.document;
  return {
    Path: profile.path,
    InstanceProfileName: profile.name,
    InstanceProfileId: profile.profileId,
    Arn: profile.arn,
    CreateDate: new Date(profile.createdAt),
    Roles: role === undefined ? [] : [await listedRole(q, role)],
    ...tagsMember(profile.tags),
  };
}
