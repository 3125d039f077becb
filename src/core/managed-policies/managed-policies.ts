/** The policies that AWS keeps for everybody: `arn:aws:iam::aws:policy/...`. */
import { AWS_MANAGED } from './managed-policies.gen.ts';

export type AwsManagedPolicy = Readonly<{
  arn: string;
  policyName: string;
  policyId: string;
  path: string;
  versionId: string;
  document: string;
  createdAt: number;
  updatedAt: number;
}>;

let byArn: ReadonlyMap<string, AwsManagedPolicy> | undefined;

/** Undefined for the policies of accounts, and for AWS-managed ones that are not in the list. */
export function awsManagedPolicy(arn: string): AwsManagedPolicy | undefined {
  return arn.startsWith('arn:aws:iam::aws:policy/') ? table().get(arn) : undefined;
}

/** In order of name. */
export function awsManagedPolicies(): readonly AwsManagedPolicy[] {
  return [...table().values()];
}

function table(): ReadonlyMap<string, AwsManagedPolicy> {
  byArn ??= new Map(
    AWS_MANAGED.map((policy) => {
      const arn = `arn:aws:iam::aws:policy${policy.path}${policy.name}`;
      return [
        arn,
        {
          arn,
          policyName: policy.name,
          policyId: idOf(policy.name),
          path: policy.path,
          versionId: policy.version,
          document: policy.document,
          createdAt: Date.parse(policy.created),
          updatedAt: Date.parse(policy.updated),
        },
      ];
    }),
  );
  return byArn;
}

/** Stable and of the right shape. Differs from AWS: not the id that AWS gave the policy, which is not in the list. */
function idOf(name: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
  let hash = 2166136261;
  let id = 'ANPA';
  for (let i = 0; i < 17; i++) {
    for (const char of `${i}${name}`) hash = Math.imul(hash ^ char.charCodeAt(0), 16777619) >>> 0;
    id += alphabet[hash & 31];
  }
  return id;
}
