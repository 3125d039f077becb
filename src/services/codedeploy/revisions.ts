/** Application revisions: registered by hand, and by each deployment. */
import type {
  BatchGetApplicationRevisionsInput,
  BatchGetApplicationRevisionsOutput,
  GenericRevisionInfo,
  GetApplicationRevisionInput,
  GetApplicationRevisionOutput,
  ListApplicationRevisionsInput,
  ListApplicationRevisionsOutput,
  RegisterApplicationRevisionInput,
  RevisionLocation,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import { type Queryable, type Stored, timeSort } from '../../store/index.ts';
import { type Call, type Scope, operation } from '../service.ts';
import { encodeToken } from '../pages.ts';
import { onApplication } from './access.ts';
import { batchLimit, requireApplication } from './applications.ts';
import { standing } from './group-standing.ts';
import { descriptionOf } from './names.ts';
import { pageOf } from './pages.ts';
import { type Application, deploymentGroups, type Revision, revisions } from './records.ts';
import { checkedRevision, revisionIdentity } from './revision-location.ts';

const MOST_IN_A_BATCH = 25;
const PAGE_SIZE = 100;

export const registerApplicationRevision = operation<RegisterApplicationRevisionInput, void>({
  authorize: (input, call) => [onApplication(call, 'RegisterApplicationRevision', input.applicationName)],
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const description = descriptionOf(input.description);
    const location = checkedRevision(input.revision, application.computePlatform);
    await call.house.store.transaction((tx) =>
      noteRevision(tx, call, application.applicationId, location, call.now, { description }),
    );
  },
});

/** Registers the revision if it is new, and sets what is given. */
export async function noteRevision(
  q: Queryable,
  scope: Scope,
  applicationId: string,
  location: RevisionLocation,
  now: number,
  change: Readonly<{ description?: string | undefined; used?: boolean }>,
): Promise<void> {
  const key = revisionKey(scope, applicationId, location);
  const fresh: Revision = { location, registeredAt: now };
  const placement = { parent: applicationId, sort: timeSort(now) };
  await revisions.insert(q, key, fresh, placement);
  const known = (await revisions.getForUpdate(q, key))?.document ?? fresh;
  const { description, used } = change;
  if (description === undefined && used !== true) return;
  await revisions.update(q, key, {
    ...known,
    ...(description !== undefined && { description }),
    ...(used === true && { firstUsedAt: known.firstUsedAt ?? now, lastUsedAt: now }),
  });
}

export function revisionKey(scope: Scope, applicationId: string, location: RevisionLocation) {
  return { account: scope.account, region: scope.region, id: `${applicationId}/${revisionIdentity(location)}` };
}

export const getApplicationRevision = operation<GetApplicationRevisionInput, GetApplicationRevisionOutput>({
  authorize: (input, call) => [onApplication(call, 'GetApplicationRevision', input.applicationName)],
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const location = wantedRevision(input.revision, application);
    const revision = (await revisions.get(call.house.store, revisionKey(call, application.applicationId, location)))
      ?.document;
    if (revision === undefined)
      throw new AwsError('RevisionDoesNotExistException', 'No revision found for the given location.');
    return {
      applicationName: application.applicationName,
      revision: revision.location,
      revisionInfo: await shown(call, application, revision),
    };
  },
});

export const batchGetApplicationRevisions = operation<
  BatchGetApplicationRevisionsInput,
  BatchGetApplicationRevisionsOutput
>({
  authorize: (input, call) => [onApplication(call, 'BatchGetApplicationRevisions', input.applicationName)],
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const wanted = input.revisions ?? [];
    if (wanted.length === 0)
      throw new AwsError('RevisionRequiredException', 'At least one revision must be specified.');
    if (wanted.length > MOST_IN_A_BATCH) throw batchLimit(MOST_IN_A_BATCH);
    const locations = wanted.map((revision) => wantedRevision(revision, application));
    const infos = [];
    let missing = 0;
    for (const location of locations) {
      const key = revisionKey(call, application.applicationId, location);
      const revision = (await revisions.get(call.house.store, key))?.document;
      if (revision === undefined) missing += 1;
      else
        infos.push({
          revisionLocation: revision.location,
          genericRevisionInfo: await shown(call, application, revision),
        });
    }
    return {
      applicationName: application.applicationName,
      revisions: infos,
      ...(missing > 0 && { errorMessage: `No revision found for ${missing} of the given locations.` }),
    };
  },
});

type SortBy = 'registerTime' | 'firstUsedTime' | 'lastUsedTime';

