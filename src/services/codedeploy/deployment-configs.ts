/** Deployment configurations: the predefined ones, and those that users make. */
import type {
  CreateDeploymentConfigInput,
  CreateDeploymentConfigOutput,
  DeleteDeploymentConfigInput,
  GetDeploymentConfigInput,
  GetDeploymentConfigOutput,
  ListDeploymentConfigsInput,
  ListDeploymentConfigsOutput,
  MinimumHealthyHosts,
  TrafficRoutingConfig,
  ZonalConfig,
} from '@aws-sdk/client-codedeploy';
import { AwsError } from '../../common/index.ts';
import { type Routing, shiftSteps, totalShiftMs } from '../../core/traffic-shift/index.ts';
import type { Queryable } from '../../store/index.ts';
import { type Call, operation } from '../service.ts';
import { encodeToken } from '../pages.ts';
import { onDeploymentConfig } from './access.ts';
import { checkedPlatform, keyOf } from './applications.ts';
import { deploymentConfigNameOf } from './names.ts';
import { pageOf } from './pages.ts';
import { PREDEFINED, PREDEFINED_PREFIX } from './predefined-configs.ts';
import { type ComputePlatform, type DeploymentConfig, deploymentConfigs, deploymentGroups } from './records.ts';

const MOST_CONFIGS = 50;
const MOST_SHIFT_MINUTES = 2880;
const PAGE_SIZE = 100;

export const createDeploymentConfig = operation<CreateDeploymentConfigInput, CreateDeploymentConfigOutput>({
  authorize: (input, call) => [onDeploymentConfig(call, 'CreateDeploymentConfig', input.deploymentConfigName)],
  async handle(input, call) {
    const deploymentConfigName = deploymentConfigNameOf(input.deploymentConfigName);
    if (deploymentConfigName.startsWith(PREDEFINED_PREFIX)) {
      throw new AwsError(
        'InvalidDeploymentConfigNameException',
        `Deployment configuration names must not begin with ${PREDEFINED_PREFIX}`,
      );
    }
    const computePlatform = checkedPlatform(input.computePlatform);
    const config: DeploymentConfig = {
      deploymentConfigId: call.house.ids.uuid(),
      deploymentConfigName,
      computePlatform,
      createdAt: call.now,
      ...(computePlatform === 'Server' ? forHosts(input) : forTraffic(input, computePlatform)),
    };
    const scope = { account: call.account, region: call.region };
    if ((await deploymentConfigs.count(call.house.store, scope)) >= MOST_CONFIGS) {
      throw new AwsError(
        'DeploymentConfigLimitExceededException',
        `The limit of ${MOST_CONFIGS} deployment configurations is reached.`,
      );
    }
    if (!(await deploymentConfigs.insert(call.house.store, keyOf(call, deploymentConfigName), config))) {
      throw new AwsError(
        'DeploymentConfigAlreadyExistsException',
        `Deployment configuration already exists: ${deploymentConfigName}`,
      );
    }
    return { deploymentConfigId: config.deploymentConfigId };
  },
});

export const getDeploymentConfig = operation<GetDeploymentConfigInput, GetDeploymentConfigOutput>({
  authorize: (input, call) => [onDeploymentConfig(call, 'GetDeploymentConfig', input.deploymentConfigName)],
  async handle(input, call) {
    const { createdAt, ...config } = await requireConfig(call, input.deploymentConfigName);
    return { deploymentConfigInfo: { ...config, createTime: new Date(createdAt) } };
  },
});

export const listDeploymentConfigs = operation<ListDeploymentConfigsInput, ListDeploymentConfigsOutput>({
  authorize: (_input, call) => [onDeploymentConfig(call, 'ListDeploymentConfigs', '*')],
  async handle(input, call) {
    const after = pageOf(input.nextToken);
    const custom = await deploymentConfigs.list(call.house.store, { account: call.account, region: call.region });
    const names = [...PREDEFINED.keys(), ...custom.map(({ key }) => key.id)]
      .sort()
      .filter((name) => after === undefined || name > after.id);
    const page = names.slice(0, PAGE_SIZE);
    const last = page.at(-1) ?? '';
    return {
      deploymentConfigsList: page,
      ...(names.length > PAGE_SIZE && { nextToken: encodeToken({ sort: last, id: last }) }),
    };
  },
});

