/** What may be saved, and in which words it is refused. Reference §3.1. */
import type { ControlPolicyKind, PolicyKind } from '../../../src/core/policy/index.ts';
import { A } from './callers.ts';

const SYNTAX = 'Syntax errors in policy.';
const VENDORLESS = 'Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.';

const document = (statement: object, rest: object = {}): object => ({
  Version: '2012-10-17',
  ...rest,
  Statement: [statement],
});
const identity = (rest: object = {}): object => document({ Effect: 'Allow', Action: 's3:*', Resource: '*', ...rest });
const trust = (rest: object = {}): object =>
  document({ Effect: 'Allow', Action: 'sts:AssumeRole', Principal: { Service: 'lambda.amazonaws.com' }, ...rest });
const resource = (rest: object = {}): object =>
  document({ Effect: 'Allow', Action: 's3:*', Resource: '*', Principal: '*', ...rest });
const condition = (block: unknown): object => identity({ Condition: block });

/** `[kind, document, message of the refusal or none]` */
export const GRAMMAR_CASES: readonly (readonly [kind: PolicyKind, document: unknown, message: string | undefined])[] = [
  // The document.
  ['identity', identity(), undefined],
  ['identity', { Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' } }, undefined],
  ['identity', { Version: '2008-10-17', Statement: [] }, 'Could not parse the policy: Statement is empty!'],
  ['identity', '', SYNTAX],
  ['identity', 'null', SYNTAX],
  ['identity', '"policy"', SYNTAX],
  ['identity', '[]', SYNTAX],
  ['identity', '{"Version":"2012-10-17","Statement":[', SYNTAX],
  ['identity', {}, SYNTAX],
  ['identity', { Version: '2012-10-17', Statement: 'Allow' }, SYNTAX],
  ['identity', { ...identity(), Version: '2012-10-18' }, 'The policy must contain a valid version string'],
  ['identity', { ...identity(), Version: 2012 }, 'The policy must contain a valid version string'],
  ['identity', { ...identity(), Id: 'mine' }, SYNTAX],
  ['trust', { ...trust(), Id: 'mine' }, undefined],
  ['resource', { ...resource(), Id: 'mine' }, undefined],
  ['identity', { ...identity(), version: '2012-10-17' }, SYNTAX],
  ['identity', { ...identity(), Comment: 'x' }, SYNTAX],
  ['identity', '{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}', SYNTAX],
  ['identity', '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Statement":[]}', SYNTAX],
  [
    'identity',
    '{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:x":"true"},"Bool":{"aws:y":"true"}}}}',
    SYNTAX,
  ],
  // Statements: elements, and exactly one of each pair.
  ['identity', identity({ Sid: 'Reads3' }), undefined],
  ['identity', identity({ Sid: '' }), undefined],
  [
    'identity',
    identity({ Sid: 'with space' }),
    'Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*',
  ],
  ['resource', resource({ Sid: 'Enable IAM User Permissions' }), undefined],
  ['identity', identity({ Sid: 5 }), SYNTAX],
  [
    'identity',
    {
      Statement: [
        { Sid: 'A', Effect: 'Allow', Action: '*', Resource: '*' },
        { Sid: 'A', Effect: 'Deny', Action: '*', Resource: '*' },
      ],
    },
    'Statement IDs (SID) in a single policy must be unique.',
  ],
  ['identity', identity({ Effect: 'Deny' }), undefined],
  ['identity', identity({ Effect: 'allow' }), SYNTAX],
  ['identity', identity({ Effect: ['Allow'] }), SYNTAX],
  ['identity', identity({ Effect: undefined }), SYNTAX],
  ['trust', trust({ Effect: undefined }), 'Missing required field Effect'],
  ['trust', trust({ Effect: 'Maybe' }), 'Invalid effect: Maybe'],
  ['identity', identity({ Action: undefined }), 'Policy statement must contain actions.'],
  ['identity', identity({ Action: [] }), 'Policy statement must contain actions.'],
  ['identity', identity({ Action: undefined, NotAction: 'iam:*' }), undefined],
  ['identity', identity({ NotAction: 'iam:*' }), SYNTAX],
  ['identity', identity({ Action: 5 }), SYNTAX],
  ['identity', identity({ Action: ['s3:*', null] }), SYNTAX],
  ['identity', identity({ Resource: undefined }), 'Policy statement must contain resources.'],
  ['identity', identity({ Resource: undefined, NotResource: 'arn:aws:s3:::b' }), undefined],
  ['identity', identity({ NotResource: '*' }), SYNTAX],
  ['identity', identity({ Colour: 'red' }), SYNTAX],
  ['identity', identity({ action: 's3:*' }), SYNTAX],
  // Principals: where, and which.
  ['identity', identity({ Principal: '*' }), 'Policy document should not specify a principal.'],
  ['identity', identity({ NotPrincipal: { AWS: A } }), 'Policy document should not specify a principal.'],
  ['trust', trust({ Principal: undefined }), 'Missing required field Principal'],
  ['trust', trust({ NotPrincipal: { AWS: A } }), 'Has prohibited field NotPrincipal'],
  ['resource', resource({ Principal: undefined }), 'Missing required field Principal'],
  ['resource', resource({ Principal: undefined, NotPrincipal: { AWS: A } }), undefined],
  ['resource', resource({ NotPrincipal: { AWS: A } }), SYNTAX],
  ['trust', trust({ Principal: '*' }), undefined],
  ['trust', trust({ Principal: { AWS: '*' } }), undefined],
  ['trust', trust({ Principal: { AWS: [A, `arn:aws:iam::${A}:root`] } }), undefined],
  ['trust', trust({ Principal: { AWS: `arn:aws:iam::${A}:user/path/u` } }), undefined],
  ['trust', trust({ Principal: { AWS: `arn:aws:sts::${A}:assumed-role/R/s` } }), undefined],
  ['trust', trust({ Principal: { AWS: `arn:aws:sts::${A}:federated-user/f` } }), undefined],
  ['trust', trust({ Principal: { AWS: 'AROAEXAMPLE123456789' } }), undefined],
  [
    'trust',
    trust({
      Principal: { Federated: `arn:aws:iam::${A}:oidc-provider/idp.example` },
      Action: 'sts:AssumeRoleWithWebIdentity',
    }),
    undefined,
  ],
  ['trust', trust({ Principal: { AWS: '1111' } }), 'Invalid principal in policy: "AWS":"1111"'],
  [
    'trust',
    trust({ Principal: { AWS: `arn:aws:iam::${A}:role/*` } }),
    `Invalid principal in policy: "AWS":"arn:aws:iam::${A}:role/*"`,
  ],
  [
    'trust',
    trust({ Principal: { AWS: `arn:aws:iam::${A}:group/g` } }),
    `Invalid principal in policy: "AWS":"arn:aws:iam::${A}:group/g"`,
  ],
  ['trust', trust({ Principal: { Service: 'lambda' } }), 'Invalid principal in policy: "Service":"lambda"'],
  ['trust', trust({ Principal: { Service: '*' } }), 'Invalid principal in policy: "Service":"*"'],
  ['resource', resource({ Principal: { Service: '*' } }), 'Invalid principal in policy: "Service":"*"'],
  [
    'trust',
    trust({ Principal: { CanonicalUser: 'f'.repeat(64) } }),
    `Invalid principal in policy: "CanonicalUser":"${'f'.repeat(64)}"`,
  ],
  ['resource', resource({ Principal: { CanonicalUser: 'f'.repeat(64) } }), undefined],
  ['trust', trust({ Principal: { Anybody: 'x' } }), 'Invalid principal in policy: "Anybody":"x"'],
  ['trust', trust({ Principal: {} }), 'Missing required field Principal cannot be empty!'],
  // Trust policies.
  ['trust', 'text', 'This policy contains invalid Json'],
  ['trust', trust({ Resource: '*' }), 'Has prohibited field Resource'],
  ['trust', trust({ NotResource: '*' }), 'Has prohibited field NotResource'],
  ['trust', trust({ Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'] }), undefined],
  ['trust', trust({ Action: 'sts:*' }), undefined],
  ['trust', trust({ Action: '*' }), 'AssumeRole policy may only specify STS AssumeRole actions.'],
  ['trust', trust({ Action: 's3:GetObject' }), 'AssumeRole policy may only specify STS AssumeRole actions.'],
  ['trust', trust({ Condition: { StringEquals: { 'sts:ExternalId': 'x' } } }), undefined],
  // Actions.
  ['identity', identity({ Action: '*' }), undefined],
  ['identity', identity({ Action: 's3:Get*Object?' }), undefined],
  ['identity', identity({ Action: 'GetObject' }), VENDORLESS],
  ['identity', identity({ Action: '' }), VENDORLESS],
  ['identity', identity({ Action: 's3:Get:Object' }), 'Actions/Condition can contain only one colon.'],
  ['identity', identity({ Action: 's*:GetObject' }), 'Vendor s* is not valid'],
  ['identity', identity({ Action: 's3:Get Object' }), SYNTAX],
  // Resources.
  ['identity', identity({ Resource: 'arn:aws:s3:::b/${aws:username}/*' }), undefined],
  ['identity', identity({ Resource: 'bucket' }), 'Resource bucket must be in ARN format or "*".'],
  ['identity', identity({ Resource: '' }), 'Resource  must be in ARN format or "*".'],
  [
    'identity',
    identity({ Resource: 'arn:azure:s3:::b' }),
    'Partition "azure" is not valid for resource "arn:azure:s3:::b".',
  ],
  [
    'identity',
    identity({ Resource: 'arn:aws:s*:::b' }),
    'Resource vendor must be fully qualified and cannot contain regexes.',
  ],
  [
    'identity',
    identity({ Resource: 'arn:aws:s3:us-east-1::b' }),
    'Resource arn:aws:s3:us-east-1::b can not contain region information.',
  ],
  ['identity', identity({ Resource: `arn:aws:s3:us-east-1:${A}:accesspoint/p` }), undefined],
  [
    'identity',
    identity({ Resource: `arn:aws:iam:us-east-1:${A}:role/R` }),
    `IAM resource arn:aws:iam:us-east-1:${A}:role/R cannot contain region information.`,
  ],
  // Conditions.
  ['identity', condition({}), undefined],
  ['identity', condition({ StringEquals: { 'aws:username': ['a', 'b'] } }), undefined],
  ['identity', condition({ 'ForAllValues:StringLikeIfExists': { 'aws:TagKeys': 'a*' } }), undefined],
  ['identity', condition({ Bool: { 'aws:SecureTransport': false } }), undefined],
  ['identity', condition({ Null: { 'aws:TagKeys': 'false' } }), undefined],
  ['identity', condition([]), SYNTAX],
  ['identity', condition('Bool'), SYNTAX],
  ['identity', condition({ StringIs: { 'aws:username': 'a' } }), SYNTAX],
  ['identity', condition({ stringequals: { 'aws:username': 'a' } }), SYNTAX],
  ['identity', condition({ NullIfExists: { 'aws:username': 'true' } }), SYNTAX],
  ['identity', condition({ 'ForSomeValues:StringEquals': { 'aws:username': 'a' } }), SYNTAX],
  ['identity', condition({ StringEquals: 'aws:username' }), SYNTAX],
  ['identity', condition({ StringEquals: { username: 'a' } }), VENDORLESS],
  ['identity', condition({ StringEquals: { 'aws:username': { a: 1 } } }), SYNTAX],
  ['identity', condition({ StringEquals: { 'aws:username': null } }), SYNTAX],
  ['identity', condition({ NumericLessThan: { 's3:max-keys': 'ten' } }), 'The policy failed legacy parsing'],
  ['identity', condition({ NumericLessThan: { 's3:max-keys': 10 } }), undefined],
  ['identity', condition({ DateLessThan: { 'aws:CurrentTime': 'soon' } }), 'The policy failed legacy parsing'],
  ['identity', condition({ DateLessThan: { 'aws:CurrentTime': '2027-01-01T00:00:00Z' } }), undefined],
  ['identity', condition({ IpAddress: { 'aws:SourceIp': '300.0.0.0/8' } }), 'The policy failed legacy parsing'],
  ['identity', condition({ IpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '2001:db8::/32'] } }), undefined],
  ['identity', condition({ Bool: { 'aws:SecureTransport': 'maybe' } }), 'The policy failed legacy parsing'],
];

const scp = (rest: object = {}): object => document({ Effect: 'Deny', Action: 's3:*', Resource: '*', ...rest });
const rcp = (rest: object = {}): object =>
  document({ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: '*', ...rest });

/** `[kind, document, may it be saved]`. Reference §4.1, the lines on SCP and RCP. */
export const CONTROL_POLICY_CASES: readonly (readonly [kind: ControlPolicyKind, document: unknown, valid: boolean])[] =
  [
    ['SERVICE_CONTROL_POLICY', scp(), true],
    ['SERVICE_CONTROL_POLICY', scp({ Effect: 'Allow' }), true],
    ['SERVICE_CONTROL_POLICY', scp({ Effect: 'Allow', Resource: 'arn:aws:s3:::b/*' }), true],
    ['SERVICE_CONTROL_POLICY', scp({ Action: undefined, NotAction: ['iam:*'] }), true],
    ['SERVICE_CONTROL_POLICY', scp({ Condition: { StringNotEquals: { 'aws:RequestedRegion': 'us-east-1' } } }), true],
    ['SERVICE_CONTROL_POLICY', scp({ Action: 's3:*Object*' }), true],
    ['SERVICE_CONTROL_POLICY', scp({ Principal: '*' }), false],
    ['SERVICE_CONTROL_POLICY', scp({ Resource: undefined }), false],
    ['SERVICE_CONTROL_POLICY', 'text', false],
    [
      'SERVICE_CONTROL_POLICY',
      scp({ Resource: Array.from({ length: 200 }, (_, i) => `arn:aws:s3:::bucket-number-${i}/*`) }),
      false,
    ],
    ['RESOURCE_CONTROL_POLICY', rcp(), true],
    [
      'RESOURCE_CONTROL_POLICY',
      rcp({ Action: ['s3:GetObject', 'sts:AssumeRole', 'kms:*', 'sqs:*', 'secretsmanager:*'] }),
      true,
    ],
    ['RESOURCE_CONTROL_POLICY', rcp({ Condition: { StringNotEqualsIfExists: { 'aws:PrincipalOrgID': 'o-1' } } }), true],
    ['RESOURCE_CONTROL_POLICY', rcp({ Principal: { AWS: '*' } }), true],
    ['RESOURCE_CONTROL_POLICY', rcp({ Effect: 'Allow' }), false],
    ['RESOURCE_CONTROL_POLICY', rcp({ Principal: { AWS: A } }), false],
    ['RESOURCE_CONTROL_POLICY', rcp({ Principal: undefined, NotPrincipal: { AWS: A } }), false],
    ['RESOURCE_CONTROL_POLICY', rcp({ Principal: undefined }), false],
    ['RESOURCE_CONTROL_POLICY', rcp({ Action: '*' }), false],
    ['RESOURCE_CONTROL_POLICY', rcp({ Action: 'ec2:*' }), false],
    ['RESOURCE_CONTROL_POLICY', rcp({ Action: undefined, NotAction: 's3:*' }), false],
  ];
