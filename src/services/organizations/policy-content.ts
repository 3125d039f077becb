/**
 * What a control policy may say. A service control policy is written as an identity policy is. A resource control policy only
 * denies, and everybody: its one Allow is AWS's own RCPFullAWSAccess.
 * Source: Organizations User Guide, "SCP syntax", "RCP syntax".
 */
import { type PolicyStatement, validatePolicyDocument } from '../../core/policy/index.ts';
import type { ControlPolicyType } from './policy-records.ts';

const MALFORMED = 'The provided policy document does not meet the requirements of the specified policy type.';

/** In the words of MalformedPolicyDocumentException; undefined: none. */
export function controlPolicyFault(content: string, type: ControlPolicyType): string | undefined {
  const check = validatePolicyDocument(content, type === 'SERVICE_CONTROL_POLICY' ? 'identity' : 'resource');
  if (!check.ok) return MALFORMED;
  if (type === 'SERVICE_CONTROL_POLICY') return undefined;
  return check.document.statements.every(mayStandInResourceControl) ? undefined : MALFORMED;
}

function mayStandInResourceControl(statement: PolicyStatement): boolean {
  const { Effect: effect, Principal: principal, Action: action } = statement;
  const everybody =
    principal === '*' ||
    (typeof principal === 'object' &&
      principal !== null &&
      (principal as { AWS?: unknown }).AWS === '*' &&
      Object.keys(principal).length === 1);
  if (effect !== 'Deny' || !everybody || action === undefined) return false;
  // A bare star is refused: the services are named.
  return (Array.isArray(action) ? action : [action]).every((each) => each !== '*');
}