/** Deleting what is not there succeeds. */
export const deleteDeploymentConfig = operation<DeleteDeploymentConfigInput, void>({
  authorize: (input, call) => [onDeploymentConfig(call, 'DeleteDeploymentConfig', input.deploymentConfigName)],
  async handle(input, call) {
    const name = deploymentConfigNameOf(input.deploymentConfigName);
    if (PREDEFINED.has(name)) {
      throw new AwsError(
        'InvalidOperationException',
        `The default deployment configuration ${name} cannot be deleted.`,
      );
    }
    await call.house.store.transaction(async (tx) => {
      await deploymentConfigs.getForUpdate(tx, keyOf(call, name));
      const groups = await deploymentGroups.list(tx, { account: call.account, region: call.region });
      const user = groups.find(({ document }) => document.deploymentConfigName === name);
      if (user !== undefined) {
        throw new AwsError(
          'DeploymentConfigInUseException',
          `The deployment configuration ${name} is used by the deployment group ${user.document.deploymentGroupName}.`,
        );
      }
      await deploymentConfigs.delete(tx, keyOf(call, name));
    });
  },
});

/** Checks the name as well. Throws `DeploymentConfigDoesNotExistException`. */
export async function requireConfig(
  call: Call,
  name: string | undefined,
  q: Queryable = call.house.store,
): Promise<DeploymentConfig> {
  const configName = deploymentConfigNameOf(name);
  const config = PREDEFINED.get(configName) ?? (await deploymentConfigs.get(q, keyOf(call, configName)))?.document;
  if (config === undefined) {
    throw new AwsError(
      'DeploymentConfigDoesNotExistException',
      `No Deployment Configuration found for name: ${configName}`,
    );
  }
  return config;
}

/** The configuration that a group or deployment on `platform` names. */
export async function configFor(
  call: Call,
  platform: ComputePlatform,
  name: string | undefined,
  q: Queryable = call.house.store,
): Promise<DeploymentConfig> {
  const config = await requireConfig(call, name, q);
  if (config.computePlatform !== platform) {
    throw new AwsError(
      'InvalidDeploymentConfigNameException',
      `The deployment configuration ${config.deploymentConfigName} is for the compute platform ${config.computePlatform}, not for ${platform}.`,
    );
  }
  return config;
}

/** How traffic moves, in the words of `core/traffic-shift`. */
export function routingOf(config: TrafficRoutingConfig | undefined): Routing {
  const { type, timeBasedCanary, timeBasedLinear } = config ?? {};
  if (type === 'TimeBasedCanary') {
    const { canaryPercentage = 0, canaryInterval = 0 } = timeBasedCanary ?? {};
    return { type, percent: canaryPercentage, intervalMinutes: canaryInterval };
  }
  if (type === 'TimeBasedLinear') {
    const { linearPercentage = 0, linearInterval = 0 } = timeBasedLinear ?? {};
    return { type, percent: linearPercentage, intervalMinutes: linearInterval };
  }
  return { type: 'AllAtOnce' };
}

export const stepsOf = (config: DeploymentConfig) => shiftSteps(routingOf(config.trafficRoutingConfig));

type Definition = Pick<DeploymentConfig, 'minimumHealthyHosts' | 'trafficRoutingConfig' | 'zonalConfig'>;

function forHosts(input: CreateDeploymentConfigInput): Definition {
  if (input.trafficRoutingConfig !== undefined) {
    throw badRouting('A traffic routing configuration cannot be given for the compute platform Server.');
  }
  const minimumHealthyHosts = checkedHosts(input.minimumHealthyHosts);
  const zonalConfig = input.zonalConfig === undefined ? undefined : checkedZones(input.zonalConfig);
  return { minimumHealthyHosts, ...(zonalConfig !== undefined && { zonalConfig }) };
}

