/** Settings of a function: what is accepted, what is refused, and how a configuration is shown. */
import type {
  CreateFunctionRequest,
  FunctionConfiguration,
  UpdateFunctionConfigurationRequest,
} from '@aws-sdk/client-lambda';
import type { House } from '../service.ts';
import { invalid, refuse } from './errors.ts';
import { RUNTIMES } from './environments.ts';
import { type Configuration, functionArn, LATEST, type Place, codeSha256 } from './records.ts';
import { sealVariables, unsealVariables } from './sealing.ts';

type Settings = Omit<CreateFunctionRequest & UpdateFunctionConfigurationRequest, 'FunctionName' | 'Code' | 'Role'> &
  Readonly<{ Role?: string | undefined }>;

/** Throws for settings that would change what the function does and that Sluice does not have. Empty ones are fine. */
export function refuseUnsupported(input: Settings): void {
  if (input.PackageType === 'Image') throw refuse('PackageType Image');
  if (hasMembers(input.ImageConfig)) throw refuse('ImageConfig');
  if (hasMembers(input.VpcConfig)) throw refuse('VpcConfig');
  if (hasMembers(input.DeadLetterConfig)) throw refuse('DeadLetterConfig');
  if (hasMembers(input.Layers)) throw refuse('Layers');
  if (hasMembers(input.FileSystemConfigs)) throw refuse('FileSystemConfigs');
  if (hasMembers(input.CapacityProviderConfig)) throw refuse('CapacityProviderConfig');
  if (hasMembers(input.DurableConfig)) throw refuse('DurableConfig');
  if (hasMembers(input.TenancyConfig)) throw refuse('TenancyConfig');
  if (hasMembers(input.PublishTo)) throw refuse('PublishTo');
  if (hasMembers(input.KMSKeyArn)) throw refuse('KMSKeyArn');
  if (hasMembers(input.CodeSigningConfigArn)) throw refuse('CodeSigningConfigArn');
  if (input.TracingConfig?.Mode === 'Active') throw refuse('TracingConfig Mode Active');
  if (input.SnapStart?.ApplyOn === 'PublishedVersions') throw refuse('SnapStart ApplyOn PublishedVersions');
  const logging = input.LoggingConfig;
  if (logging?.LogFormat === 'JSON') throw refuse('LoggingConfig LogFormat JSON');
  if (logging?.ApplicationLogLevel !== undefined || logging?.SystemLogLevel !== undefined) {
    throw invalid('To use ApplicationLogLevel or SystemLogLevel, you must set LogFormat to JSON.');
  }
}

/** Anything set at all: `{ SubnetIds: [], SecurityGroupIds: [] }` is not. */
function hasMembers(value: unknown): boolean {
  if (value === undefined || value === null || value === '' || value === false) return false;
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object') return Object.values(value).some(hasMembers);
  return true;
}

/** What a new function has where its maker says nothing. */
export function defaultSettings(
  name: string,
): Omit<Configuration, 'runtime' | 'role' | 'handler' | 'codeDigest' | 'codeBytes' | 'modifiedAt' | 'revisionId'> {
  return {
    version: LATEST,
    description: '',
    timeoutSeconds: 3,
    memoryMb: 128,
    ephemeralStorageMb: 512,
    architecture: 'x86_64',
    tracingMode: 'PassThrough',
    logGroup: `/aws/lambda/${name}`,
    snapStart: 'None',
  };
}

/** `current` with the settings of the request laid over it. Throws `InvalidParameterValueException`. */
export async function withSettings<Base extends Partial<Configuration>>(
  house: House,
  current: Base,
  input: Settings,
): Promise<Base & Partial<Configuration>> {
  refuseUnsupported(input);
  if (input.Runtime !== undefined && !RUNTIMES.includes(input.Runtime)) {
    throw invalid(
      `The runtime parameter of ${input.Runtime} is not implemented by Sluice. Implemented: ${RUNTIMES.join(', ')}`,
    );
  }
  checkRange('timeout', input.Timeout, 1, 900);
  checkRange('memorySize', input.MemorySize, 128, 10_240);
  checkRange('ephemeralStorage.size', input.EphemeralStorage?.Size, 512, 10_240);
  const architecture = input.Architectures?.[0];
  if ((input.Architectures?.length ?? 0) > 1) {
    throw invalid('Value for Architectures must be exactly one of x86_64 or arm64.');
  }
  const set = {
    ...(input.Runtime === undefined ? {} : { runtime: input.Runtime }),
    ...(input.Role === undefined ? {} : { role: input.Role }),
    ...(input.Handler === undefined ? {} : { handler: input.Handler }),
    ...(input.Description === undefined ? {} : { description: input.Description }),
    ...(input.Timeout === undefined ? {} : { timeoutSeconds: input.Timeout }),
    ...(input.MemorySize === undefined ? {} : { memoryMb: input.MemorySize }),
    ...(input.EphemeralStorage?.Size === undefined ? {} : { ephemeralStorageMb: input.EphemeralStorage.Size }),
    ...(input.LoggingConfig?.LogGroup === undefined ? {} : { logGroup: input.LoggingConfig.LogGroup }),
    ...(architecture === undefined ? {} : { architecture }),
  };
  return { ...current, ...set, ...(await environmentOf(house, current, input)) };
}

