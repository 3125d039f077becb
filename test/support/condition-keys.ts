/**
 * Which condition keys of AWS's reference the calls of Sluice have, found by asking: every operation, with a small input,
 * with tags, and with every member that gives a key; and why the others are absent.
 */
import type { Explained } from '../../src/app/authorizer.ts';
import type { TestSluice } from '../../src/app/testing.ts';
import type { Principal } from '../../src/common/index.ts';
import {
  actionFacts,
  type AuthorizationReference,
  type Reference,
  type ServiceModel,
  type Shape,
} from '../../src/protocol/index.ts';
import type { Input } from './bad-input-seeds.ts';
import { plausible } from './bad-input.ts';
import type { PreparedAccount } from './prepared-account.ts';

const GRANTS = 'the constraints of a grant are seen as kms:GrantConstraintType';

/** By the key as the data write it, or its beginning followed by `*`; ` of <action>` where it is so for one action. */
export const ABSENT: Readonly<Record<string, string>> = {
  'accounts.google.com:*': 'of web identities: test/wire/sts-web-identity.test.ts',
  'cognito-identity.amazonaws.com:*': 'Sluice has no such identity provider',
  'graph.facebook.com:*': 'Sluice has no such identity provider',
  'www.amazon.com:*': 'Sluice has no such identity provider',
  'saml:*': 'Sluice has no SAML',
  'aws:ResourceTag/${TagKey} of cloudwatch:GetMetricData': 'Sluice has no datasets',
  'aws:ResourceTag/${TagKey} of cloudwatch:ListMetrics': 'Sluice has no datasets',
  'aws:ResourceTag/${TagKey} of cloudwatch:PutMetricData': 'Sluice has no datasets',
  'aws:ResourceTag/${TagKey} of kms:CreateKey': 'what is made has no tags yet',
  'aws:ResourceTag/${TagKey} of organizations:CreateAccount': 'what is made has no tags yet',
  'aws:ResourceTag/${TagKey} of organizations:CreatePolicy': 'what is made has no tags yet',
  'aws:ResourceTag/${TagKey} of s3:ListBucketMultipartUploads':
    'tags of a bucket count only where access control by tags is switched on for it, which Sluice has not',
  'cloudformation:StackPolicyUrl of cloudformation:CreateChangeSet': 'a change set brings no stack policy',
  'cloudwatch:HasAccessGrant': 'Sluice has no datasets',
  'codebuild:environment.environmentVariables.value': 'a value may be a secret, and a context is kept with a denial',
  'codebuild:environment.environmentVariables/${name}.value':
    'a value may be a secret, and a context is kept with a denial',
  'events:ManagedBy': 'Sluice has no rules that a service manages',
  'events:SystemMetadata/*': 'Sluice has no event sources that give it',
  'events:eventBusInvocation': 'Sluice delivers from bus to bus as EventBridge itself',
  'iam:RoleTemplateARN': 'Sluice has no role templates',
  'kms:EncryptionContext:${EncryptionContextKey} of kms:CreateGrant': GRANTS,
  'kms:EncryptionContext:${EncryptionContextKey} of kms:RetireGrant': GRANTS,
  'kms:EncryptionContextKeys of kms:CreateGrant': GRANTS,
  'kms:EncryptionContextKeys of kms:RetireGrant': GRANTS,
  'kms:GrantConstraintSourceArn': 'Sluice has no such constraint of grants',
  'kms:GranteeServicePrincipal': 'Sluice has no grants for services',
  'kms:RetiringServicePrincipal': 'Sluice has no grants for services',
  'kms:RecipientAttestation:*': 'Sluice runs no enclaves',
  'kms:TrailingDaysWithoutKeyUsage': 'Sluice does not keep when a key was last used',
  'lambda:EventSourceToken': 'Sluice has no Alexa skills',
  'lambda:FunctionArn': 'Sluice has no function URLs',
  'lambda:FunctionUrlAuthType of lambda:GetFunctionUrlConfig': 'Sluice has no function URLs',
  'lambda:FunctionUrlAuthType of lambda:ListFunctionUrlConfigs': 'Sluice has no function URLs',
  'lambda:FunctionUrlAuthType of lambda:RemovePermission': 'Sluice has no function URLs',
  'lambda:InvokedViaFunctionUrl': 'Sluice has no function URLs',
  'lambda:VpcIds': 'Sluice knows no VPC by its subnets',
  'organizations:Transfer*': 'Sluice has no transfers of responsibility',
  's3:AccessGrantsInstanceArn': 'Sluice has no access grants',
  's3:AccessPoint*': 'Sluice has no access points',
  's3:DataAccessPoint*': 'Sluice has no access points',
  's3:* of s3:CreateBucket': 'there is no bucket yet',
  's3:* of s3:ListAllMyBuckets': 'there is no one bucket',
  's3:* of s3:TagResource': 'there is no bucket yet: tags are put on while one is made',
  's3:ExistingObjectTag/<key> of s3:PutObjectAcl': 'access control lists are not implemented',
  's3:if-match of s3:DeleteObject': 'IfMatch of DeleteObject is not implemented',
  's3:x-amz-grant-write': 'an object has no such grant',
  's3:isReplicationPauseRequest': 'Sluice does not replicate buckets',
  's3:object-lock-*': 'Sluice has no object lock',
  's3:x-amz-object-annotation-directive': 'Sluice has no annotations',
  'secretsmanager:KmsKeyArn': 'only the key as it is written is known here: secretsmanager:KmsKeyId',
  'secretsmanager:resource/*': 'Sluice has no rotation',
  'secretsmanager:SecretPrimaryRegion': 'Sluice has no replicas of secrets',
};

