/**
 * The credential report: a line for the root and for each user, as CSV.
 * Source: IAM User Guide, "Generate credential reports for your AWS account"; IAM API Reference.
 */
import type { GenerateCredentialReportResponse, GetCredentialReportResponse } from '@aws-sdk/client-iam';
import { AwsError, HOUR_MS, isoSeconds } from '../../common/index.ts';
import {
  type AccessKeyRecord,
  accessKeys,
  collection,
  globalKey,
  type Queryable,
  userParent,
  users,
  uses,
} from '../../store/index.ts';
import { type Call, operation } from '../index.ts';

type Report = Readonly<{ generatedAt: number; content: string }>;

const reports = collection<Report>('iam.credential-report');
/** A report is made anew at most every four hours. */
const FRESH_MS = 4 * HOUR_MS;

export const generateCredentialReport = operation<object, GenerateCredentialReportResponse>({
  handle: async (_, call) => {
    const { store } = call.house;
    const key = { account: call.account, region: '', id: 'report' };
    const last = (await reports.get(store, key))?.document;
    if (last !== undefined && call.now - last.generatedAt < FRESH_MS) return { State: 'COMPLETE' };
    await reports.put(store, key, { generatedAt: call.now, content: await contentOf(store, call) });
    return { State: 'STARTED', Description: 'No report exists. Starting a new report generation task' };
  },
});

export const getCredentialReport = operation<object, GetCredentialReportResponse>({
  handle: async (_, call) => {
    const report = (await reports.get(call.house.store, { account: call.account, region: '', id: 'report' }))?.document;
    if (report === undefined) throw new AwsError('CredentialReportNotPresentException', 'There is no report.');
    if (call.now - report.generatedAt >= FRESH_MS) {
      throw new AwsError('CredentialReportExpiredException', 'The report has expired.');
    }
    return {
      Content: Buffer.from(report.content),
      ReportFormat: 'text/csv',
      GeneratedTime: new Date(report.generatedAt),
    };
  },
});

const NONE = 'N/A';
const KEY_COLUMNS = ['active', 'last_rotated', 'last_used_date', 'last_used_region', 'last_used_service'];
const HEADER: readonly string[] = [
  'user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active',
  ...[1, 2].flatMap((i) => KEY_COLUMNS.map((column) => `access_key_${i}_${column}`)),
  'cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated',
];

async function contentOf(q: Queryable, { account, now }: Call): Promise<string> {
  const root = `arn:aws:iam::${account}:root`;
  const lines: (readonly string[])[] = [HEADER, await lineOf(q, account, '<root_account>', root, now, '')];
  for (const { document: user } of await users.list(q, { account })) {
    lines.push(await lineOf(q, account, user.userName, user.arn, user.createdAt, user.userName));
  }
  return lines.map((line) => line.join(',')).join('\n');
}

/** `owner`: the user name of the keys; empty for the root's. */
async function lineOf(
  q: Queryable,
  account: string,
  name: string,
  arn: string,
  createdAt: number,
  owner: string,
): Promise<string[]> {
  const keys = (await accessKeys.list(q, { parent: userParent(account, owner) })).map(({ document }) => document);
  const password = ['false', NONE, NONE, NONE, 'false'];
  const certificates = ['false', NONE, 'false', NONE];
  return [
    name,
    arn,
    isoSeconds(createdAt),
    ...password,
    ...(await keyColumns(q, keys[0])),
    ...(await keyColumns(q, keys[1])),
    ...certificates,
  ];
}

async function keyColumns(q: Queryable, key: AccessKeyRecord | undefined): Promise<string[]> {
  if (key === undefined) return ['false', NONE, NONE, NONE, NONE];
  const use = (await uses.get(q, globalKey(key.accessKeyId)))?.document;
  const used = use === undefined ? [NONE, NONE, NONE] : [isoSeconds(use.at), use.region, use.service];
  return [String(key.status === 'Active'), isoSeconds(key.createdAt), ...used];
}
