/** Secrets and their versions. Source: Secrets Manager API Reference; User Guide, "Secret versions". */
import { type AccessRequest, AwsError, formatArn, parseArn } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';
import type { Call, Scope } from '../service.ts';

export type SecretVersion = Readonly<{
  id: string;
  /** AES-256-GCM under a KMS data key: JSON of the wrapped key, iv, tag and body, each in base64. */
  sealed: string;
  binary: boolean;
  createdAt: number;
  stages: readonly string[];
}>;

export type Secret = Readonly<{
  name: string;
  /** Six characters that end the ARN, so that a secret made anew has another ARN. */
  suffix: string;
  description?: string | undefined;
  keyId?: string | undefined;
  /** Bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
  policy?: string | undefined;
  policyPrincipals?: PolicyPrincipals | undefined;
  createdAt: number;
  changedAt: number;
  accessedAt?: number | undefined;
  /** When the waiting window ends; set: scheduled for deletion. */
  deleteAt?: number | undefined;
  deletedAt?: number | undefined;
  tags: Readonly<Record<string, string>>;
  versions: readonly SecretVersion[];
}>;

export const secrets = collection<Secret>('secretsmanager.secret');

export const CURRENT = 'AWSCURRENT';
export const PREVIOUS = 'AWSPREVIOUS';
export const PENDING = 'AWSPENDING';

export function secretKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

export function secretArn(scope: Scope, secret: Readonly<{ name: string; suffix: string }>): string {
  return formatArn('secretsmanager', scope.region, scope.account, `secret:${secret.name}-${secret.suffix}`);
}

/** The scope and possible names of a secret id: a name, an ARN, or an ARN without its suffix. */
export function locate(id: string, scope: Scope): Readonly<{ scope: Scope; names: readonly string[] }> {
  const arn = parseArn(id);
  if (arn === undefined || arn.service !== 'secretsmanager')
    return { scope: { account: scope.account, region: scope.region }, names: [id] };
  const resource = arn.resource.replace(/^secret:/, '');
  return {
    scope: { account: arn.account, region: arn.region },
    names: [resource.replace(/-[A-Za-z0-9]{6}$/, ''), resource],
  };
}

export async function findSecret(q: Queryable, scope: Scope, id: string): Promise<Stored<Secret> | undefined> {
  const place = locate(id, scope);
  // A secret is found where it lives: an ARN of another Region names nothing here.
  if (place.scope.region !== scope.region) return undefined;
  for (const name of place.names) {
    const found = await secrets.get(q, secretKey(place.scope, name));
    if (found === undefined) continue;
    const wholeArn = id.startsWith('arn:') && /-[A-Za-z0-9]{6}$/.test(id) && name !== place.names[1];
    if (!wholeArn || secretArn(place.scope, found.document) === id) return found;
  }
  return undefined;
}

export async function requireSecret(q: Queryable, scope: Scope, id: string): Promise<Stored<Secret>> {
  const found = await findSecret(q, scope, id);
  if (found === undefined)
    throw new AwsError('ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  return found;
}

export function refuseDeleted(secret: Secret): void {
  if (secret.deleteAt !== undefined) {
    throw new AwsError(
      'InvalidRequestException',
      "You can't perform this operation on the secret because it was marked for deletion.",
    );
  }
}

export async function access(action: string, id: string | undefined, call: Call): Promise<AccessRequest[]> {
  const found = id === undefined ? undefined : await findSecret(call.house.store, call, id);
  const resource =
    found === undefined
      ? id?.startsWith('arn:') === true
        ? id
        : secretArn(call, { name: id ?? '', suffix: '??????' })
      : secretArn(found.key, found.document);
  return [
    {
      action: `secretsmanager:${action}`,
      resource,
      ...(found === undefined ? {} : { resourceAccount: found.key.account }),
      ...(found?.document.policy === undefined
        ? {}
        : {
            resourcePolicies: [{ name: `resource policy of ${found.document.name}`, document: found.document.policy }],
          }),
      context: {
        'secretsmanager:SecretId': id ?? '',
        ...Object.fromEntries(
          Object.entries(found?.document.tags ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value]),
        ),
      },
    },
  ];
}
