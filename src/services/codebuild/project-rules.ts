/**
 * The rules of projects and of overrides: AWS's own (reference/codebuild.md section 2) and what Sluice does not do.
 *
 * Differs from AWS: builds run as processes of the machine. The image, compute type and pull credentials are recorded
 * and shown, but no image is run; what would change a build and cannot be done here (Windows, privileged mode, VPC, file
 * systems, fleets, S3 caches, batch builds, badges, hosted git providers) is refused.
 */
import type {
  EnvironmentVariable,
  LogsConfig,
  ProjectArtifacts,
  ProjectCache,
  ProjectEnvironment,
  ProjectSource,
  ProjectSourceVersion,
} from '@aws-sdk/client-codebuild';
import { parseArn } from '../../common/index.ts';
import type { House, Scope } from '../service.ts';
import { invalidInput, notImplemented, projectArn, SERVICE } from './records.ts';

const MAX_SECONDARY = 12;
const SOURCE_TYPES = ['CODECOMMIT', 'CODEPIPELINE', 'S3', 'NO_SOURCE'];
const HOSTED_TYPES = ['GITHUB', 'GITHUB_ENTERPRISE', 'GITLAB', 'GITLAB_SELF_MANAGED', 'BITBUCKET'];

export function checkSource(source: ProjectSource, what = 'source'): void {
  const { type, location } = source;
  if (type === undefined) throw invalidInput('Project source type is required');
  if (HOSTED_TYPES.includes(type)) throw notImplemented(`${what} type ${type}`);
  if (!SOURCE_TYPES.includes(type)) throw invalidInput('Invalid type provided: Project source type');
  if (type === 'NO_SOURCE') {
    if (location) throw invalidInput('Invalid input: source location must be empty for source type NO_SOURCE');
    if (what === 'source' && !isInline(source.buildspec)) {
      throw invalidInput('Invalid input: an inline buildspec is required for source type NO_SOURCE');
    }
  } else if (type !== 'CODEPIPELINE' && !location) {
    throw invalidInput('Project source location is required');
  }
  if (type === 'S3' && location !== undefined && splitS3Location(location) === undefined) {
    throw invalidInput(`Invalid project source: location must be a valid S3 source, found ${location}`);
  }
  if (type === 'CODECOMMIT' && location !== undefined && !/^https?:\/\/[^/]+\/v1\/repos\/[\w.-]+\/?$/.test(location)) {
    throw invalidInput(`Invalid project source: location must be a valid CodeCommit source, found ${location}`);
  }
  if (source.gitSubmodulesConfig?.fetchSubmodules === true && type !== 'CODECOMMIT') {
    throw invalidInput(
      `Git submodules config is not supported for ${type === 'CODEPIPELINE' ? 'CodePipeline' : type} source`,
    );
  }
  if (source.auth !== undefined) throw notImplemented('source auth');
  if (source.reportBuildStatus === true || source.buildStatusConfig !== undefined) {
    throw invalidInput(`Invalid input: reporting build status is not supported for source type ${type}`);
  }
  if (source.insecureSsl === true) throw notImplemented('insecureSsl');
}

export function checkSecondarySources(
  sources: readonly ProjectSource[],
  versions: readonly ProjectSourceVersion[],
  fromPipeline = false,
): void {
  if (sources.length > MAX_SECONDARY)
    throw invalidInput(`Invalid input: the maximum number of secondary sources is ${MAX_SECONDARY}`);
  const seen = new Set<string>();
  for (const source of sources) {
    const id = source.sourceIdentifier;
    if (!id) throw invalidInput('Invalid input: sourceIdentifier is required for secondary sources');
    const allowed = fromPipeline ? /^[A-Za-z0-9_@.-]{1,127}$/ : /^[A-Za-z0-9_]{1,127}$/;
    if (!allowed.test(id))
      throw invalidInput(
        `Invalid input: sourceIdentifier ${id} can contain only alphanumeric characters and underscores`,
      );
    if (seen.has(id)) throw invalidInput('Invalid input: sourceIdentifier cannot be duplicated');
    seen.add(id);
    checkSource(source, 'secondary source');
  }
  for (const { sourceIdentifier = '' } of versions) {
    if (!seen.has(sourceIdentifier)) throw invalidInput('Invalid input: secondary source identifier does not exist');
  }
}

export function checkArtifacts(artifacts: ProjectArtifacts): void {
  const { type, location } = artifacts;
  if (type !== 'S3' && type !== 'CODEPIPELINE' && type !== 'NO_ARTIFACTS')
    throw invalidInput('Invalid type provided: Artifact type');
  if (type === 'S3' && !location) throw invalidInput('Invalid artifacts: location is required');
  if (type === 'NO_ARTIFACTS' && location)
    throw invalidInput('Invalid artifacts: artifact type NO_ARTIFACTS should have null location');
  if (type !== 'S3' && artifacts.encryptionDisabled === true) {
    throw invalidInput(`Invalid artifacts: encryptionDisabled is not supported for artifact type ${type}`);
  }
}

