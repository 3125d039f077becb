/** Versions: numbered copies of `$LATEST`. Source: Lambda Developer Guide, "Manage Lambda function versions". */
import type {
  FunctionConfiguration,
  ListVersionsByFunctionRequest,
  ListVersionsByFunctionResponse,
  PublishVersionRequest,
} from '@aws-sdk/client-lambda';
import { AwsError } from '../../common/index.ts';
import type { Tx } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { refuse } from './errors.ts';
import { functionAccess } from './access.ts';
import { listedConfiguration, sameContent, shownConfiguration } from './configurations.ts';
import { parseName, parsePlace } from './names.ts';
import { MOST_ITEMS, pageOf, readMarker } from './pages.ts';
import {
  type Configuration,
  functionKey,
  functionNotFound,
  type FunctionRecord,
  functions,
  type Place,
  qualifiedKey,
  requireFunction,
  versions,
  versionSort,
  codeSha256,
} from './records.ts';

export const publishVersion = operation<PublishVersionRequest, FunctionConfiguration>({
  authorize: async (input, call) => [await functionAccess(call, 'PublishVersion', input.FunctionName)],
  async handle(input, call) {
    if (input.PublishTo !== undefined) throw refuse('PublishTo');
    const place = parsePlace(call, input.FunctionName);
    const published = await call.house.store.transaction(async (tx) => {
      const found = await functions.getForUpdate(tx, functionKey(place));
      if (found === undefined) throw functionNotFound(place);
      return publish(tx, call, place, found.document, input);
    });
    return shownConfiguration(call.house, place, published, published.version);
  },
});

export const listVersionsByFunction = operation<ListVersionsByFunctionRequest, ListVersionsByFunctionResponse>({
  authorize: async (input, call) => [await functionAccess(call, 'ListVersionsByFunction', input.FunctionName)],
  async handle(input, call) {
    const { place } = parseName(call, input.FunctionName);
    const { store } = call.house;
    const record = await requireFunction(store, place);
    const limit = Math.min(input.MaxItems ?? MOST_ITEMS, MOST_ITEMS);
    const after = readMarker(input.Marker);
    // $LATEST comes first, and counts.
    const room = after === undefined ? limit - 1 : limit;
    const rows = await versions.list(store, {
      account: place.account,
      region: place.region,
      parent: place.name,
      limit: room + 1,
      // An id that sorts before every version, for a first page that holds nothing but $LATEST.
      after: after ?? { sort: '', id: '' },
    });
    const { items, next } = pageOf(rows, room);
    const shown = after === undefined ? [record.latest, ...items] : items;
    return {
      Versions: await Promise.all(
        shown.map(async (configuration) =>
          listedConfiguration(await shownConfiguration(call.house, place, configuration, configuration.version)),
        ),
      ),
      ...(room === 0 && rows.length > 0 ? { NextMarker: FIRST_VERSION_MARKER } : next),
    };
  },
});

const FIRST_VERSION_MARKER = Buffer.from(JSON.stringify({ sort: '', id: '' })).toString('base64url');

/**
 * Copies `$LATEST` to the next version; the last one is returned instead when nothing changed since. `tx` holds the lock
 * on the function. Throws `PreconditionFailedException`, `InvalidParameterValueException`.
 */
export async function publish(
  tx: Tx,
  call: Call,
  place: Place,
  record: FunctionRecord,
  options: Pick<PublishVersionRequest, 'CodeSha256' | 'RevisionId' | 'Description'>,
): Promise<Configuration> {
  const { latest } = record;
  const current = codeSha256(latest.codeDigest);
  if (options.CodeSha256 !== undefined && options.CodeSha256 !== '' && options.CodeSha256 !== current) {
    throw new AwsError(
      'InvalidParameterValueException',
      `CodeSHA256 (${options.CodeSha256}) is different from current CodeSHA256 in $LATEST (${current}). Please try again with the CodeSHA256 in $LATEST.`,
    );
  }
  assertRevision(options.RevisionId, latest.revisionId);
  const last = await versions.get(tx, qualifiedKey(place, String(record.lastVersion)));
  if (last !== undefined && sameContent(last.document, latest)) return last.document;
  const number = record.lastVersion + 1;
  const version: Configuration = {
    ...latest,
    version: String(number),
    description: options.Description ?? latest.description,
    modifiedAt: call.now,
    revisionId: call.house.ids.uuid(),
  };
  await versions.insert(tx, qualifiedKey(place, version.version), version, {
    parent: place.name,
    sort: versionSort(version.version),
  });
  await functions.update(tx, functionKey(place), { ...record, lastVersion: number });
  return version;
}

export function assertRevision(given: string | undefined, current: string): void {
  if (given === undefined || given === '' || given === current) return;
  throw new AwsError(
    'PreconditionFailedException',
    'The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId',
  );
}
