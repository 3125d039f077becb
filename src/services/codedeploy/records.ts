/**
 * What CodeDeploy keeps. An application is found by its name and known to the rest by its id, so that renaming moves one
 * document; a group likewise under its application.
 *
 * Glossary: the revision says where the AppSpec is; the target (core) is the alias that the AppSpec moves. A deployment's
 * document is the state of its loop; `info` holds what the decider does not look at.
 */
import type {
  AlarmConfiguration,
  AutoRollbackConfiguration,
  DeploymentStyle,
  MinimumHealthyHosts,
  RevisionLocation,
  TrafficRoutingConfig,
  TriggerConfig,
  ZonalConfig,
} from '@aws-sdk/client-codedeploy';
import type { DeploymentState, Target } from '../../core/lambda-deployment/index.ts';
import { collection } from '../../store/index.ts';

export type ComputePlatform = 'Server' | 'Lambda' | 'ECS';

export type Tags = Readonly<Record<string, string>>;

export type Application = Readonly<{
  applicationId: string;
  applicationName: string;
  computePlatform: ComputePlatform;
  createdAt: number;
  tags: Tags;
}>;

export type DeploymentGroup = Readonly<{
  deploymentGroupId: string;
  deploymentGroupName: string;
  applicationId: string;
  deploymentConfigName: string;
  serviceRoleArn: string;
  deploymentStyle: DeploymentStyle;
  triggerConfigurations: readonly TriggerConfig[];
  alarmConfiguration?: AlarmConfiguration;
  autoRollbackConfiguration?: AutoRollbackConfiguration;
  outdatedInstancesStrategy?: 'UPDATE' | 'IGNORE';
  terminationHookEnabled?: boolean;
  /** The newest deployment; until it has ended no other begins. */
  lastAttemptedId?: string;
  /** Of the deployments before the newest. */
  lastSuccessfulId?: string;
  tags: Tags;
}>;

export type DeploymentConfig = Readonly<{
  deploymentConfigId: string;
  deploymentConfigName: string;
  computePlatform: ComputePlatform;
  minimumHealthyHosts?: MinimumHealthyHosts;
  trafficRoutingConfig?: TrafficRoutingConfig;
  zonalConfig?: ZonalConfig;
  createdAt: number;
}>;

export type Revision = Readonly<{
  location: RevisionLocation;
  description?: string;
  registeredAt: number;
  firstUsedAt?: number;
  lastUsedAt?: number;
}>;

export type DeploymentInfoRecord = Readonly<{
  applicationId: string;
  applicationName: string;
  deploymentGroupId: string;
  deploymentGroupName: string;
  deploymentConfigName: string;
  serviceRoleArn: string;
  revision: RevisionLocation;
  previousRevision?: RevisionLocation;
  description?: string;
  creator: 'user' | 'codeDeployRollback';
  autoRollbackConfiguration?: AutoRollbackConfiguration;
  overrideAlarmConfiguration?: AlarmConfiguration;
  triggerConfigurations: readonly TriggerConfig[];
  fileExistsBehavior?: 'DISALLOW' | 'OVERWRITE' | 'RETAIN';
  /** Of a rollback: where it returns to. */
  rollbackTarget?: Target;
}>;

export type Deployment = DeploymentState<DeploymentInfoRecord>;

export const DEPLOYMENT_KIND = 'codedeploy.deployment';

/** By name. */
export const applications = collection<Application>('codedeploy.application');
/** By `applicationId/name`; under the application id, in order of name. */
export const deploymentGroups = collection<DeploymentGroup>('codedeploy.deploymentGroup');
/** Custom ones, by name. */
export const deploymentConfigs = collection<DeploymentConfig>('codedeploy.deploymentConfig');
/** By `applicationId/digest of the location`; under the application id, in order of registration. */
export const revisions = collection<Revision>('codedeploy.revision');
/** By deployment id; under the deployment group id, in order of time. */
export const deployments = collection<Deployment>(DEPLOYMENT_KIND);

export function groupKeyId(applicationId: string, deploymentGroupName: string): string {
  return `${applicationId}/${deploymentGroupName}`;
}
