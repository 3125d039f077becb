/**
 * What a service or resource control policy may say, checked when it is written. A service control policy is written as an
 * identity policy is. A resource control policy only denies, and everybody: its one Allow is AWS's own RCPFullAWSAccess.
 * Sources: Organizations User Guide, "SCP syntax", "RCP syntax", "Quotas".
 */
import { type PolicyCheck, policySize, type PolicyStatement, validatePolicyDocument } from './policy-document.ts';
import { knowsResourceControl } from './survey.ts';

export type ControlPolicyKind = 'SERVICE_CONTROL_POLICY' | 'RESOURCE_CONTROL_POLICY';

/** White space is free. */
export const LARGEST_CONTROL_POLICY = 5120;

const MALFORMED = 'The provided policy document does not meet the requirements of the specified policy type.';
const TOO_LARGE = 'You have exceeded the size limit of the policy content.';

/** The message is that of MalformedPolicyDocumentException; for one that is too large, of ConstraintViolationException. */
export function validateControlPolicy(
  document: string,
  kind: ControlPolicyKind,
): PolicyCheck | Readonly<{ ok: false; message: string; tooLarge: true }> {
  if (policySize(document) > LARGEST_CONTROL_POLICY) return { ok: false, message: TOO_LARGE, tooLarge: true };
  const check = validatePolicyDocument(document, kind === 'SERVICE_CONTROL_POLICY' ? 'identity' : 'resource');
  if (!check.ok) return { ok: false, message: MALFORMED };
  if (kind === 'RESOURCE_CONTROL_POLICY' && !check.document.statements.every(mayStandInResourceControl)) {
    return { ok: false, message: MALFORMED };
  }
  return check;
}

function mayStandInResourceControl(statement: PolicyStatement): boolean {
  const { Effect: effect, Principal: principal, Action: action } = statement;
  if (effect !== 'Deny' || !isEverybody(principal) || action === undefined) return false;
  // A bare star is refused: the services are named, and are those that know such policies.
  return [action].flat().every((each) => knowsResourceControl(String(each).toLowerCase()));
}

function isEverybody(principal: unknown): boolean {
  if (principal === '*') return true;
  if (typeof principal !== 'object' || principal === null || Object.keys(principal).length !== 1) return false;
  return (principal as { AWS?: unknown }).AWS === '*';
}