function checkedHosts(hosts: MinimumHealthyHosts | undefined): MinimumHealthyHosts {
  const { type, value } = hosts ?? {};
  if (type !== 'HOST_COUNT' && type !== 'FLEET_PERCENT') {
    throw badHosts('Minimum healthy hosts of the type HOST_COUNT or FLEET_PERCENT must be specified.');
  }
  if (value === undefined || !Number.isInteger(value) || value < 0) {
    throw badHosts('The value of minimum healthy hosts must be a whole number, 0 or more.');
  }
  if (type === 'FLEET_PERCENT' && value > 99) throw badHosts('A fleet percentage must be between 0 and 99.');
  return { type, value };
}

function checkedZones(zones: ZonalConfig): ZonalConfig {
  const {
    firstZoneMonitorDurationInSeconds: first,
    monitorDurationInSeconds: each,
    minimumHealthyHostsPerZone,
  } = zones;
  const bad = (message: string) => new AwsError('InvalidZonalDeploymentConfigurationException', message);
  for (const seconds of [first, each]) {
    if (seconds !== undefined && (!Number.isInteger(seconds) || seconds < 0)) {
      throw bad('Monitor durations must be whole numbers of seconds, 0 or more.');
    }
  }
  if (minimumHealthyHostsPerZone !== undefined) {
    const { type, value = -1 } = minimumHealthyHostsPerZone;
    const known = type === 'HOST_COUNT' || type === 'FLEET_PERCENT';
    if (!known || value < 0 || (type === 'FLEET_PERCENT' && value > 99)) {
      throw bad('Minimum healthy hosts per zone must be a HOST_COUNT of 0 or more or a FLEET_PERCENT of 0 to 99.');
    }
  }
  return zones;
}

function forTraffic(input: CreateDeploymentConfigInput, platform: ComputePlatform): Definition {
  if (input.minimumHealthyHosts !== undefined) {
    throw badHosts(`Minimum healthy hosts cannot be given for the compute platform ${platform}.`);
  }
  if (input.zonalConfig !== undefined) {
    throw new AwsError(
      'InvalidZonalDeploymentConfigurationException',
      `A zonal configuration cannot be given for the compute platform ${platform}.`,
    );
  }
  const config = input.trafficRoutingConfig;
  if (config === undefined) throw badRouting('A traffic routing configuration must be specified.');
  const { type, timeBasedCanary, timeBasedLinear } = config;
  if (type === 'AllAtOnce') {
    if (timeBasedCanary !== undefined || timeBasedLinear !== undefined) {
      throw badRouting('AllAtOnce takes neither a canary nor a linear configuration.');
    }
    return { trafficRoutingConfig: { type } };
  }
  if (type !== 'TimeBasedCanary' && type !== 'TimeBasedLinear') {
    throw badRouting(
      'The type of a traffic routing configuration must be TimeBasedCanary, TimeBasedLinear or AllAtOnce.',
    );
  }
  if ((type === 'TimeBasedCanary' ? timeBasedLinear : timeBasedCanary) !== undefined) {
    throw badRouting(`A configuration of the type ${type} must not hold another type's settings.`);
  }
  const routing = routingOf(config);
  if (
    routing.type === 'AllAtOnce' ||
    !Number.isInteger(routing.percent) ||
    routing.percent < 1 ||
    routing.percent > 99
  ) {
    throw badRouting('The percentage must be a whole number from 1 to 99.');
  }
  if (!Number.isInteger(routing.intervalMinutes) || routing.intervalMinutes < 1) {
    throw badRouting('The interval must be a whole number of minutes, 1 or more.');
  }
  if (totalShiftMs(routing) > MOST_SHIFT_MINUTES * 60_000) {
    throw badRouting(`The time between the first and the last shift must be at most ${MOST_SHIFT_MINUTES} minutes.`);
  }
  return { trafficRoutingConfig: config };
}

function badRouting(message: string): AwsError {
  return new AwsError('InvalidTrafficRoutingConfigurationException', message);
}

function badHosts(message: string): AwsError {
  return new AwsError('InvalidMinimumHealthyHostValueException', message);
}
