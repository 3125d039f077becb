/** How a caller is written in records: the ARN, or the service's name. */
import type { Principal } from '../common/index.ts';

export function principalArn(principal: Principal): string {
  if (principal.type === 'Service') return principal.service;
  return principal.type === 'Anonymous' ? 'anonymous' : principal.arn;
}