/** Members that give a key in a handler's own code, not by `context.json`. */
const MORE: Readonly<Record<string, readonly Input[]>> = {
  'iam.CreateRole': [{ PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' }],
  'iam.CreateUser': [{ PermissionsBoundary: 'arn:aws:iam::aws:policy/AdministratorAccess' }],
  'sns.Subscribe': [{ Protocol: 'sqs', Endpoint: 'arn:aws:sqs:us-east-1:000000000000:demo' }],
  's3.CreateBucket': [{ CreateBucketConfiguration: { Tags: [{ Key: 'team', Value: 'red' }] } }],
  's3.PutObject': [{ Tagging: 'team=red', GrantRead: 'id=demo', IfMatch: 'demo' }, { IfNoneMatch: '*' }],
  'kms.CreateGrant': [{ Constraints: { EncryptionContextEquals: { team: 'red' } }, RetiringPrincipal: 'demo' }],
  'kms.ReEncrypt': [
    {
      SourceEncryptionContext: { team: 'red' },
      DestinationEncryptionContext: { team: 'red' },
      SourceKeyId: 'alias/demo',
    },
  ],
  'secretsmanager.GetSecretValue': [{ VersionStage: 'AWSCURRENT' }],
  'events.PutRule': [
    {
      EventPattern: JSON.stringify({
        source: ['aws.health'],
        'detail-type': ['demo'],
        detail: { service: ['EC2'], eventTypeCode: ['demo'], userIdentity: { principalId: ['demo'] } },
      }),
    },
  ],
  'sts.AssumeRole': [
    {
      ExternalId: 'demo',
      SourceIdentity: 'demo',
      RoleSessionName: 'demo',
      DurationSeconds: 900,
      Tags: [{ Key: 'team', Value: 'red' }],
      TransitiveTagKeys: ['team'],
    },
  ],
};

/** The key of a context as the data would write it, for those with a name in them. */
export function patternsOf(key: string): readonly string[] {
  const folded = key.toLowerCase();
  const out = [folded];
  for (const [of, to] of [
    [/^(aws|iam):(requesttag|resourcetag)\/.*$/s, '$1:$2/${tagkey}'],
    [/^(secretsmanager|ssm):resourcetag\/.*$/s, '$1:resourcetag/tag-key'],
    [/^(s3):(existingobjecttag|requestobjecttag)\/.*$/s, '$1:$2/<key>'],
    [/^(s3):(buckettag)\/.*$/s, '$1:$2/${tagkey}'],
    [/^(kms:encryptioncontext):.*$/s, '$1:${encryptioncontextkey}'],
    [/^(codebuild:secondarysources)\/[^.]*/, '$1/${sourceidentifier}'],
    [/^(codebuild:secondaryartifacts)\/[^.]*/, '$1/${artifactidentifier}'],
    [/^(codebuild:filesystemlocations)\/[^.]*/, '$1/${identifier}'],
  ] as const)
    if (of.test(folded)) out.push(folded.replace(of, to));
  return out;
}

export type KeysOfAction = Readonly<{ action: string; has: ReadonlySet<string>; listed: readonly string[] }>;

/** A signed request over TLS. */
const HTTP = {
  sourceIp: '127.0.0.1',
  userAgent: 'test',
  secure: true,
  host: 'localhost',
  headers: { authorization: 'AWS4-HMAC-SHA256', 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' },
  signature: { inUrl: false, at: 0 },
  tlsVersion: '1.3',
};

/** By action, for every action that an operation asks: the keys that the data list with it, and those found in a context. */
export async function observedKeys(
  sluice: TestSluice,
  prepared: PreparedAccount,
  reference: AuthorizationReference,
  principal: Principal,
  skip: (name: string) => boolean,
): Promise<readonly KeysOfAction[]> {
  const found = new Map<string, Set<string>>();
  const scope = { account: sluice.account, region: sluice.region };
  for (const service of sluice.open.services.values())
    for (const operation of Object.keys(service.operations)) {
      if (skip(`${service.name}.${operation}`)) continue;
      const base = prepared.inputOf(service.name, operation);
      const model = sluice.open.models.service(service.name) as ServiceModel;
      for (const more of variants(model, reference, service.name, operation, base, prepared.more)) {
        const input = { ...base, ...more };
        const call = { service: service.name, operation, input, principal, scope };
        // What a service asks with its caller's credentials, and what a client says in headers, are keys too.
        const via = service.name === 'kms' ? { viaService: 's3.us-east-1.amazonaws.com' } : { http: HTTP };
        const { explained } = await sluice.open.door
          .explain({ ...call, ...via })
          .catch(() => ({ explained: [] as readonly Explained[] }));
        for (const each of explained) {
          const { action } = each.input.request;
          const keys = found.get(action) ?? new Set();
          found.set(action, keys);
          for (const key of Object.keys(each.input.context)) for (const name of patternsOf(key)) keys.add(name);
        }
      }
    }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([action, has]) => {
      const facts = actionFacts(reference, action);
      const listed = new Set([
        ...(facts?.facts.keys ?? []),
        ...Object.values(facts?.facts.resources ?? {}).flatMap(({ keys = [] }) => keys),
      ]);
      return { action, has, listed: [...listed].sort() };
    });
}

/** What is put into the small input of an operation, one after the other. */
function variants(
  model: ServiceModel,
  reference: AuthorizationReference,
  service: string,
  operation: string,
  base: Input,
  prepared: PreparedAccount['more'],
): Input[] {
  const name = `${service}.${operation}`;
  const out: Input[] = [{}, ...(MORE[name] ?? []), ...(prepared[name] ?? [])];
  const input = model.operations[operation]?.input;
  if (input === undefined) return out;
  const all: Input = {};
  for (const path of Object.values(reference.contextOf(service, operation)))
    for (const inner of path.includes('{') ? [/\{([^}]+)\}/.exec(path)?.[1] ?? ''] : [path])
      place(model, input, all, stepsOf(inner));
  out.push(all, everyMember(model, input, base));
  if (service === 'kms') out.push({ KeyId: 'alias/demo' });
  const tags = taggedInput(model, input);
  if (tags !== undefined) out.push(tags);
  return out;
}

/** Whatever member the small input leaves out, with a plausible value. */
function everyMember(model: ServiceModel, input: Reference, base: Input): Input {
  const members = Object.entries((model.shapes[input.shape] as Shape).members ?? {});
  const all = members.map(([name, member]) => [name, plausible(model, member, name)]);
  return { ...Object.fromEntries(all), ...base };
}

/** A tag `team` of `red` in the member that holds tags, or its name where keys are named; undefined: there is none. */
export function taggedInput(model: ServiceModel, input: Reference): Input | undefined {
  const shape = model.shapes[input.shape] as Shape;
  for (const [name, member] of Object.entries(shape.members ?? {})) {
    const of = model.shapes[member.shape] as Shape;
    if (/^tag-?keys$/i.test(name)) return { [name]: ['team'] };
    if (!/^tags$/i.test(name)) continue;
    if ((model.shapes[of.member?.shape ?? ''] as Shape | undefined)?.type === 'string') return { [name]: ['team'] };
    if (of.type === 'map') return { [name]: { team: 'red' } };
    const [key, value] = Object.keys((model.shapes[of.member?.shape ?? ''] as Shape).members ?? {}).sort();
    if (key !== undefined && value !== undefined) return { [name]: [{ [key]: 'team', [value]: 'red' }] };
  }
  return undefined;
}

function stepsOf(path: string): string[] {
  return path
    .replace(/\?$/, '')
    .replaceAll('[]', '.[]')
    .replace(/\[(\w+)\]/, '.[]')
    .split('.');
}

/** Puts a plausible value where the steps lead, with all that is required on the way. */
function place(model: ServiceModel, at: Reference, into: Record<string, unknown>, steps: readonly string[]): void {
  const [step = '', ...rest] = steps;
  const member = (model.shapes[at.shape] as Shape).members?.[step];
  if (member === undefined) throw new Error(`no member ${step} in ${at.shape}`);
  const shape = model.shapes[member.shape] as Shape;
  if (rest.length === 0 || shape.type !== 'structure') {
    const made = plausible(model, member, step);
    into[step] ??= made;
    if (shape.type === 'list' && rest.length > 1) {
      const list = into[step] as Record<string, unknown>[];
      for (const element of list) {
        const itemShape = model.shapes[(shape.member as Reference).shape] as Shape;
        for (const [name, child] of Object.entries(itemShape.members ?? {}))
          if (/identifier$/i.test(name)) element[name] ??= plausible(model, child, name);
        place(model, shape.member as Reference, element, rest.slice(1));
      }
    }
    return;
  }
  into[step] ??= plausible(model, member, step);
  place(model, member, into[step] as Record<string, unknown>, rest);
}

/** The entry of `ABSENT` that says why `action` has not `key`. */
export function absenceOf(key: string, action: string): string | undefined {
  return Object.keys(ABSENT).find((entry) => {
    const [of = '', only] = entry.split(' of ');
    if (only !== undefined && only !== action) return false;
    return of.endsWith('*') ? key.startsWith(of.slice(0, -1)) : key === of;
  });
}

/** Puts a tag `team` on one resource of every kind that can have one. */
export async function tagEverything(sluice: TestSluice, prepared: PreparedAccount): Promise<void> {
  for (const service of sluice.open.services.values())
    for (const operation of Object.keys(service.operations)) {
      if (
        !/^(?:TagResource|TagQueue|TagRole|TagUser|TagPolicy|TagInstanceProfile|TagOpenIDConnectProvider|AddTagsToResource|PutObjectTagging|PutBucketTagging)$/.test(
          operation,
        )
      )
        continue;
      const model = sluice.open.models.service(service.name) as ServiceModel;
      const tags = taggedInput(model, model.operations[operation]?.input as Reference);
      const Tagging = { Tagging: { TagSet: [{ Key: 'team', Value: 'red' }] } };
      const input = { ...prepared.inputOf(service.name, operation), ...(tags ?? Tagging) };
      await prepared.call(service.name, operation, input);
    }
  await prepared.call('iam', 'TagRole', { RoleName: 'delegating', Tags: [{ Key: 'team', Value: 'red' }] });
  const PermissionsBoundary = 'arn:aws:iam::aws:policy/AdministratorAccess';
  await prepared.call('iam', 'PutUserPermissionsBoundary', { UserName: 'demo', PermissionsBoundary });
  await prepared.call('iam', 'PutRolePermissionsBoundary', { RoleName: 'demo', PermissionsBoundary });
}

type Entry = { filled: string[]; absent: string[]; reason?: string | undefined };

/** docs/reference/condition-keys.md. */
export function conditionKeysPage(observed: readonly KeysOfAction[]): string {
  const services = new Map<string, Map<string, Entry>>();
  for (const { action, has, listed } of observed) {
    const [prefix = '', name = ''] = action.split(':');
    const keys = services.get(prefix) ?? new Map<string, Entry>();
    services.set(prefix, keys);
    for (const key of listed) {
      const entry: Entry = keys.get(key) ?? { filled: [], absent: [] };
      keys.set(key, entry);
      if (has.has(key.toLowerCase())) entry.filled.push(name);
      else {
        entry.absent.push(name);
        entry.reason = ABSENT[absenceOf(key, action) ?? ''];
      }
    }
  }
  const sections = [...services].map(([prefix, keys]) => {
    const rows = [...keys]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, { filled, absent, reason }]) => {
        const shown = (names: readonly string[]): string =>
          [...names]
            .sort()
            .map((name) => `\`${name}\``)
            .join(', ');
        return `| \`${key}\` | ${shown(filled) || '-'} | ${absent.length === 0 ? '' : `${shown(absent)}: ${reason}`} |`;
      });
    return rows.length === 0
      ? ''
      : `## ${prefix}\n\n| key | with | not with |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
  });
  return `# Condition keys

Generated by \`npm run condition-keys\` from AWS's service authorization reference (\`models/authorization/\`) and the running
house; do not edit.

Which of the condition keys that AWS lists with an action a call of Sluice has, by IAM action of the implemented operations.
Global keys (\`aws:SourceIp\`, \`aws:PrincipalOrgID\` and the like) are with every call and not listed here, but for the keys of
tags. \`aws:ResourceTag/...\` is there where the resource has tags, and read only if a policy asks for it.

${sections.filter((section) => section !== '').join('\n')}`;
}