export const listApplicationRevisions = operation<ListApplicationRevisionsInput, ListApplicationRevisionsOutput>({
  authorize: (input, call) => [onApplication(call, 'ListApplicationRevisions', input.applicationName)],
  async handle(input, call) {
    const application = await requireApplication(call, input.applicationName);
    const { sortBy = 'registerTime', sortOrder = 'ascending', deployed = 'ignore' } = input;
    if (!['registerTime', 'firstUsedTime', 'lastUsedTime'].includes(sortBy)) {
      throw new AwsError('InvalidSortByException', `${sortBy} is not a column to sort by.`);
    }
    if (sortOrder !== 'ascending' && sortOrder !== 'descending') {
      throw new AwsError('InvalidSortOrderException', `${String(sortOrder)} is not a sort order.`);
    }
    if (!['include', 'exclude', 'ignore'].includes(deployed)) {
      throw new AwsError('InvalidDeployedStateFilterException', `${deployed} is not a filter of the deployed state.`);
    }
    if (input.s3KeyPrefix !== undefined && input.s3Bucket === undefined) {
      throw new AwsError('BucketNameFilterRequiredException', 'A bucket name is required with a key prefix.');
    }
    if (input.s3Bucket === '')
      throw new AwsError('InvalidBucketNameFilterException', 'The bucket name must not be empty.');
    const after = pageOf(input.nextToken);
    const targets = await targetRevisions(call, application);
    const scope = { account: call.account, region: call.region };
    const rows = await revisions.list(call.house.store, { ...scope, parent: application.applicationId });
    const wanted = rows.filter(({ document: { location } }) => {
      const { s3Location } = location;
      if (input.s3Bucket !== undefined && s3Location?.bucket !== input.s3Bucket) return false;
      if (input.s3KeyPrefix !== undefined && !s3Location?.key?.startsWith(input.s3KeyPrefix)) return false;
      return deployed === 'ignore' || targets.has(revisionIdentity(location)) === (deployed === 'include');
    });
    const keyed = wanted.map((row) => ({ row, sort: sortKey(row, sortBy as SortBy) }));
    const direction = sortOrder === 'descending' ? -1 : 1;
    keyed.sort((a, b) => direction * (a.sort < b.sort ? -1 : a.sort > b.sort ? 1 : 0));
    const rest = keyed.filter(
      ({ sort }) => after === undefined || (direction === 1 ? sort > after.sort : sort < after.sort),
    );
    const page = rest.slice(0, PAGE_SIZE);
    const last = page.at(-1);
    return {
      revisions: page.map(({ row }) => row.document.location),
      ...(rest.length > PAGE_SIZE &&
        last !== undefined && { nextToken: encodeToken({ sort: last.sort, id: last.row.key.id }) }),
    };
  },
});

function sortKey(row: Stored<Revision>, sortBy: SortBy): string {
  const { registeredAt, firstUsedAt, lastUsedAt } = row.document;
  const at = { registerTime: registeredAt, firstUsedTime: firstUsedAt, lastUsedTime: lastUsedAt }[sortBy];
  return `${timeSort(at ?? 0)} ${row.key.id}`;
}

/** A location to look up: its platform does not matter, and an inline AppSpec may be named by its digest alone. */
function wantedRevision(revision: RevisionLocation | undefined, application: Application): RevisionLocation {
  const content = revision?.appSpecContent ?? revision?.string;
  if (revision !== undefined && content?.content === undefined && content?.sha256 !== undefined) return revision;
  return checkedRevision(revision, application.computePlatform);
}

/** By identity: the names of the groups whose target revision it is. */
async function targetRevisions(call: Call, application: Application): Promise<ReadonlyMap<string, readonly string[]>> {
  const groups = await deploymentGroups.list(call.house.store, {
    account: call.account,
    region: call.region,
    parent: application.applicationId,
  });
  const found = new Map<string, string[]>();
  for (const { document: group } of groups) {
    const revision = (await standing(call.house.store, call, group)).lastSuccessful?.info.revision;
    if (revision === undefined) continue;
    const identity = revisionIdentity(revision);
    found.set(identity, [...(found.get(identity) ?? []), group.deploymentGroupName]);
  }
  return found;
}

async function shown(call: Call, application: Application, revision: Revision): Promise<GenericRevisionInfo> {
  const targets = await targetRevisions(call, application);
  return {
    ...(revision.description !== undefined && { description: revision.description }),
    deploymentGroups: [...(targets.get(revisionIdentity(revision.location)) ?? [])],
    registerTime: new Date(revision.registeredAt),
    ...(revision.firstUsedAt !== undefined && { firstUsedTime: new Date(revision.firstUsedAt) }),
    ...(revision.lastUsedAt !== undefined && { lastUsedTime: new Date(revision.lastUsedAt) }),
  };
}
