/**
 * What CloudTrail makes of a call: a management event, which its event history shows, or a data event, which it does not;
 * and whether the call only reads.
 */

/**
 * Calls on the data within a resource, by service. Source: CloudTrail User Guide, "Logging data events"; for S3 also its
 * User Guide, "Amazon S3 CloudTrail events". PutLogEvents and PutEvents are in neither history.
 */
const DATA: Readonly<Record<string, ReadonlySet<string>>> = {
  s3: new Set(
    `AbortMultipartUpload CompleteMultipartUpload CopyObject CreateMultipartUpload DeleteObject DeleteObjectTagging
     DeleteObjects GetObject GetObjectAcl GetObjectAttributes GetObjectLegalHold GetObjectRetention GetObjectTagging
     GetObjectTorrent HeadBucket HeadObject ListMultipartUploads ListObjectVersions ListObjects ListObjectsV2 ListParts
     PutObject PutObjectAcl PutObjectLegalHold PutObjectRetention PutObjectTagging RestoreObject SelectObjectContent
     UploadPart UploadPartCopy WriteGetObjectResponse`.split(/\s+/),
  ),
  lambda: new Set(['Invoke', 'InvokeAsync', 'InvokeWithResponseStream']),
  sns: new Set(['Publish', 'PublishBatch']),
  sqs: new Set(
    `ChangeMessageVisibility ChangeMessageVisibilityBatch DeleteMessage DeleteMessageBatch ReceiveMessage SendMessage
     SendMessageBatch`.split(/\s+/),
  ),
  cloudwatch: new Set(['GetMetricData', 'GetMetricStatistics', 'GetMetricWidgetImage', 'ListMetrics', 'PutMetricData']),
  logs: new Set(['PutLogEvents']),
  events: new Set(['PutEvents']),
  appconfig: new Set(['GetConfiguration']),
  appconfigdata: new Set(['GetLatestConfiguration', 'StartConfigurationSession']),
};

export function isDataEvent(service: string, operation: string): boolean {
  return Object.hasOwn(DATA, service) && DATA[service]?.has(operation) === true;
}

const READ_VERBS =
  /^(?:BatchDescribe|BatchGet|BatchCheck|Check|Decode|Describe|Detect|Discover|Estimate|Evaluate|Filter|Get|Head|List|Lookup|Poll|Preview|Search|Select|Simulate|Test|Validate|Verify)/;

/** Reads by what CloudTrail writes of them, whatever their verb. Sources: KMS Developer Guide and IAM User Guide, their log entries. */
const READS: ReadonlySet<string> = new Set(
  `kms:Decrypt kms:Encrypt kms:GenerateDataKey kms:GenerateDataKeyPair kms:GenerateDataKeyPairWithoutPlaintext
   kms:GenerateDataKeyWithoutPlaintext kms:GenerateMac kms:GenerateRandom kms:ReEncrypt kms:Sign kms:DeriveSharedSecret
   sts:AssumeRole sts:AssumeRoleWithSAML sts:AssumeRoleWithWebIdentity`.split(/\s+/),
);

const WRITES: ReadonlySet<string> = new Set([
  'codepipeline:PollForJobs',
  'codepipeline:PollForThirdPartyJobs',
  'codecommit:TestRepositoryTriggers',
]);

export function isReadOnly(service: string, operation: string): boolean {
  const name = `${service}:${operation}`;
  return READS.has(name) || (READ_VERBS.test(operation) && !WRITES.has(name));
}

/** Services of no Region, whose calls are told in one. Source: CloudTrail User Guide, "Global service events". */
const GLOBAL: ReadonlySet<string> = new Set(['iam', 'organizations']);

export function trailRegion(service: string, region: string): string {
  return GLOBAL.has(service) ? 'us-east-1' : region;
}
