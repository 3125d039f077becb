/** Parameters and their versions. Source: Systems Manager API Reference; User Guide, "Parameter Store". */
import { type AccessRequest, AwsError, formatArn } from '../../common/index.ts';
import { collection, type DocumentKey, type Queryable, type Stored } from '../../store/index.ts';
import type { PolicyPrincipals } from '../bound-policies.ts';
import type { Call, Scope } from '../service.ts';

export type ParameterType = 'String' | 'StringList' | 'SecureString';

export type ParameterVersion = Readonly<{
  version: number;
  /** Plain text, or for SecureString the KMS ciphertext in base64. */
  value: string;
  type: ParameterType;
  keyId?: string | undefined;
  description?: string | undefined;
  allowedPattern?: string | undefined;
  dataType: string;
  changedAt: number;
  changedBy: string;
  labels: readonly string[];
}>;

export type Tier = 'Standard' | 'Advanced';

/** Bound to the users and roles that it names, as `policyPrincipals` tells; see `bound-policies.ts`. */
export type ParameterPolicy = Readonly<{
  id: string;
  hash: string;
  policy: string;
  policyPrincipals?: PolicyPrincipals | undefined;
}>;

export type Parameter = Readonly<{
  name: string;
  versions: readonly ParameterVersion[];
  tags: Readonly<Record<string, string>>;
  /** Absent: Standard. */
  tier?: Tier | undefined;
  /** Resource policies; of advanced parameters alone. */
  policies?: readonly ParameterPolicy[] | undefined;
}>;

export const parameters = collection<Parameter>('ssm.parameter');

export function parameterKey(scope: Scope, name: string): DocumentKey {
  return { account: scope.account, region: scope.region, id: name };
}

/** A name, or the ARN of a parameter, without a selector. Whoever changes a parameter is of its account: an ARN from elsewhere names none. */
export function nameOf(nameOrArn: string, scope: Scope): string {
  const match = /^arn:aws:ssm:([^:]*):([^:]*):parameter\/?(.*)$/.exec(nameOrArn);
  if (match === null) return nameOrArn;
  if (match[1] !== scope.region || match[2] !== scope.account) throw notFound(nameOrArn);
  const rest = match[3] ?? '';
  return rest.includes('/') ? `/${rest}` : rest;
}

/** Where the parameter lies that is read: an ARN may name one that another account shares, in the same Region. */
export function placeOf(text: string, scope: Scope): Scope {
  const [, region, account] = /^arn:aws:ssm:([^:]*):(\d{12}):parameter\//.exec(text) ?? [];
  const home = { account: scope.account, region: scope.region };
  return account === undefined || region !== scope.region ? home : { ...home, account };
}

/** Splits `name:3` and `name:label`. */
export function splitSelector(text: string, scope: Scope): Readonly<{ name: string; selector: string | undefined }> {
  const full = nameOf(text, scope);
  const at = full.lastIndexOf(':');
  return at < 0 ? { name: full, selector: undefined } : { name: full.slice(0, at), selector: full.slice(at + 1) };
}

export type Located = Readonly<{
  owner: Scope;
  name: string;
  selector: string | undefined;
  stored: Stored<Parameter> | undefined;
}>;

/** The parameter that a name or an ARN, with or without a selector, names for a reader. `a` and `/a` have the same ARN. */
export async function locate(q: Queryable, text: string, scope: Scope): Promise<Located> {
  const owner = placeOf(text, scope);
  const { name, selector } = splitSelector(text, owner);
  const stored = await parameters.get(q, parameterKey(owner, name));
  if (stored !== undefined || !text.startsWith('arn:') || name.includes('/')) return { owner, name, selector, stored };
  const rooted = `/${name}`;
  const other = await parameters.get(q, parameterKey(owner, rooted));
  return other === undefined ? { owner, name, selector, stored } : { owner, name: rooted, selector, stored: other };
}

export function parameterArn(scope: Scope, name: string): string {
  return formatArn('ssm', scope.region, scope.account, `parameter${name.startsWith('/') ? '' : '/'}${name}`);
}

export function access(action: string, names: readonly (string | undefined)[], call: Call): AccessRequest[] {
  return names.map((name) => ({
    action: `ssm:${action}`,
    resource: parameterArn(call, splitSelector(name ?? '', call).name),
  }));
}

/** Of the actions that a parameter's own policies can grant. */
export async function sharedAccess(
  action: string,
  names: readonly (string | undefined)[],
  call: Call,
): Promise<AccessRequest[]> {
  const requests: AccessRequest[] = [];
  for (const text of names) {
    const { owner, name, stored } = await locate(call.house.store, text ?? '', call);
    requests.push({
      action: `ssm:${action}`,
      resource: parameterArn(owner, name),
      ...(owner.account === call.account ? {} : { resourceAccount: owner.account }),
      ...resourcePoliciesOf(stored?.document),
    });
  }
  return requests;
}

export function resourcePoliciesOf(parameter: Parameter | undefined): Pick<AccessRequest, 'resourcePolicies'> {
  if (parameter?.policies === undefined || parameter.policies.length === 0) return {};
  return {
    resourcePolicies: parameter.policies.map(({ id, policy }) => ({
      name: `resource policy ${id} of ${parameter.name}`,
      document: policy,
    })),
  };
}

export async function requireParameter(q: Queryable, scope: Scope, name: string): Promise<Stored<Parameter>> {
  const found = await parameters.getForUpdate(q, parameterKey(scope, name));
  if (found === undefined) throw notFound(name);
  return found;
}

export function notFound(name: string): AwsError {
  return new AwsError('ParameterNotFound', `Parameter ${name} not found.`);
}

export function latest(parameter: Parameter): ParameterVersion {
  const version = parameter.versions.at(-1);
  if (version === undefined) throw new Error(`parameter ${parameter.name} has no version`);
  return version;
}
