/** The official clients of one server. One try each: what was not answered is the driver's to remember as unknown. */
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { CodeDeployClient } from '@aws-sdk/client-codedeploy';
import { CodePipelineClient } from '@aws-sdk/client-codepipeline';
import { EventBridgeClient } from '@aws-sdk/client-eventbridge';
import { IAMClient } from '@aws-sdk/client-iam';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { S3Client } from '@aws-sdk/client-s3';
import { SQSClient } from '@aws-sdk/client-sqs';
import { STSClient } from '@aws-sdk/client-sts';

export type Credentials = Readonly<{ accessKeyId: string; secretAccessKey: string }>;

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';

export class Clients {
  readonly url: string;
  readonly codepipeline: CodePipelineClient;
  readonly codedeploy: CodeDeployClient;
  readonly cloudwatch: CloudWatchClient;
  readonly events: EventBridgeClient;
  readonly iam: IAMClient;
  readonly lambda: LambdaClient;
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly sts: STSClient;

  constructor(url: string, credentials: Credentials = { accessKeyId: 'test', secretAccessKey: 'test' }) {
    this.url = url;
    const config = { endpoint: url, region: REGION, credentials, maxAttempts: 1 };
    this.codepipeline = new CodePipelineClient(config);
    this.codedeploy = new CodeDeployClient(config);
    this.cloudwatch = new CloudWatchClient(config);
    this.events = new EventBridgeClient(config);
    this.iam = new IAMClient(config);
    this.lambda = new LambdaClient(config);
    this.s3 = new S3Client({ ...config, forcePathStyle: true });
    this.sqs = new SQSClient(config);
    this.sts = new STSClient(config);
  }
}

/** What became of a call whose answer is not "yes": it was refused, or nobody knows. */
export type Failure = 'Refused' | 'Unknown';

export function failureOf(error: unknown): Failure {
  const { name, $metadata: metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = metadata?.httpStatusCode;
  if (status === undefined || status >= 500 || name === 'TimeoutError') return 'Unknown';
  return 'Refused';
}
