/** Projects: create, change, read, list, delete. */
import type {
  BatchGetProjectsInput,
  BatchGetProjectsOutput,
  CreateProjectInput,
  CreateProjectOutput,
  DeleteProjectInput,
  InvalidateProjectCacheInput,
  ListProjectsInput,
  ListProjectsOutput,
  Project as ProjectShape,
  UpdateProjectInput,
  UpdateProjectOutput,
} from '@aws-sdk/client-codebuild';
import { type AccessRequest, AwsError } from '../../common/index.ts';
import { decodeToken, encodeToken } from '../pages.ts';
import { passOwnRole } from '../pass-role.ts';
import { type Call, operation, type Scope } from '../service.ts';
import {
  checkArtifacts,
  checkCache,
  checkEnvironment,
  checkLogs,
  checkSecondaryArtifacts,
  checkSecondarySources,
  checkServiceRole,
  checkSource,
  refuseUnsupported,
} from './project-rules.ts';
import { invalidInput, type Project, projectArn, projectKey, projectNameOf, projects, SERVICE } from './records.ts';

const LIST_PAGE = 100;

export const onProject =
  (action: string, member = 'name') =>
  (input: Readonly<Record<string, any>>, call: Call): readonly AccessRequest[] => {
    const name: unknown = input[member];
    const resource = typeof name === 'string' && name !== '' ? projectArn(call, projectNameOf(name)) : '*';
    return [{ action: `codebuild:${action}`, resource }];
  };

/** Handing `role` to CodeBuild, for the project of that name. */
export function passProjectRole(role: unknown, name: unknown, call: Call): readonly AccessRequest[] {
  const project = typeof name === 'string' && name !== '' ? projectArn(call, projectNameOf(name)) : undefined;
  return passOwnRole(call.account, role, SERVICE, project);
}

export const createProject = operation<CreateProjectInput, CreateProjectOutput>({
  authorize: (input, call) => [
    ...onProject('CreateProject')(input, call),
    ...passProjectRole(input.serviceRole, input.name, call),
  ],
  async handle(input, call) {
    const { house } = call;
    const project = withDefaults(input, call);
    checkProject(project, input);
    const key = projectKey(call, project.name);
    const exists = () =>
      new AwsError('ResourceAlreadyExistsException', `Project already exists: ${projectArn(call, project.name)}`);
    if ((await projects.get(house.store, key)) !== undefined) throw exists();
    await checkServiceRole(house, call, project.name, project.serviceRole);
    if (!(await projects.insert(house.store, key, project))) throw exists();
    return { project: projectShape(call, project) };
  },
});

export const updateProject = operation<UpdateProjectInput, UpdateProjectOutput>({
  authorize: (input, call) => [
    ...onProject('UpdateProject')(input, call),
    ...passProjectRole(input.serviceRole, input.name, call),
  ],
  async handle(input, call) {
    const { house } = call;
    const key = projectKey(call, projectNameOf(input.name ?? ''));
    if (input.serviceRole !== undefined) await checkServiceRole(house, call, key.id, input.serviceRole);
    const project = await house.store.transaction(async (tx) => {
      const stored = await projects.getForUpdate(tx, key);
      if (stored === undefined) throw projectNotFound(call, key.id);
      const changed = merged(stored.document, input, call.now);
      checkProject(changed, input);
      await projects.update(tx, key, changed);
      return changed;
    });
    return { project: projectShape(call, project) };
  },
});

/** Deleting what is not there succeeds. Builds stay listed by ListBuilds. */
export const deleteProject = operation<DeleteProjectInput, Record<string, never>>({
  authorize: onProject('DeleteProject'),
  async handle(input, call) {
    await projects.delete(call.house.store, projectKey(call, projectNameOf(input.name ?? '')));
    return {};
  },
});

export const batchGetProjects = operation<BatchGetProjectsInput, BatchGetProjectsOutput>({
  authorize: (input, call) =>
    (Array.isArray(input.names) ? input.names : []).map((name) => ({
      action: 'codebuild:BatchGetProjects',
      resource: projectArn(call, projectNameOf(String(name))),
    })),
  async handle(input, call) {
    const names = [...new Set(input.names ?? [])];
    const found = await projects.getMany(call.house.store, call, names.map(projectNameOf));
    const byName = new Map(found.map(({ document }) => [document.name, document]));
    return {
      projects: names.flatMap((name) => {
        const project = byName.get(projectNameOf(name));
        return project === undefined ? [] : [projectShape(call, project)];
      }),
      projectsNotFound: names.filter((name) => !byName.has(projectNameOf(name))),
    };
  },
});

