/** Source / S3: one object of a versioned bucket, byte for byte. Source: User Guide, "Amazon S3 source action reference". */
import type { Readable } from 'node:stream';
import type { GetBucketVersioningOutput, GetObjectOutput, HeadObjectOutput } from '@aws-sdk/client-s3';
import { isAwsError } from '../../../common/index.ts';
import type { Client } from '../../service.ts';
import { isDenial } from '../artifacts.ts';
import { ActionFailure, type ActionProvider, type ActionRun } from './action.ts';

const SUMMARY_METADATA = 'codepipeline-artifact-revision-summary';

export const s3Source: ActionProvider = {
  async start(run) {
    const client = await run.client();
    const { bucket, key, versionId } = wanted(run);
    const { Status } = await reading(bucket, () =>
      client.call<GetBucketVersioningOutput>('s3', 'GetBucketVersioning', { Bucket: bucket }),
    );
    if (Status !== 'Enabled') {
      throw new ActionFailure(
        'ConfigurationError',
        `The Amazon S3 bucket ${bucket} is not versioned. Enable versioning on the bucket to use it as a source.`,
      );
    }
    const object = await reading(bucket, () =>
      client.call<GetObjectOutput>('s3', 'GetObject', {
        Bucket: bucket,
        Key: key,
        ...(versionId === undefined ? {} : { VersionId: versionId }),
      }),
    );
    const [output] = run.artifacts.outputPlaces();
    const artifact = await run.artifacts.put(output?.name ?? '', object.Body as unknown as Readable);
    const revisionId = object.VersionId ?? artifact.sha256;
    const summary = object.Metadata?.[SUMMARY_METADATA] ?? `Amazon S3 version id: ${revisionId}`;
    return {
      type: 'Succeeded',
      outputs: [artifact],
      report: { externalExecutionId: revisionId, externalExecutionSummary: summary, summary },
      variables: {
        BucketName: bucket,
        ETag: (object.ETag ?? '').replaceAll('"', ''),
        ObjectKey: key,
        VersionId: revisionId,
      },
      revision: {
        id: revisionId,
        summary,
        url: `https://console.aws.amazon.com/s3/object/${bucket}?prefix=${encodeURIComponent(key)}`,
        ...(object.LastModified === undefined ? {} : { createdAt: Number(object.LastModified) }),
      },
    };
  },

  async *foresee({ run, call, write }) {
    const { bucket, key } = wanted(run);
    yield call('s3', 'GetBucketVersioning', { Bucket: bucket }, 'see that the source bucket is versioned');
    yield call('s3', 'GetObject', { Bucket: bucket, Key: key }, 'read the source');
    yield write(run.artifacts.outputPlaces()[0]?.name ?? '');
  },
};

/** The current version of the object; null: there is none. */
export async function s3Revision(
  client: Client,
  configuration: Readonly<Record<string, string>>,
): Promise<string | null> {
  try {
    const head = await client.call<HeadObjectOutput>('s3', 'HeadObject', {
      Bucket: configuration['S3Bucket'],
      Key: configuration['S3ObjectKey'],
    });
    return head.VersionId ?? head.ETag ?? null;
  } catch (error) {
    if (isAwsError(error) && /^(NotFound|NoSuchKey|NoSuchBucket|404)$/.test(error.code)) return null;
    throw error;
  }
}

function wanted(run: ActionRun): { bucket: string; key: string; versionId?: string } {
  const overrides = run.pipelineExecution.sourceRevisions.filter(
    (override) => override.actionName === run.declaration.name,
  );
  const valueOf = (type: string): string | undefined =>
    overrides.find((override) => override.revisionType === type)?.revisionValue;
  return {
    bucket: run.configuration['S3Bucket'] ?? '',
    key: valueOf('S3_OBJECT_KEY') ?? run.configuration['S3ObjectKey'] ?? '',
    versionId: valueOf('S3_OBJECT_VERSION_ID'),
  };
}

async function reading<T>(bucket: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!isDenial(error)) throw error;
    throw new ActionFailure(
      'PermissionError',
      `The service role or action role doesn't have the permissions required to access the Amazon S3 bucket named ${bucket}. Update the IAM role permissions, and then try again. Error: ${error.message}`,
    );
  }
}
