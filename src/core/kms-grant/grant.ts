/**
 * Whether a grant on a KMS key allows a use of the key. A grant only ever allows; who may make one, and every explicit
 * deny, is decided elsewhere.
 * Source: KMS Developer Guide, "Grants in AWS KMS"; API Reference, `CreateGrant`, `GrantConstraints`.
 */
import type { Principal } from '../../common/index.ts';

export type GrantConstraints = Readonly<{
  /** The use's context must have at least these pairs. */
  encryptionContextSubset?: Readonly<Record<string, string>>;
  /** The use's context must be exactly this. */
  encryptionContextEquals?: Readonly<Record<string, string>>;
}>;

export type Grant = Readonly<{
  granteePrincipal: string;
  operations: readonly string[];
  constraints?: GrantConstraints;
}>;

export type GrantUse = Readonly<{
  /** As `GrantOperation` spells it: `Decrypt`, `ReEncryptFrom`. */
  operation: string;
  encryptionContext: Readonly<Record<string, string>>;
  /** Of `CreateGrant`: what the new grant gives. */
  handsOn?: HandedOn;
}>;

export type HandedOn = Readonly<{ operations: readonly string[]; constraints?: GrantConstraints | undefined }>;

/** Operations that take an encryption context; constraints bind these alone. */
const WITH_CONTEXT: ReadonlySet<string> = new Set([
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'GenerateDataKeyWithoutPlaintext',
  'ReEncryptFrom',
  'ReEncryptTo',
]);

export function grantAllows(grant: Grant, principal: Principal, use: GrantUse): boolean {
  return (
    grant.operations.includes(use.operation) &&
    granteeMatches(grant.granteePrincipal, principal) &&
    (!WITH_CONTEXT.has(use.operation) || constraintsHold(grant.constraints, use.encryptionContext)) &&
    (use.handsOn === undefined || mayHandOn(grant, use.handsOn))
  );
}

/**
 * Whoever may make grants by a grant gives no more than they have: its operations at most, under constraints at least as
 * strict. Source: KMS Developer Guide, "Creating grants", "Granting CreateGrant permission".
 */
function mayHandOn(grant: Grant, { operations, constraints }: HandedOn): boolean {
  if (!operations.every((operation) => grant.operations.includes(operation))) return false;
  const { encryptionContextEquals: equals, encryptionContextSubset: subset } = grant.constraints ?? {};
  const given = constraints?.encryptionContextEquals ?? constraints?.encryptionContextSubset ?? {};
  if (subset !== undefined && !contains(given, subset)) return false;
  if (equals === undefined) return true;
  const exact = constraints?.encryptionContextEquals;
  return exact !== undefined && contains(exact, equals) && contains(equals, exact);
}

/**
 * Whether the ARN (or service name) of a grant names this caller: a user, one session, any session of a role, the root
 * user of an account, or a service.
 */
export function granteeMatches(grantee: string, principal: Principal): boolean {
  switch (principal.type) {
    case 'Root':
    case 'User':
    case 'FederatedUser':
      return grantee === principal.arn;
    case 'AssumedRole':
      return grantee === principal.arn || grantee === principal.roleArn;
    case 'Service':
      return grantee === principal.service;
    case 'Anonymous':
      return false;
    default: {
      const never: never = principal;
      return never;
    }
  }
}

function constraintsHold(
  constraints: GrantConstraints | undefined,
  context: Readonly<Record<string, string>>,
): boolean {
  const { encryptionContextEquals: equals, encryptionContextSubset: subset } = constraints ?? {};
  if (subset !== undefined && !contains(context, subset)) return false;
  return equals === undefined || (contains(context, equals) && contains(equals, context));
}

function contains(whole: Readonly<Record<string, string>>, part: Readonly<Record<string, string>>): boolean {
  return Object.entries(part).every(([key, value]) => Object.hasOwn(whole, key) && whole[key] === value);
}
