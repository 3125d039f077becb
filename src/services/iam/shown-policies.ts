/** Managed policies as IAM's answers show them; AWS's own as records like the others. */
import type { Policy, PolicyVersion } from '@aws-sdk/client-iam';
import type { AwsManagedPolicy } from '../../core/managed-policies/index.ts';
import type { PolicyRecord, PolicyVersionRecord } from '../../store/index.ts';
import type { PolicyUse } from './policy-lookup.ts';

export function asRecord(policy: AwsManagedPolicy): PolicyRecord {
  const { arn, policyName, policyId, path, createdAt, updatedAt, versionId, document } = policy;
  return {
    arn,
    policyName,
    policyId,
    path,
    createdAt,
    updatedAt,
    defaultVersionId: versionId,
    versions: [{ versionId, document, createdAt: updatedAt }],
    nextVersion: 0,
    tags: {},
  };
}

export function shownPolicy(policy: PolicyRecord, uses: readonly PolicyUse[]): Policy {
  return {
    PolicyName: policy.policyName,
    PolicyId: policy.policyId,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.defaultVersionId,
    AttachmentCount: uses.filter(({ as }) => as === 'policy').length,
    PermissionsBoundaryUsageCount: uses.filter(({ as }) => as === 'boundary').length,
    IsAttachable: true,
    ...(policy.description === undefined ? {} : { Description: policy.description }),
    CreateDate: new Date(policy.createdAt),
    UpdateDate: new Date(policy.updatedAt),
  };
}

export function shownVersion(policy: PolicyRecord, version: PolicyVersionRecord): PolicyVersion {
  return {
    VersionId: version.versionId,
    IsDefaultVersion: version.versionId === policy.defaultVersionId,
    CreateDate: new Date(version.createdAt),
  };
}
