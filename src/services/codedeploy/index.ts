/**
 * AWS CodeDeploy: the compute platform Lambda whole; applications and configurations of the others as definitions.
 *
 * Start with `records.ts` (what is kept) and `deployment-loop.ts`, which performs what `core/lambda-deployment` decides.
 */
import { operationsOf, type ServiceDefinition } from '../service.ts';
import {
  batchGetApplications,
  createApplication,
  deleteApplication,
  getApplication,
  listApplications,
  updateApplication,
} from './applications.ts';
import { createDeployment } from './create-deployment.ts';
import {
  createDeploymentConfig,
  deleteDeploymentConfig,
  getDeploymentConfig,
  listDeploymentConfigs,
} from './deployment-configs.ts';
import {
  batchGetDeploymentGroups,
  createDeploymentGroup,
  deleteDeploymentGroup,
  getDeploymentGroup,
  listDeploymentGroups,
  updateDeploymentGroup,
} from './deployment-groups.ts';
import { deploymentLoop } from './deployment-loop.ts';
import { batchGetDeploymentTargets, getDeploymentTarget, listDeploymentTargets } from './deployment-targets.ts';
import {
  batchGetDeployments,
  continueDeployment,
  getDeployment,
  listDeployments,
  stopDeployment,
} from './deployments.ts';
import { findWork } from './find-work.ts';
import { foresee } from './foresee.ts';
import { putLifecycleEventHookExecutionStatus } from './lifecycle-hooks.ts';
import { resourceAccess } from './resource-access.ts';
import {
  batchGetApplicationRevisions,
  getApplicationRevision,
  listApplicationRevisions,
  registerApplicationRevision,
} from './revisions.ts';
import { listTagsForResource, tagResource, untagResource } from './tags.ts';

export { PREDEFINED } from './predefined-configs.ts';

export const codedeploy: ServiceDefinition = {
  name: 'codedeploy',
  iamPrefix: 'codedeploy',
  resourceAccess,
  foresee,
  findWork,
  operations: operationsOf({
    batchGetApplicationRevisions,
    batchGetApplications,
    batchGetDeploymentGroups,
    batchGetDeployments,
    batchGetDeploymentTargets,
    continueDeployment,
    createApplication,
    createDeployment,
    createDeploymentConfig,
    createDeploymentGroup,
    deleteApplication,
    deleteDeploymentConfig,
    deleteDeploymentGroup,
    getApplication,
    getApplicationRevision,
    getDeployment,
    getDeploymentConfig,
    getDeploymentGroup,
    getDeploymentTarget,
    listApplicationRevisions,
    listApplications,
    listDeploymentConfigs,
    listDeploymentGroups,
    listDeployments,
    listDeploymentTargets,
    listTagsForResource,
    putLifecycleEventHookExecutionStatus,
    registerApplicationRevision,
    stopDeployment,
    tagResource,
    untagResource,
    updateApplication,
    updateDeploymentGroup,
  }),
  loops: (house) => [deploymentLoop(house)],
};
