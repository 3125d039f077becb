/**
 * The sessions that a pipeline works with: its service role, assumed by CodePipeline itself, and from that session the
 * role of an action, if it has one. Sessions are kept, because a pipeline of many actions would otherwise assume the
 * same role over and over; policies are read at every call, so a grant that is taken away is gone at once, and a trust
 * that is taken away is noticed when the next action starts, at the latest after `FRESH_MS`.
 * Source: CodePipeline User Guide, "Manage the CodePipeline service role", "Configure cross-account access".
 */
import { AwsError, isAwsError, MINUTE_MS, parseArn, type Principal, type Session } from '../../common/index.ts';
import type { House, Scope } from '../service.ts';
import { pipelineArn } from './records.ts';

/** A session older than this is replaced before an action starts. */
const FRESH_MS = MINUTE_MS;
/** A session is not used when it ends sooner than this. */
const MARGIN_MS = 5 * MINUTE_MS;

type Kept = Readonly<{ session: Session; assumedAt: number }>;
const keptSessions = new WeakMap<House, Map<string, Kept>>();

export type RoleUse = Readonly<{
  house: House;
  scope: Scope;
  pipelineName: string;
  serviceRoleArn: string;
  /** Of the action; absent: the service role does its work. */
  actionRoleArn?: string;
  /** Where the action's calls go. */
  region: string;
  /** The start of an action: an old session will not do. */
  fresh?: boolean;
}>;

/** The session an action works with, and the scope of its calls: the account of the role, the Region of the action. */
export async function actionSession(use: RoleUse): Promise<Readonly<{ session: Session; scope: Scope }>> {
  const service = await serviceSession(use);
  const roleArn = use.actionRoleArn ?? use.serviceRoleArn;
  const account = parseArn(roleArn)?.account ?? use.scope.account;
  const scope = { account, region: use.region };
  if (use.actionRoleArn === undefined || use.actionRoleArn === use.serviceRoleArn) return { session: service, scope };
  return { session: await assume(use, use.actionRoleArn, service.principal), scope };
}

export function serviceSession(use: RoleUse): Promise<Session> {
  return assume(use, use.serviceRoleArn, codePipeline(use.scope, use.pipelineName));
}

/** The credentials that job workers get: the service role, limited to the artifacts of the pipeline. */
export async function artifactSession(
  use: RoleUse,
  artifacts: Readonly<{ bucket: string; prefix: string; keyId?: string }>,
): Promise<Session> {
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 's3:PutObjectAcl'],
        Resource: `arn:aws:s3:::${artifacts.bucket}/${artifacts.prefix}*`,
      },
      {
        Effect: 'Allow',
        Action: ['s3:ListBucket', 's3:GetBucketVersioning'],
        Resource: `arn:aws:s3:::${artifacts.bucket}`,
      },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:Encrypt', 'kms:DescribeKey'],
        Resource: '*',
      },
    ],
  };
  return assume(use, use.serviceRoleArn, codePipeline(use.scope, use.pipelineName), JSON.stringify(policy));
}

export function codePipeline(scope: Scope, pipelineName: string): Extract<Principal, { type: 'Service' }> {
  return {
    type: 'Service',
    service: 'codepipeline.amazonaws.com',
    sourceArn: pipelineArn(scope, pipelineName),
    sourceAccount: scope.account,
  };
}

async function assume(use: RoleUse, roleArn: string, by: Principal, policy?: string): Promise<Session> {
  const { house, scope, pipelineName, fresh = false } = use;
  let kept = keptSessions.get(house);
  if (kept === undefined) keptSessions.set(house, (kept = new Map()));
  const chain = by.type === 'AssumedRole' ? by.roleArn : '';
  const id = [scope.account, scope.region, pipelineName, chain, roleArn, policy ?? ''].join('\n');
  const now = house.clock.now();
  const known = kept.get(id);
  if (
    known !== undefined &&
    known.session.expiresAt - now > MARGIN_MS &&
    (!fresh || now - known.assumedAt <= FRESH_MS)
  ) {
    return known.session;
  }
  const session = await house.door
    .assumeRole({
      roleArn,
      sessionName: pipelineName.slice(0, 64),
      by,
      region: scope.region,
      ...(policy === undefined ? {} : { policy }),
    })
    .catch((error: unknown) => {
      if (!isAwsError(error, 'AccessDeniedException')) throw error;
      const who = by.type === 'AssumedRole' ? by.roleArn : 'CodePipeline';
      // In CodePipeline's own words, as when a pipeline is saved.
      throw new AwsError(error.code, `${who} is not authorized to perform AssumeRole on role ${roleArn}`, {
        statusCode: 403,
        cause: error,
      });
    });
  if (kept.size > 1_000) kept.clear();
  kept.set(id, { session, assumedAt: now });
  return session;
}
