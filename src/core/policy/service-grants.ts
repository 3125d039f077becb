/**
 * What an AWS service may do as itself without a customer's policy: the plumbing that AWS does inside. Everything else a
 * service does is done with a role, with the caller's rights, or by leave of a resource policy that names the service.
 * Keep this table small, and give each row its reason.
 */
import { serviceName } from './principals.ts';
import type { ContextView } from './request-context.ts';

export type ServiceGrant = Readonly<{
  /** `*`: any service. */
  service: string;
  actions: readonly string[];
  reason: string;
  /** What must hold beside; absent: nothing more. */
  when?: (request: Readonly<{ service: string; resource: string; context: ContextView }>) => boolean;
}>;

export const SERVICE_GRANTS: readonly ServiceGrant[] = [
  {
    service: '*',
    actions: ['events:PutEvents'],
    reason: 'services publish their own events on the default bus of the account that they concern',
    when: ({ service, context }) => {
      // The source is not among the keys of every caller; where it is, a service speaks for itself alone.
      const sources = context.get('events:source');
      return sources === undefined || sources.every((source) => source === `aws.${service.split('.')[0] ?? ''}`);
    },
  },
  {
    service: '*',
    actions: ['cloudwatch:PutMetricData'],
    reason: 'services publish their own metrics',
    when: ({ context }) => {
      const namespaces = context.get('cloudwatch:namespace');
      return namespaces === undefined || namespaces.every((namespace) => namespace.startsWith('AWS/'));
    },
  },
  {
    service: 'organizations.amazonaws.com',
    actions: [
      'iam:CreateRole',
      'iam:GetRole',
      'iam:PutRolePolicy',
      'iam:AttachRolePolicy',
      'iam:CreateServiceLinkedRole',
    ],
    reason: 'a new account gets the role by which its management account enters it',
  },
];

/** The row that lets this service do this, if any. `action` in lower case. */
export function serviceGrant(
  service: string,
  action: string,
  resource: string,
  context: ContextView,
): ServiceGrant | undefined {
  const name = serviceName(service);
  return SERVICE_GRANTS.find(
    (grant) =>
      (grant.service === '*' || grant.service === name) &&
      grant.actions.some((granted) => granted.toLowerCase() === action) &&
      (grant.when === undefined || grant.when({ service: name, resource, context })),
  );
}