export const listProjects = operation<ListProjectsInput, ListProjectsOutput>({
  async handle(input, call) {
    const by = input.sortBy ?? 'NAME';
    const order = input.sortOrder ?? 'ASCENDING';
    const all = (await projects.list(call.house.store, { account: call.account, region: call.region })).map(
      ({ document }) => document,
    );
    if (by === 'CREATED_TIME') all.sort((a, b) => a.createdAt - b.createdAt);
    if (by === 'LAST_MODIFIED_TIME') all.sort((a, b) => a.lastModifiedAt - b.lastModifiedAt);
    if (order === 'DESCENDING') all.reverse();
    const start = readStart(input.nextToken, `${by}/${order}`);
    const end = start + LIST_PAGE;
    return {
      projects: all.slice(start, end).map(({ name }) => name),
      ...(end < all.length ? { nextToken: encodeToken({ start: end, shape: `${by}/${order}` }) } : {}),
    };
  },
});

/** There is no cache between builds, so there is nothing to forget. */
export const invalidateProjectCache = operation<InvalidateProjectCacheInput, Record<string, never>>({
  authorize: onProject('InvalidateProjectCache', 'projectName'),
  async handle(input, call) {
    await findProject(call, input.projectName ?? '');
    return {};
  },
});

export async function findProject(call: Call, nameOrArn: string): Promise<Project> {
  const name = projectNameOf(nameOrArn);
  const stored = await projects.get(call.house.store, projectKey(call, name));
  if (stored === undefined) throw projectNotFound(call, name);
  return stored.document;
}

export function projectNotFound(scope: Scope, name: string): AwsError {
  return new AwsError('ResourceNotFoundException', `Project cannot be found: ${projectArn(scope, name)}`);
}

export function readStart(token: string | undefined, shape: string): number {
  if (token === undefined || token === '') return 0;
  const refuse = () => invalidInput('Invalid next token');
  const read = decodeToken(token, refuse);
  if (read['shape'] !== shape || !Number.isInteger(read['start']) || Number(read['start']) < 0) throw refuse();
  return Number(read['start']);
}

function withDefaults(input: CreateProjectInput, call: Call): Project {
  const { name = '', source, artifacts, environment, serviceRole = '' } = input;
  if (source === undefined || artifacts === undefined || environment === undefined) {
    throw invalidInput('Project source, artifacts and environment are required');
  }
  return {
    name,
    ...(input.description === undefined ? {} : { description: input.description }),
    source,
    secondarySources: input.secondarySources ?? [],
    ...(input.sourceVersion ? { sourceVersion: input.sourceVersion } : {}),
    secondarySourceVersions: input.secondarySourceVersions ?? [],
    artifacts: shownArtifacts(artifacts, name),
    secondaryArtifacts: (input.secondaryArtifacts ?? []).map((each) => shownArtifacts(each, name)),
    cache: input.cache ?? { type: 'NO_CACHE' },
    environment: shownEnvironment(environment),
    serviceRole,
    timeoutInMinutes: input.timeoutInMinutes ?? 60,
    queuedTimeoutInMinutes: input.queuedTimeoutInMinutes ?? 480,
    encryptionKey: input.encryptionKey ?? call.arn('kms', 'alias/aws/s3'),
    tags: input.tags ?? [],
    ...(input.logsConfig === undefined ? {} : { logsConfig: input.logsConfig }),
    ...(input.concurrentBuildLimit === undefined ? {} : { concurrentBuildLimit: input.concurrentBuildLimit }),
    createdAt: call.now,
    lastModifiedAt: call.now,
    lastBuildNumber: 0,
  };
}

