/**
 * AWS managed keys (`alias/aws/s3` and its like): one per service, account and Region, made the first time somebody
 * refers to it. Their policy lets the principals of the account use them through that service alone, and nobody change it.
 * Source: KMS Developer Guide, "AWS managed keys"; API Reference, `DescribeKey`.
 */
import { DAY_MS, formatArn } from '../../common/index.ts';
import type { Call } from '../service.ts';
import { newMaterial } from './key-material.ts';
import { aliases, findKey, type Key, type KeyReference, keys } from './records.ts';
import { MANAGED_PERIOD_DAYS, scheduleRotation } from './rotation-loop.ts';

/** Services with such a key, and how AWS's description names what it protects. */
const DESCRIPTIONS: Readonly<Record<string, string>> = {
  codeartifact: 'Default key that protects my CodeArtifact repositories when no other key is defined',
  codecommit: 'Default key that protects my CodeCommit repositories when no other key is defined',
  dynamodb: 'Default key that protects my DynamoDB data when no other key is defined',
  ebs: 'Default key that protects my EBS volumes when no other key is defined',
  elasticfilesystem: 'Default key that protects my EFS filesystems when no other key is defined',
  kinesis: 'Default key that protects my Kinesis streams when no other key is defined',
  lambda: 'Default key that protects my Lambda functions when no other key is defined',
  rds: 'Default key that protects my RDS database volumes when no other key is defined',
  s3: 'Default key that protects my S3 objects when no other key is defined',
  secretsmanager: 'Default key that protects my Secrets Manager data when no other key is defined',
  sns: 'Default key that protects my SNS data when no other key is defined',
  sqs: 'Default key that protects my SQS messages when no other key is defined',
  ssm: 'Default key that protects my SSM parameters when no other key is defined',
};

/** Finds or makes the AWS managed key that `reference` names; undefined when it names none of the caller's own account. */
export async function managedKeyFor(call: Call, reference: KeyReference): Promise<Key | undefined> {
  const service = /^alias\/aws\/(\w+)$/.exec(reference.aliasName ?? '')?.[1] ?? '';
  const description = DESCRIPTIONS[service];
  if (description === undefined || reference.account !== call.account) return undefined;
  const { house } = call;
  const { account, region } = reference;
  const keyId = house.ids.uuid();
  const arn = formatArn('kms', region, account, `key/${keyId}`);
  const key: Key = {
    keyId,
    arn,
    account,
    region,
    description,
    state: 'Enabled',
    createdAt: call.now,
    manager: 'AWS',
    policy: managedKeyPolicy(service, account, region),
    tags: {},
    rotation: { periodInDays: MANAGED_PERIOD_DAYS, nextAt: call.now + MANAGED_PERIOD_DAYS * DAY_MS },
    materials: [newMaterial(house, arn, 1, house.ids.bytes(32))],
  };
  const aliasName = `alias/aws/${service}`;
  return house.store.transaction(async (tx) => {
    const alias = { aliasName, keyId, createdAt: call.now, updatedAt: call.now };
    const first = await aliases.insert(tx, { account, region, id: aliasName }, alias, {
      parent: keyId,
      sort: aliasName,
    });
    if (!first) return findKey(tx, reference);
    await keys.insert(tx, { account, region, id: keyId }, key);
    await scheduleRotation(house, tx, key, call.now + MANAGED_PERIOD_DAYS * DAY_MS, MANAGED_PERIOD_DAYS);
    return key;
  });
}

function managedKeyPolicy(service: string, account: string, region: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: `auto-${service}-1`,
    Statement: [
      {
        Sid: `Allow access through ${service} for all principals in the account that are authorized to use ${service}`,
        Effect: 'Allow',
        Principal: { AWS: '*' },
        Action: [
          'kms:Encrypt',
          'kms:Decrypt',
          'kms:ReEncrypt*',
          'kms:GenerateDataKey*',
          'kms:CreateGrant',
          'kms:DescribeKey',
        ],
        Resource: '*',
        Condition: {
          StringEquals: { 'kms:CallerAccount': account, 'kms:ViaService': `${service}.${region}.amazonaws.com` },
        },
      },
      {
        Sid: 'Allow direct access to key metadata to the account',
        Effect: 'Allow',
        Principal: { AWS: formatArn('iam', '', account, 'root') },
        Action: ['kms:Describe*', 'kms:Get*', 'kms:List*', 'kms:RevokeGrant'],
        Resource: '*',
      },
    ],
  });
}
