/** How a principal is written in errors and in the audit trail. */
import type { Principal } from '../common/index.ts';

export function principalName(principal: Principal): string {
  switch (principal.type) {
    case 'Service':
      return principal.service;
    case 'Anonymous':
      return 'anonymous';
    default:
      return principal.arn;
  }
}

/** The account a principal acts in; undefined for those who have none of their own. */
export function principalAccount(principal: Principal): string | undefined {
  return 'account' in principal ? principal.account : undefined;
}
