/**
 * What a service asks of a policy before it keeps it on a resource: is it a well-formed resource policy, is it public,
 * does it leave somebody able to change it? Whether a call is allowed is `core/policy`'s business.
 * Source: IAM User Guide, "Grammar of the IAM JSON policy language"; S3 User Guide, "The meaning of public".
 */

import { compileGlob, validatePolicyDocument } from '../policy/index.ts';

type Statement = Readonly<Record<string, unknown>>;

/** Undefined for a well-formed resource policy, else what is wrong with it, as a sentence. */
export function resourcePolicyProblem(text: string): string | undefined {
  const policy = parse(text);
  if (policy === undefined) return 'This policy contains invalid Json';
  if (policy['Version'] !== undefined && policy['Version'] !== '2012-10-17' && policy['Version'] !== '2008-10-17') {
    return 'The policy must contain a valid version string';
  }
  if (Object.keys(policy).some((key) => !['Version', 'Id', 'Statement'].includes(key))) return 'Unknown field';
  const statements = list(policy['Statement']);
  if (statements.length === 0) return 'Could not parse the policy: Statement is empty!';
  const sids = new Set<string>();
  for (const statement of statements) {
    if (!isObject(statement)) return 'Statement is invalid';
    const problem = statementProblem(statement);
    if (problem !== undefined) return problem;
    const sid = statement['Sid'];
    if (typeof sid === 'string' && sid !== '') {
      if (sids.has(sid)) return 'Statement IDs (SID) in a single policy must be unique.';
      sids.add(sid);
    }
  }
  // What this has no words of its own for: keys given twice, operators, values and Sids.
  const check = validatePolicyDocument(text, 'resource');
  return check.ok ? undefined : check.message;
}

const STATEMENT_MEMBERS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
]);

function statementProblem(statement: Statement): string | undefined {
  const unknown = Object.keys(statement).find((key) => !STATEMENT_MEMBERS.has(key));
  if (unknown !== undefined) return `Unknown field ${unknown}`;
  if (statement['Effect'] !== 'Allow' && statement['Effect'] !== 'Deny') {
    const effect = statement['Effect'];
    return `Invalid effect: ${typeof effect === 'object' ? 'an object' : String(effect)}`;
  }
  for (const member of ['Principal', 'Action', 'Resource'] as const) {
    const both = [statement[member], statement[`Not${member}`]].filter((value) => value !== undefined);
    if (both.length !== 1) {
      return both.length === 0
        ? `Missing required field ${member}`
        : `Statement must not have both ${member} and Not${member}`;
    }
    if (member !== 'Principal' && !isStrings(both[0])) return `Policy has invalid ${member.toLowerCase()}`;
  }
  if (
    list(statement['Action'] ?? statement['NotAction']).some(
      (action) => !/^(\*|[\w*?-]+:[\w*?]+)$/.test(String(action)),
    )
  ) {
    return 'Policy has invalid action';
  }
  if (principalsOf(statement['Principal'] ?? statement['NotPrincipal']) === undefined) {
    return 'Invalid principal in policy';
  }
  const condition = statement['Condition'];
  if (condition !== undefined && (!isObject(condition) || !Object.values(condition).every(isObject))) {
    return 'Conditions must be of the form operator to key to values';
  }
  return undefined;
}

/** `*`, `arn:aws:iam::A:...`, a service name and so on, or undefined for something that is no principal. */
function principalsOf(value: unknown): readonly string[] | undefined {
  if (value === '*') return ['*'];
  if (!isObject(value) || Object.keys(value).length === 0) return undefined;
  const found: string[] = [];
  for (const [type, names] of Object.entries(value)) {
    if (!isStrings(names)) return undefined;
    for (const name of list(names).map(String)) {
      if (!isPrincipal(type, name)) return undefined;
      found.push(name);
    }
  }
  return found;
}

function isPrincipal(type: string, name: string): boolean {
  switch (type) {
    case 'AWS':
      return (
        name === '*' ||
        /^\d{12}$/.test(name) ||
        /^arn:aws[\w-]*:(iam|sts)::\d{12}:(root|(user|role|assumed-role|federated-user)\/[\w+=,.@/-]+)$/.test(name) ||
        /^A(IDA|ROA)[A-Z0-9]+$/.test(name)
      );
    case 'Service':
      return /^[\w.-]+\.(amazonaws\.com|amazonaws\.com\.cn|aws\.internal)$/.test(name);
    case 'Federated':
    case 'CanonicalUser':
      return name !== '';
    default:
      return false;
  }
}

