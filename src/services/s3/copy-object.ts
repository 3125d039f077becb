/** CopyObject: the bytes are read as the caller, and encrypted anew for the destination. */
import type { CopyObjectOutput, CopyObjectRequest } from '@aws-sdk/client-s3';
import { operation } from '../service.ts';
import { requireBucket } from './access.ts';
import { ingest, MAX_UPLOAD_BYTES } from './body.ts';
import { checkedAlgorithm, checksumOutput, DEFAULT_ALGORITHM } from './checksums.ts';
import { openCopySource, parseCopySource, sourceAccess } from './copy-source.ts';
import { encryptionOutput, newDataKey } from './data-keys.ts';
import { invalidArgument, invalidRequest } from './errors.ts';
import { bytesOf } from './get-object.ts';
import { checkedMetadata, headersOf, refuseUnsupported } from './object-headers.ts';
import { checkAcl, checkObjectOwner } from './owners.ts';
import { etagOf, writeAccess } from './put-object.ts';
import type { ObjectChecksum } from './records.ts';
import { tagsOfHeader } from './tags.ts';
import { checkKey, checkWriteConditions, saveVersion } from './versions.ts';

export const copyObject = operation<CopyObjectRequest, CopyObjectOutput>({
  authorize: async (input, call) => [
    ...(await sourceAccess(call, input, input.TaggingDirective !== 'REPLACE', {})),
    ...(await writeAccess(input, call, true)),
  ],
  async handle(input, call) {
    const bucket = await requireBucket(call, input);
    const key = input.Key ?? '';
    checkKey(key);
    checkAcl(bucket, input);
    checkObjectOwner(bucket, call.principal, input.ACL);
    checkWriteConditions(input);
    refuseUnsupported(input);
    refuseSelfCopy(input);
    const source = await openCopySource(call, input);
    if (source.object.bytes > MAX_UPLOAD_BYTES) {
      throw invalidRequest(
        'The specified copy source is larger than the maximum allowable size for a copy source: 5368709120',
      );
    }
    const { facts } = source.object;
    const replaces = input.MetadataDirective === 'REPLACE';
    const metadata = replaces ? checkedMetadata(input.Metadata) : facts.metadata;
    const { websiteRedirectLocation: _never, ...copiedHeaders } = facts.headers;
    const headers = replaces ? headersOf(input) : copiedHeaders;
    const tags = input.TaggingDirective === 'REPLACE' ? tagsOfHeader(input.Tagging) : facts.tags;
    const algorithm =
      input.ChecksumAlgorithm === undefined
        ? (facts.checksum?.algorithm ?? DEFAULT_ALGORITHM)
        : checkedAlgorithm(input.ChecksumAlgorithm);
    const dataKey = await newDataKey(call, bucket, key, input);
    const bytes = await bytesOf(call, source.bucket, source.object);
    const body = await ingest(call.house, bytes, dataKey.key, algorithm);
    const checksum: ObjectChecksum = { algorithm, value: body.checksum, type: 'FULL_OBJECT' };
    const etag = etagOf(call, dataKey.encryption, body.md5);
    const saved = await saveVersion(
      call,
      bucket,
      {
        key,
        bytes: body.segment.bytes,
        etag,
        facts: { headers, metadata, tags, encryption: dataKey.encryption, checksum },
        segments: [body.segment],
      },
      { conditions: input, eventName: 'ObjectCreated:Copy', reason: 'CopyObject' },
    );
    return {
      CopyObjectResult: { ETag: `"${etag}"`, LastModified: new Date(call.now), ...checksumOutput(checksum) },
      ...encryptionOutput(dataKey.encryption),
      ...(source.versionId !== undefined && { CopySourceVersionId: source.versionId }),
      ...(saved.versionId !== undefined && { VersionId: saved.versionId }),
    };
  },
});

function refuseSelfCopy(input: CopyObjectRequest): void {
  if (input.Tagging !== undefined && input.TaggingDirective !== 'REPLACE') {
    throw invalidArgument('The Tagging header needs a TaggingDirective of REPLACE', 'x-amz-tagging', input.Tagging);
  }
  const source = parseCopySource(input.CopySource);
  const changes =
    input.MetadataDirective === 'REPLACE' ||
    input.ServerSideEncryption !== undefined ||
    input.StorageClass !== undefined ||
    input.WebsiteRedirectLocation !== undefined ||
    input.TaggingDirective === 'REPLACE' ||
    input.ChecksumAlgorithm !== undefined ||
    source.VersionId !== undefined;
  if (source.Bucket === input.Bucket && source.Key === input.Key && !changes) {
    throw invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
}
