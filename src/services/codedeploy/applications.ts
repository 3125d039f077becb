/** Applications. */
import type {
  ApplicationInfo,
  BatchGetApplicationsInput,
  BatchGetApplicationsOutput,
  CreateApplicationInput,
  CreateApplicationOutput,
  DeleteApplicationInput,
  GetApplicationInput,
  GetApplicationOutput,
  ListApplicationsInput,
  ListApplicationsOutput,
  UpdateApplicationInput,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import type { Queryable } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { onApplication } from './access.ts';
import { applicationNameOf } from './names.ts';
import { listPage } from './pages.ts';
import { type Application, applications, type ComputePlatform, deploymentGroups, revisions } from './records.ts';
import { checkedTags, tagContext } from './tags.ts';

const MOST_APPLICATIONS = 1000;
const MOST_IN_A_BATCH = 100;
const PLATFORMS: readonly string[] = ['Server', 'Lambda', 'ECS'];

export const createApplication = operation<CreateApplicationInput, CreateApplicationOutput>({
  authorize: (input, call) => [onApplication(call, 'CreateApplication', input.applicationName, tagContext(input.tags))],
  async handle(input, call) {
    const applicationName = applicationNameOf(input.applicationName);
    const computePlatform = checkedPlatform(input.computePlatform);
    const application: Application = {
      applicationId: call.house.ids.uuid(),
      applicationName,
      computePlatform,
      createdAt: call.now,
      tags: checkedTags(input.tags),
    };
    const scope = { account: call.account, region: call.region };
    if ((await applications.count(call.house.store, scope)) >= MOST_APPLICATIONS) {
      throw new AwsError(
        'ApplicationLimitExceededException',
        `The limit of ${MOST_APPLICATIONS} applications is reached.`,
      );
    }
    if (!(await applications.insert(call.house.store, keyOf(call, applicationName), application))) {
      throw alreadyExists(applicationName);
    }
    return { applicationId: application.applicationId };
  },
});

export const getApplication = operation<GetApplicationInput, GetApplicationOutput>({
  authorize: (input, call) => [onApplication(call, 'GetApplication', input.applicationName)],
  async handle(input, call) {
    return { application: shown(await requireApplication(call, input.applicationName)) };
  },
});

export const batchGetApplications = operation<BatchGetApplicationsInput, BatchGetApplicationsOutput>({
  authorize: (input, call) =>
    (Array.isArray(input.applicationNames) && input.applicationNames.length > 0 ? input.applicationNames : ['*']).map(
      (name) => onApplication(call, 'BatchGetApplications', name),
    ),
  async handle(input, call) {
    const names = input.applicationNames ?? [];
    if (names.length === 0) {
      throw new AwsError('ApplicationNameRequiredException', 'At least one application name must be specified.');
    }
    if (names.length > MOST_IN_A_BATCH) throw batchLimit(MOST_IN_A_BATCH);
    const checked = names.map((name) => applicationNameOf(name));
    const infos: ApplicationInfo[] = [];
    for (const name of checked) infos.push(shown(await requireApplication(call, name)));
    return { applicationsInfo: infos };
  },
});

export const listApplications = operation<ListApplicationsInput, ListApplicationsOutput>({
  authorize: (_input, call) => [onApplication(call, 'ListApplications', '*')],
  async handle(input, call) {
    const scope = { account: call.account, region: call.region };
    const { items, ...more } = await listPage(call.house.store, applications, scope, input.nextToken);
    return { applications: items.map(({ document }) => document.applicationName), ...more };
  },
});

/** Renames. */
export const updateApplication = operation<UpdateApplicationInput, void>({
  authorize: (input, call) => [
    onApplication(call, 'UpdateApplication', input.applicationName),
    ...(typeof input.newApplicationName === 'string'
      ? [onApplication(call, 'UpdateApplication', input.newApplicationName)]
      : []),
  ],
  async handle(input, call) {
    const applicationName = applicationNameOf(input.applicationName);
    const newName =
      input.newApplicationName === undefined ? applicationName : applicationNameOf(input.newApplicationName);
    await call.house.store.transaction(async (tx) => {
      const key = keyOf(call, applicationName);
      const application = (await applications.getForUpdate(tx, key))?.document;
      if (application === undefined) throw doesNotExist(applicationName);
      if (newName === applicationName) return;
      const renamed = { ...application, applicationName: newName };
      if (!(await applications.insert(tx, keyOf(call, newName), renamed))) throw alreadyExists(newName);
      await applications.delete(tx, key);
    });
  },
});

/** With its groups and revisions. Deleting what is not there succeeds. */
export const deleteApplication = operation<DeleteApplicationInput, void>({
  authorize: (input, call) => [onApplication(call, 'DeleteApplication', input.applicationName)],
  async handle(input, call) {
    const key = keyOf(call, applicationNameOf(input.applicationName));
    await call.house.store.transaction(async (tx) => {
      const application = (await applications.getForUpdate(tx, key))?.document;
      if (application === undefined) return;
      await deploymentGroups.deleteUnder(tx, key, application.applicationId);
      await revisions.deleteUnder(tx, key, application.applicationId);
      await applications.delete(tx, key);
    });
  },
});

export function keyOf(call: Call, id: string) {
  return { account: call.account, region: call.region, id };
}

/** Checks the name as well. Throws `ApplicationDoesNotExistException`. */
export async function requireApplication(
  call: Call,
  name: string | undefined,
  q: Queryable = call.house.store,
): Promise<Application> {
  const applicationName = applicationNameOf(name);
  const application = (await applications.get(q, keyOf(call, applicationName)))?.document;
  if (application === undefined) throw doesNotExist(applicationName);
  return application;
}

export function batchLimit(most: number): AwsError {
  return new AwsError(
    'BatchLimitExceededException',
    `The maximum number of names or IDs allowed for this request (${most}) was exceeded.`,
  );
}

/** Also for deployment configurations. Absent: Server. */
export function checkedPlatform(platform: string | undefined): ComputePlatform {
  if (platform === undefined) return 'Server';
  if (!PLATFORMS.includes(platform)) {
    throw new AwsError(
      'InvalidComputePlatformException',
      `The compute platform ${platform} is invalid. It must be one of Server, Lambda, ECS.`,
    );
  }
  return platform as ComputePlatform;
}

function shown(application: Application): ApplicationInfo {
  return {
    applicationId: application.applicationId,
    applicationName: application.applicationName,
    createTime: new Date(application.createdAt),
    linkedToGitHub: false,
    computePlatform: application.computePlatform,
  };
}

function doesNotExist(name: string): AwsError {
  return new AwsError('ApplicationDoesNotExistException', `No application found for name: ${name}`);
}

function alreadyExists(name: string): AwsError {
  return new AwsError('ApplicationAlreadyExistsException', `Application already exists: ${name}`);
}
