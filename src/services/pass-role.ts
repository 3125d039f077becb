/**
 * Handing a role to a service: not a call of its own, but a permission that whoever names the role must have.
 * Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
 */
import { type AccessRequest, parseArn } from '../common/index.ts';

/** For services that refuse a role of another account in words of their own: such a role is asked for by nobody. */
export function passOwnRole(
  account: string,
  roleArn: unknown,
  service: string,
  associated?: string,
): readonly AccessRequest[] {
  const owner = typeof roleArn === 'string' ? parseArn(roleArn)?.account : undefined;
  return owner === undefined || owner === account ? passRole(roleArn, service, associated) : [];
}

/**
 * `service`: `codepipeline.amazonaws.com`; `associated`: the ARN of what the role is for (`iam:AssociatedResourceArn`).
 * A role of another account than the caller's cannot be passed at all: nothing there could allow it, and the decision says so.
 */
export function passRole(roleArn: unknown, service: string, associated?: string): readonly AccessRequest[] {
  if (typeof roleArn !== 'string' || roleArn === '') return [];
  const account = parseArn(roleArn)?.account ?? '';
  return [
    {
      action: 'iam:PassRole',
      resource: roleArn,
      ...(/^\d{12}$/.test(account) ? { resourceAccount: account } : {}),
      context: {
        'iam:PassedToService': service,
        ...(associated === undefined ? {} : { 'iam:AssociatedResourceArn': associated }),
      },
    },
  ];
}
