import type { EpochMs } from '../../common/index.ts';
import { collection, type Tags } from '../../store/index.ts';

export type InstanceProfileRecord = Readonly<{
  name: string;
  profileId: string;
  path: string;
  arn: string;
  createdAt: EpochMs;
  /** At most one role; its key (name in lower case). */
  role?: string;
  tags: Tags;
}>;

/** By name. */
export const instanceProfiles = collection<InstanceProfileRecord>('iam.instance-profile');
