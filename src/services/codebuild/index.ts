/** CodeBuild: projects, and builds that really run, as processes of this machine. */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import { buildLoop, startBuilds } from './build-loop.ts';
import { batchDeleteBuilds, batchGetBuilds, listBuilds, listBuildsForProject } from './build-queries.ts';
import { retryBuild, startBuild, stopBuild } from './builds.ts';
import { findWork } from './find-work.ts';
import { foresee } from './foresee.ts';
import { listCuratedEnvironmentImages } from './images.ts';
import {
  batchGetProjects,
  createProject,
  deleteProject,
  invalidateProjectCache,
  listProjects,
  updateProject,
} from './projects.ts';
import { resourceAccess } from './resource-access.ts';
import { closeBuildRoom } from './room.ts';

export const codebuild: ServiceDefinition = {
  name: 'codebuild',
  iamPrefix: 'codebuild',
  resourceAccess,
  foresee,
  findWork,
  operations: operationsOf({
    batchDeleteBuilds,
    batchGetBuilds,
    batchGetProjects,
    createProject,
    deleteProject,
    invalidateProjectCache,
    listBuilds,
    listBuildsForProject,
    listCuratedEnvironmentImages,
    listProjects,
    retryBuild,
    startBuild,
    stopBuild,
    updateProject,
  }),
  loops: (house) => [buildLoop(house)],
  start: startBuilds,
  stop: closeBuildRoom,
};
