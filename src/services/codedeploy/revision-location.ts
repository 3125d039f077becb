/** Where a revision is: checks, identity, and the form that is shown. */
import { createHash } from 'node:crypto';
import type { RevisionLocation } from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import type { ComputePlatform } from './records.ts';

const BUNDLES: Readonly<Record<ComputePlatform, readonly string[]>> = {
  Server: ['tar', 'tgz', 'zip'],
  Lambda: ['YAML', 'JSON', 'zip', 'tgz'],
  ECS: ['YAML', 'JSON', 'zip', 'tgz'],
};

/** Throws `RevisionRequiredException` or `InvalidRevisionException`. An AppSpec given inline gets its digest. */
export function checkedRevision(revision: RevisionLocation | undefined, platform: ComputePlatform): RevisionLocation {
  if (revision === undefined || revision === null) {
    throw new AwsError('RevisionRequiredException', 'The revision must be specified.');
  }
  switch (revision.revisionType) {
    case 'S3':
      return checkedS3(revision, platform);
    case 'GitHub': {
      const { repository, commitId } = revision.gitHubLocation ?? {};
      if (platform !== 'Server') throw invalid(`A GitHub revision cannot be used on the compute platform ${platform}.`);
      if (!/^[^/]+\/[^/]+$/.test(repository ?? ''))
        throw invalid('The GitHub repository must be written as account/repository.');
      if (!/^[0-9a-f]{40}$/i.test(commitId ?? ''))
        throw invalid('The GitHub commit ID must have 40 hexadecimal characters.');
      return { revisionType: 'GitHub', gitHubLocation: { repository, commitId } };
    }
    case 'String':
      if (platform !== 'Lambda') throw invalid(`A String revision cannot be used on the compute platform ${platform}.`);
      return { revisionType: 'String', string: checkedContent(revision.string, 'string') };
    case 'AppSpecContent':
      if (platform === 'Server')
        throw invalid('An AppSpecContent revision cannot be used on the compute platform Server.');
      return {
        revisionType: 'AppSpecContent',
        appSpecContent: checkedContent(revision.appSpecContent, 'appSpecContent'),
      };
    default:
      throw invalid('The revision type must be one of S3, GitHub, String, AppSpecContent.');
  }
}

function checkedS3(revision: RevisionLocation, platform: ComputePlatform): RevisionLocation {
  const { bucket, key, bundleType, version, eTag } = revision.s3Location ?? {};
  if (!bucket) throw invalid('The bucket of an S3 revision must be specified.');
  if (!key) throw invalid('The key of an S3 revision must be specified.');
  if (bundleType === undefined || !BUNDLES[platform].includes(bundleType)) {
    throw invalid(
      `The bundle type ${bundleType ?? ''} is invalid. On the compute platform ${platform} it must be one of ${BUNDLES[platform].join(', ')}.`,
    );
  }
  const s3Location = { bucket, key, bundleType, ...(version && { version }), ...(eTag && { eTag }) };
  return { revisionType: 'S3', s3Location };
}

function checkedContent(
  given: { content?: string; sha256?: string } | undefined,
  member: string,
): { content: string; sha256: string } {
  const { content, sha256 } = given ?? {};
  if (!content) throw invalid(`The content of ${member} must be specified.`);
  const digest = createHash('sha256').update(content).digest('hex');
  if (sha256 && sha256.toLowerCase() !== digest) {
    throw invalid(`The SHA-256 of the content of ${member} is ${digest}, not ${sha256}.`);
  }
  return { content, sha256: digest };
}

/** The same for the same revision: what CodeDeploy compares. Fits a document id. */
export function revisionIdentity(revision: RevisionLocation): string {
  const { revisionType, s3Location, gitHubLocation, string, appSpecContent } = revision;
  const parts = [
    revisionType,
    s3Location?.bucket,
    s3Location?.key,
    s3Location?.version,
    s3Location?.eTag?.replaceAll('"', ''),
    gitHubLocation?.repository,
    gitHubLocation?.commitId,
    string?.sha256 ?? appSpecContent?.sha256,
  ];
  return createHash('sha256')
    .update(JSON.stringify(parts.map((part) => part ?? null)))
    .digest('hex');
}

/** Without the content of an inline AppSpec, as GetDeployment shows it. */
export function withoutContent(revision: RevisionLocation): RevisionLocation {
  const { string, appSpecContent, ...rest } = revision;
  return {
    ...rest,
    ...(string !== undefined && { string: { sha256: string.sha256 } }),
    ...(appSpecContent !== undefined && { appSpecContent: { sha256: appSpecContent.sha256 } }),
  };
}

function invalid(message: string): AwsError {
  return new AwsError('InvalidRevisionException', message);
}
