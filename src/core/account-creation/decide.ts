/**
 * The making of a member account. CreateAccount answers at once; the account is open when the role by which its
 * management account enters it exists.
 *
 *   Creating ── opened ──▶ Succeeded  (final)
 *       └────── given up ─▶ Failed    (final)
 *
 * Opening is idempotent, so that a process killed on the way does it again.
 * Source: AWS Organizations API Reference, "CreateAccount", "CreateAccountStatus".
 */
import { assertNever, type Decision, type EpochMs } from '../../common/index.ts';

export type AccountCreation = Readonly<{
  phase: 'Creating' | 'Succeeded' | 'Failed';
  /** `car-...` */
  requestId: string;
  organizationId: string;
  managementAccount: string;
  /** The root, in which every new account begins. */
  parentId: string;
  accountId: string;
  name: string;
  email: string;
  roleName: string;
  tags: Readonly<Record<string, string>>;
  requestedAt: EpochMs;
  completedAt?: EpochMs;
  failureReason?: string;
}>;

export type AccountCreationEvent = Readonly<
  { type: 'AccountOpened' } | { type: 'AccountFailed'; reason: string } | { type: 'TimerFired'; timer: string }
>;

export type AccountCreationEffect = Readonly<
  Pick<
    AccountCreation,
    'organizationId' | 'managementAccount' | 'parentId' | 'accountId' | 'name' | 'email' | 'roleName' | 'tags'
  > & { type: 'OpenAccount' }
>;

export function begin(creation: AccountCreation): Decision<AccountCreation, AccountCreationEffect> {
  if (creation.phase !== 'Creating') return { state: creation, effects: [] };
  const { organizationId, managementAccount, parentId, accountId, name, email, roleName, tags } = creation;
  return {
    state: creation,
    effects: [
      { type: 'OpenAccount', organizationId, managementAccount, parentId, accountId, name, email, roleName, tags },
    ],
  };
}

export function decide(
  state: AccountCreation,
  event: AccountCreationEvent,
  now: EpochMs,
): Decision<AccountCreation, AccountCreationEffect> {
  if (state.phase !== 'Creating') return { state, effects: [] };
  switch (event.type) {
    case 'AccountOpened':
      return { state: { ...state, phase: 'Succeeded', completedAt: now }, effects: [] };
    case 'AccountFailed':
      return { state: { ...state, phase: 'Failed', completedAt: now, failureReason: event.reason }, effects: [] };
    case 'TimerFired':
      return { state, effects: [] };
    default:
      return assertNever(event);
  }
}