/** The model knows wider limits than the service keeps. Source: Lambda Developer Guide, "Lambda quotas". */
function checkRange(name: string, value: number | undefined, least: number, most: number): void {
  if (value === undefined || (value >= least && value <= most)) return;
  const bound = value > most ? `less than or equal to ${most}` : `greater than or equal to ${least}`;
  throw invalid(`'${name}' value failed to satisfy constraint: Member must have value ${bound}`);
}

/** Sealed anew only where it changed: an unchanged configuration stays equal to itself. */
async function environmentOf(
  house: House,
  current: Partial<Configuration>,
  input: Settings,
): Promise<Pick<Configuration, 'environment'>> {
  if (input.Environment === undefined) return {};
  const variables = input.Environment.Variables ?? {};
  checkVariables(variables);
  if (Object.keys(variables).length === 0) return { environment: undefined };
  const before = await unsealVariables(house, current.environment);
  if (current.environment !== undefined && sameVariables(before, variables))
    return { environment: current.environment };
  return { environment: await sealVariables(house, variables) };
}

function sameVariables(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => a[key] === b[key]);
}

/** Source: Lambda Developer Guide, "Defined runtime environment variables" (reserved), "Lambda quotas" (4 KB). */
const RESERVED = new Set([
  '_HANDLER',
  '_X_AMZN_TRACE_ID',
  'AWS_DEFAULT_REGION',
  'AWS_REGION',
  'AWS_EXECUTION_ENV',
  'AWS_LAMBDA_FUNCTION_NAME',
  'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
  'AWS_LAMBDA_FUNCTION_VERSION',
  'AWS_LAMBDA_INITIALIZATION_TYPE',
  'AWS_LAMBDA_LOG_GROUP_NAME',
  'AWS_LAMBDA_LOG_STREAM_NAME',
  'AWS_ACCESS_KEY',
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_LAMBDA_RUNTIME_API',
  'LAMBDA_TASK_ROOT',
  'LAMBDA_RUNTIME_DIR',
]);
const MAX_VARIABLES_BYTES = 4_096;

function checkVariables(variables: Readonly<Record<string, string>>): void {
  const reserved = Object.keys(variables).filter((name) => RESERVED.has(name));
  if (reserved.length > 0) {
    throw invalid(
      'Lambda was unable to configure your environment variables because the environment variables you have provided contains ' +
        `reserved keys that are currently not supported for modification. Reserved keys used in this request: ${reserved.join(', ')}`,
    );
  }
  if (Object.values(variables).some((value) => value.includes('\0')))
    throw invalid('Environment variables cannot contain null characters.');
  if (Buffer.byteLength(JSON.stringify(variables)) > MAX_VARIABLES_BYTES) {
    throw invalid(
      'Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.',
    );
  }
}

/** The members that make two configurations the same for `PublishVersion`. */
export function sameContent(a: Configuration, b: Configuration): boolean {
  const content = ({ version: _v, description: _d, modifiedAt: _m, revisionId: _r, ...rest }: Configuration): string =>
    JSON.stringify(Object.entries(rest).sort(([one], [other]) => (one < other ? -1 : 1)));
  return content(a) === content(b);
}

/** `qualifier` is what the ARN ends in; absent: the ARN of the function. */
export async function shownConfiguration(
  house: House,
  place: Place,
  configuration: Configuration,
  qualifier?: string,
): Promise<FunctionConfiguration> {
  const variables = await unsealVariables(house, configuration.environment);
  return {
    FunctionName: place.name,
    FunctionArn: functionArn(place, qualifier),
    Runtime: configuration.runtime as NonNullable<FunctionConfiguration['Runtime']>,
    Role: configuration.role,
    Handler: configuration.handler,
    CodeSize: configuration.codeBytes,
    Description: configuration.description,
    Timeout: configuration.timeoutSeconds,
    MemorySize: configuration.memoryMb,
    LastModified: new Date(configuration.modifiedAt).toISOString().replace('Z', '+0000'),
    CodeSha256: codeSha256(configuration.codeDigest),
    Version: configuration.version,
    ...(configuration.environment === undefined ? {} : { Environment: { Variables: variables } }),
    TracingConfig: { Mode: configuration.tracingMode as 'PassThrough' },
    RevisionId: configuration.revisionId,
    State: 'Active',
    LastUpdateStatus: 'Successful',
    PackageType: 'Zip',
    Architectures: [configuration.architecture as 'x86_64'],
    EphemeralStorage: { Size: configuration.ephemeralStorageMb },
    SnapStart: { ApplyOn: configuration.snapStart as 'None', OptimizationStatus: 'Off' },
    LoggingConfig: { LogFormat: 'Text', LogGroup: configuration.logGroup },
  };
}

/** As lists show it: without the state. */
export function listedConfiguration({
  State: _s,
  LastUpdateStatus: _l,
  ...rest
}: FunctionConfiguration): FunctionConfiguration {
  return rest;
}