export function checkSecondaryArtifacts(list: readonly ProjectArtifacts[]): void {
  if (list.length > MAX_SECONDARY) {
    throw invalidInput(
      `Invalid input: the maximum number of artifact definitions in secondaryArtifacts is ${MAX_SECONDARY}`,
    );
  }
  const seen = new Set<string>();
  for (const artifacts of list) {
    const id = artifacts.artifactIdentifier;
    if (!id) throw invalidInput('Invalid input: artifactIdentifier is required for secondary artifacts');
    if (seen.has(id)) throw invalidInput('Invalid input: artifactIdentifier cannot be duplicated');
    seen.add(id);
    checkArtifacts(artifacts);
    if (artifacts.type === 'NO_ARTIFACTS')
      throw invalidInput('Invalid artifacts: secondary artifacts cannot be of type NO_ARTIFACTS');
  }
}

export function checkEnvironment(environment: ProjectEnvironment): void {
  const type = environment.type ?? '';
  if (/^WINDOWS|^MAC/.test(type)) throw notImplemented(`environment type ${type}`);
  if (type.endsWith('_EC2') || environment.fleet?.fleetArn) throw notImplemented('a fleet');
  if (environment.privilegedMode === true) throw notImplemented('privilegedMode');
  if (environment.computeConfiguration !== undefined) throw notImplemented('computeConfiguration');
  if (environment.dockerServer !== undefined) throw notImplemented('dockerServer');
  if (environment.certificate) throw notImplemented('certificate');
  checkVariables(environment.environmentVariables ?? []);
}

export function checkVariables(variables: readonly EnvironmentVariable[]): void {
  const seen = new Set<string>();
  for (const { name = '' } of variables) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalidInput(`Invalid environment variable name: ${name}`);
    if (name.startsWith('CODEBUILD_'))
      throw invalidInput(`Environment variable names cannot start with CODEBUILD_: ${name}`);
    if (seen.has(name)) throw invalidInput(`Duplicate environment variable name: ${name}`);
    seen.add(name);
  }
}

export function checkCache(cache: ProjectCache): void {
  if (cache.type === 'S3') {
    if (!cache.location)
      throw invalidInput('Invalid cache: location must be a valid S3 bucket, followed by slash and the prefix');
    throw notImplemented('cache type S3');
  }
}

export function checkLogs(logs: LogsConfig): void {
  if (logs.s3Logs?.status === 'ENABLED' && splitS3Location(`${logs.s3Logs.location ?? ''}/x`) === undefined) {
    throw invalidInput(
      'Invalid logsConfig: s3Logs location must be a valid S3 bucket, followed by slash and the prefix',
    );
  }
}

/** Members that no project can have here. Absent, false and empty are all right. */
export function refuseUnsupported(input: Readonly<Record<string, any>>): void {
  if (input['vpcConfig']?.vpcId) throw notImplemented('vpcConfig');
  if ((input['fileSystemLocations'] ?? []).length > 0) throw notImplemented('fileSystemLocations');
  if (Object.keys(input['buildBatchConfig'] ?? {}).length > 0) throw notImplemented('buildBatchConfig');
  if (input['badgeEnabled'] === true) throw notImplemented('badgeEnabled');
  if ((input['autoRetryLimit'] ?? 0) > 0) throw notImplemented('autoRetryLimit');
}

/** The role must be of the caller's account and let CodeBuild assume it. */
export async function checkServiceRole(
  house: House,
  scope: Scope,
  projectName: string,
  roleArn: string,
): Promise<void> {
  const role = parseArn(roleArn);
  if (role?.service !== 'iam' || !role.resource.startsWith('role/'))
    throw invalidInput('Invalid service role: Not a valid role ARN');
  if (role.account !== scope.account) {
    throw invalidInput("Invalid service role: Service role account ID does not match caller's account");
  }
  try {
    await house.door.assumeRole({
      roleArn,
      sessionName: 'AWSCodeBuild-check',
      by: {
        type: 'Service',
        service: SERVICE,
        sourceArn: projectArn(scope, projectName),
        sourceAccount: scope.account,
      },
      region: scope.region,
      durationSeconds: 900,
    });
  } catch {
    throw invalidInput(`CodeBuild is not authorized to perform: sts:AssumeRole on ${roleArn}`);
  }
}

/** `bucket/key` or `arn:aws:s3:::bucket/key`; undefined for anything else. */
export function splitS3Location(location: string): { bucket: string; key: string } | undefined {
  const plain = location.replace(/^arn:aws:s3:::/, '');
  const slash = plain.indexOf('/');
  const bucket = plain.slice(0, Math.max(slash, 0));
  const key = plain.slice(slash + 1);
  return /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket) && key !== '' ? { bucket, key } : undefined;
}

/** A buildspec given as text rather than as the path or ARN of one. */
export function isInline(buildspec: string | undefined): boolean {
  if (buildspec === undefined || buildspec.trim() === '') return false;
  return /[\n{]/.test(buildspec) || /^\s*version\s*:/.test(buildspec);
}