/**
 * True when some statement allows the action to one of `principals` (the account's root ARN or number, a user, a role
 * or `*`). Conditions are not weighed: this is the safety check on saving, not the decision.
 */
export function allowsAction(text: string, action: string, principals: readonly string[]): boolean {
  return statementsOf(text).some((statement) => reaches(statement, 'Allow', action, principals));
}

/** The same for a deny; one with a condition is taken to spare the request. */
export function deniesAction(text: string, action: string, principals: readonly string[]): boolean {
  return statementsOf(text).some(
    (statement) => statement['Condition'] === undefined && reaches(statement, 'Deny', action, principals),
  );
}

function reaches(statement: Statement, effect: string, action: string, principals: readonly string[]): boolean {
  if (statement['Effect'] !== effect) return false;
  const actions = statement['Action'];
  const covers =
    actions === undefined
      ? !list(statement['NotAction']).some((pattern) => matches(String(pattern), action))
      : list(actions).some((pattern) => matches(String(pattern), action));
  return (
    covers && (principalsOf(statement['Principal']) ?? []).some((name) => name === '*' || principals.includes(name))
  );
}

/** Condition keys whose fixed values keep a `*` principal from being public. */
const NARROWING_KEYS: ReadonlySet<string> = new Set(
  [
    'aws:PrincipalArn',
    'aws:PrincipalAccount',
    'aws:PrincipalOrgID',
    'aws:PrincipalOrgPaths',
    'aws:SourceArn',
    'aws:SourceAccount',
    'aws:SourceOrgID',
    'aws:SourceOrgPaths',
    'aws:SourceIp',
    'aws:SourceVpc',
    'aws:SourceVpce',
    'aws:SourceOwner',
    'aws:userid',
    's3:x-amz-server-side-encryption-aws-kms-key-id',
    's3:DataAccessPointArn',
    's3:DataAccessPointAccount',
  ].map((key) => key.toLowerCase()),
);

/**
 * Whether the policy lets the public in: an Allow to `*` that no condition narrows to fixed values. A value with a
 * wildcard or a policy variable narrows nothing, nor does an address block wider than /8.
 */
export function isPublicPolicy(text: string): boolean {
  return statementsOf(text).some(
    (statement) =>
      statement['Effect'] === 'Allow' &&
      (statement['NotPrincipal'] !== undefined || (principalsOf(statement['Principal']) ?? []).includes('*')) &&
      !isNarrowed(statement['Condition']),
  );
}

function isNarrowed(condition: unknown): boolean {
  if (!isObject(condition)) return false;
  return Object.entries(condition).some(([operator, keys]) => {
    const name = operator.replace(/^For(AnyValue|AllValues):/, '');
    if (
      operator.startsWith('ForAllValues:') ||
      !/^(StringEquals|StringLike|StringEqualsIgnoreCase|Arn(Equals|Like)|IpAddress)$/.test(name)
    ) {
      return false;
    }
    return Object.entries(isObject(keys) ? keys : {}).some(
      ([key, values]) =>
        NARROWING_KEYS.has(key.toLowerCase()) && list(values).every((value) => isFixed(name, String(value))),
    );
  });
}

function isFixed(operator: string, value: string): boolean {
  if (value.includes('${')) return false;
  if (operator === 'IpAddress') {
    const prefix = Number(value.split('/')[1] ?? 32);
    return value.includes(':') ? prefix >= 32 : prefix >= 8;
  }
  // An ARN may leave its resource open as long as it names the account.
  if (value.startsWith('arn:')) return /^\d{12}$/.test(value.split(':')[4] ?? '');
  return !/[*?]/.test(value);
}

function statementsOf(text: string): readonly Statement[] {
  return list(parse(text)?.['Statement']).filter(isObject);
}

function parse(text: string): Statement | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Statement {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isStrings(value: unknown): boolean {
  return list(value).length > 0 && list(value).every((each) => typeof each === 'string');
}

function list(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : [value];
}

/** IAM's wildcards, without regard to case, as actions are compared. */
function matches(pattern: string, text: string): boolean {
  return compileGlob(pattern.toLowerCase())(text.toLowerCase());
}
