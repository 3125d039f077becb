/** CodeCommit: repositories, branches, commits and files by API, and real git over smart HTTP. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { uploadArchive } from './archive.ts';
import * as branches from './branches.ts';
import * as changes from './changes.ts';
import { batchGetCommits, getCommit, getDifferences } from './commits.ts';
import { getBlob, getFile, getFolder } from './files.ts';
import { catchUp, referencesLoop } from './references.ts';
import * as repositories from './repositories.ts';
import { closeGitFolder } from './repository.ts';
import { resourceAccess } from './resource-access.ts';
import { serveGit } from './smart-http.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';

export const codecommit: ServiceDefinition = {
  name: 'codecommit',
  iamPrefix: 'codecommit',
  resourceAccess,
  operations: operationsOf({
    ...repositories,
    ...branches,
    ...changes,
    batchGetCommits,
    getCommit,
    getDifferences,
    getBlob,
    getFile,
    getFolder,
    listTagsForResource,
    tagResource,
    untagResource,
    uploadArchive,
  }),
  loops: (house) => [referencesLoop(house)],
  start: catchUp,
  stop: closeGitFolder,
  http: serveGit,
};