/** Only the members given change; an empty list clears. */
function merged(project: Project, input: UpdateProjectInput, now: number): Project {
  const pick = <K extends keyof UpdateProjectInput & keyof Project>(name: K): Partial<Project> =>
    input[name] === undefined ? {} : ({ [name]: input[name] } as Partial<Project>);
  return {
    ...project,
    ...pick('description'),
    ...pick('source'),
    ...pick('secondarySources'),
    ...pick('sourceVersion'),
    ...pick('secondarySourceVersions'),
    ...(input.artifacts === undefined ? {} : { artifacts: shownArtifacts(input.artifacts, project.name) }),
    ...(input.secondaryArtifacts === undefined
      ? {}
      : { secondaryArtifacts: input.secondaryArtifacts.map((each) => shownArtifacts(each, project.name)) }),
    ...pick('cache'),
    ...(input.environment === undefined ? {} : { environment: shownEnvironment(input.environment) }),
    ...pick('serviceRole'),
    ...pick('timeoutInMinutes'),
    ...pick('queuedTimeoutInMinutes'),
    ...pick('encryptionKey'),
    ...pick('tags'),
    ...pick('logsConfig'),
    // -1 removes the limit (API reference, UpdateProject).
    ...(input.concurrentBuildLimit === undefined
      ? {}
      : { concurrentBuildLimit: input.concurrentBuildLimit < 0 ? undefined : input.concurrentBuildLimit }),
    lastModifiedAt: now,
  };
}

function checkProject(project: Project, input: CreateProjectInput | UpdateProjectInput): void {
  refuseUnsupported(input);
  checkSource(project.source);
  checkSecondarySources(project.secondarySources, project.secondarySourceVersions);
  checkArtifacts(project.artifacts);
  checkSecondaryArtifacts(project.secondaryArtifacts);
  const [takes, gives] = [project.source.type === 'CODEPIPELINE', project.artifacts.type === 'CODEPIPELINE'];
  if (takes !== gives) {
    throw invalidInput(
      'Invalid artifacts: artifact type CODEPIPELINE and source type CODEPIPELINE must be used together',
    );
  }
  checkEnvironment(project.environment);
  checkCache(project.cache);
  if (project.logsConfig !== undefined) checkLogs(project.logsConfig);
  if (project.concurrentBuildLimit !== undefined && project.concurrentBuildLimit < 1) {
    throw invalidInput('Invalid concurrent build limit: expected 1 or more');
  }
  const keys = project.tags.map(({ key }) => key);
  if (new Set(keys).size !== keys.length) throw invalidInput('Invalid tags: tag keys must be unique');
  if (keys.some((key) => key?.toLowerCase().startsWith('aws:')))
    throw invalidInput('Invalid tags: tag keys must not start with aws:');
}

/** As AWS shows them: with the defaults that it fills in. */
export function shownArtifacts(artifacts: ProjectArtifacts, projectName: string): ProjectArtifacts {
  if (artifacts.type === 'S3') {
    return {
      namespaceType: 'NONE',
      packaging: 'NONE',
      encryptionDisabled: false,
      ...definedOnly(artifacts),
      name: artifacts.name || projectName,
    };
  }
  if (artifacts.type === 'CODEPIPELINE')
    return {
      packaging: 'NONE',
      encryptionDisabled: false,
      ...definedOnly(artifacts),
      name: artifacts.name || projectName,
    };
  return artifacts;
}

type ProjectArtifacts = Project['artifacts'];

function definedOnly<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined && each !== null)) as T;
}

function shownEnvironment(environment: Project['environment']): Project['environment'] {
  const variables = (environment.environmentVariables ?? []).map((variable) => ({
    type: 'PLAINTEXT' as const,
    ...definedOnly(variable),
  }));
  return {
    privilegedMode: false,
    imagePullCredentialsType: 'CODEBUILD',
    ...definedOnly(environment),
    environmentVariables: variables,
  };
}

function projectShape(scope: Scope, project: Project): ProjectShape {
  const { createdAt, lastModifiedAt, lastBuildNumber: _, tags, ...rest } = project;
  return {
    ...rest,
    arn: projectArn(scope, project.name),
    tags: [...tags],
    secondarySources: [...rest.secondarySources],
    secondarySourceVersions: [...rest.secondarySourceVersions],
    secondaryArtifacts: [...rest.secondaryArtifacts],
    created: new Date(createdAt),
    lastModified: new Date(lastModifiedAt),
    badge: { badgeEnabled: false },
    projectVisibility: 'PRIVATE',
  };
}
