/** Policies are checked when they are written. Source: IAM User Guide, "IAM and AWS STS quotas". */
import { AwsError } from '../../common/index.ts';
import { parsePolicy, type PolicyKind, policySize, validatePolicyDocument } from '../../core/policy/index.ts';
import type { InlinePolicies } from '../../store/index.ts';
import { type EntityKind, quotaExceeded } from './records.ts';
import { lackingTenantKey } from './shared-providers.ts';

const MANAGED_CHARACTERS = 6144;
const TRUST_CHARACTERS = 2048;
const INLINE_CHARACTERS: Readonly<Record<EntityKind, number>> = { user: 2048, group: 5120, role: 10_240 };

export function checkDocument(document: string, kind: PolicyKind): void {
  const check = validatePolicyDocument(document, kind);
  if (!check.ok) throw malformed(check.message);
}

export function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message);
}

export function checkManaged(document: string): void {
  checkDocument(document, 'identity');
  if (policySize(document) > MANAGED_CHARACTERS) throw quotaExceeded('PolicySize', MANAGED_CHARACTERS);
}

export function checkTrust(document: string): void {
  checkDocument(document, 'trust');
  for (const statement of parsePolicy(document)?.statements ?? []) {
    const key = lackingTenantKey(statement);
    if (key !== undefined) {
      throw malformed(`The trust policy must have a condition on ${key}: the provider is shared by many.`);
    }
  }
  if (policySize(document) > TRUST_CHARACTERS) throw quotaExceeded('ACLSizePerRole', TRUST_CHARACTERS);
}

/** The inline policies of an entity count together. */
export function checkInline(kind: EntityKind, name: string, inline: InlinePolicies): void {
  const limit = INLINE_CHARACTERS[kind];
  const size = Object.values(inline).reduce((sum, document) => sum + policySize(document), 0);
  if (size > limit) {
    throw new AwsError('LimitExceededException', `Maximum policy size of ${limit} bytes exceeded for ${kind} ${name}`);
  }
}
