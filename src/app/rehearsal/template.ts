/**
 * What a CloudFormation template holds of deliveries: pipelines, deployment groups and configurations, alarms, the time-outs
 * of builds, and the deployment preferences of SAM. Nothing is made, so what only the making would tell (the ARN of a role,
 * an export, a parameter that is not given) is a name that stands for it.
 */
import type { Json, JsonObject } from '../../common/index.ts';
import { alarmOfOtherKind } from '../../core/alarm-fitness/index.ts';
import {
  attempt,
  evaluate,
  isObject,
  type Names,
  parameterValues,
  readTemplate,
} from '../../core/cloudformation-template/index.ts';
import {
  declare,
  type Definitions,
  readAlarm,
  readGroup,
  readPipeline,
  readRouting,
  wholeNumber,
} from './definitions.ts';
import { Part } from './source-file.ts';

/** By name of the parameter. */
export type Parameters = ReadonlyMap<string, string>;

export function isTemplate(part: Part): boolean {
  const resources = part.at('Resources');
  return resources.isMap && resources.keys().some((id) => resources.at(id).has('Type'));
}

/** The names of its parameters. */
export function parametersOf(part: Part): readonly string[] {
  return part.at('Parameters').keys();
}

export function readStack(template: Part, parameters: Parameters, into: Definitions): void {
  const names = namesOf(template, parameters);
  const resources = template.at('Resources');
  for (const id of resources.keys()) {
    const resource = resources.at(id);
    const only = resource.at('Condition');
    if (only.isThere && names.condition?.(only.text()) === false) continue;
    const read = READERS[resource.at('Type').maybe((type) => type.text()) ?? ''];
    read?.({ id, template, resource, names, into, properties: propertiesOf(resource, names) });
  }
}

type Reading = Readonly<{
  id: string;
  template: Part;
  resource: Part;
  names: Names;
  into: Definitions;
  /** Evaluated, as CloudFormation spells them. */
  properties: Part;
}>;

const READERS: Readonly<Record<string, (reading: Reading) => void>> = {
  'AWS::CodePipeline::Pipeline': pipeline,
  'AWS::CodeDeploy::DeploymentGroup': group,
  'AWS::CodeDeploy::DeploymentConfig': config,
  'AWS::CloudWatch::Alarm': alarm,
  'AWS::CloudWatch::CompositeAlarm': composite,
  'AWS::CodeBuild::Project': project,
  'AWS::Serverless::Function': serverless,
};

const NOT_OF_THE_API = ['DisableInboundStageTransitions', 'RestartExecutionOnUpdate', 'Tags'];

function pipeline({ id, properties, into }: Reading): void {
  const written = properties.value as JsonObject;
  const stores = properties.at('ArtifactStores');
  const own = Object.fromEntries(Object.entries(written).filter(([key]) => !NOT_OF_THE_API.includes(key)));
  const declaration = readPipeline(
    as(properties, {
      ...(asApi(own) as JsonObject),
      name: written['Name'] ?? id,
      ...(stores.isThere
        ? {
            artifactStores: Object.fromEntries(
              stores.items().map((each) => [each.at('Region').text(), asApi(each.at('ArtifactStore').value ?? null)]),
            ),
          }
        : {}),
    }),
  );
  declare(into.pipelines, 'pipeline', declaration.name, declaration, properties);
  const shut = properties
    .at('DisableInboundStageTransitions')
    .items()
    .map((each) => each.at('StageName').text());
  into.shut.set(declaration.name, shut);
}

function group({ id, properties, into }: Reading): void {
  const written = asApi(properties.value ?? null) as JsonObject;
  const declaration = readGroup(
    as(properties, { ...written, deploymentGroupName: written['deploymentGroupName'] ?? id }),
  );
  const name = `${declaration.applicationName}/${declaration.deploymentGroupName}`;
  declare(into.groups, 'deployment group', name, declaration, properties);
}

function config({ id, properties, into }: Reading): void {
  const platform = properties.at('ComputePlatform');
  if (platform.isThere && platform.text() !== 'Lambda') return;
  if (!properties.has('TrafficRoutingConfig')) return;
  const name = properties.at('DeploymentConfigName').maybe((each) => each.text()) ?? id;
  declare(
    into.routings,
    'deployment configuration',
    name,
    readRouting(as(properties, asApi(properties.value ?? null))),
    properties,
  );
}

function alarm({ id, properties, into }: Reading): void {
  const written = properties.value as JsonObject;
  const declaration = readAlarm(as(properties, { ...written, AlarmName: written['AlarmName'] ?? id }));
  declare(into.alarms, 'alarm', declaration.AlarmName, declaration, properties);
}

function composite({ id, properties, into }: Reading): void {
  const name = properties.at('AlarmName').maybe((each) => each.text()) ?? id;
  declare(into.alarms, 'alarm', name, alarmOfOtherKind(name, 'OK', 'Composite'), properties);
}

function project({ id, properties, into }: Reading): void {
  const minutes = properties.at('TimeoutInMinutes').maybe(wholeNumber);
  if (minutes === undefined) return;
  const name = properties.at('Name').maybe((each) => each.text()) ?? id;
  declare(into.buildTimeouts, 'project', name, minutes, properties);
}

/** Source: AWS SAM Developer Guide, "DeploymentPreference"; the names are those that SAM gives. */
function serverless({ id, template, names, properties, into }: Reading): void {
  const shared = template.at('Globals').at('Function').at('DeploymentPreference');
  const own = properties.at('DeploymentPreference');
  if (!own.isThere && !shared.isThere) return;
  const preference = as(own.isThere ? own : shared, {
    ...(evaluated(shared, names).value as JsonObject | undefined),
    ...(own.value as JsonObject | undefined),
  });
  if (preference.at('Enabled').maybe((each) => each.flag()) === false) return;
  const hooks = preference.at('Hooks');
  const alarms = preference.at('Alarms').items();
  const type = preference.at('Type').text();
  const applicationName = 'ServerlessDeploymentApplication';
  const deploymentGroupName = `${id}DeploymentGroup`;
  const declaration = {
    applicationName,
    deploymentGroupName,
    deploymentConfigName: /^(Canary|Linear|AllAtOnce)/.test(type) ? `CodeDeployDefault.Lambda${type}` : type,
    alarmConfiguration: { enabled: alarms.length > 0, alarms: alarms.map((each) => ({ name: each.text() })) },
    autoRollbackConfiguration: {
      enabled: true,
      events: ['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST'],
    },
    hooks: [
      ...(hooks.has('PreTraffic') ? (['BeforeAllowTraffic'] as const) : []),
      ...(hooks.has('PostTraffic') ? (['AfterAllowTraffic'] as const) : []),
    ],
  };
  declare(into.groups, 'deployment group', `${applicationName}/${deploymentGroupName}`, declaration, preference);
}

// --- names and functions ---

function namesOf(template: Part, parameters: Parameters): Names {
  const values = valuesOf(template, parameters);
  const resources = template.at('Resources');
  const conditions = template.at('Conditions');
  const underway = new Set<string>();
  const names: Names = {
    ref: (name) => values.get(name) ?? PSEUDO[name] ?? physicalName(resources.at(name), name, names),
    attribute: (name, attribute) => `${name}.${attribute}`,
    condition: (name) => {
      const part = conditions.at(name);
      if (!part.isThere || underway.has(name)) return undefined;
      underway.add(name);
      const { value } = evaluated(part, names);
      underway.delete(name);
      return value === true;
    },
    mappings: (template.at('Mappings').value ?? {}) as Record<string, Json>,
  };
  return names;
}

const PSEUDO: Readonly<Record<string, Json>> = {
  'AWS::AccountId': '000000000000',
  'AWS::Region': 'us-east-1',
  'AWS::StackName': 'rehearsal',
  'AWS::StackId': 'rehearsal',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
};

const NAME_KEYS = [
  'AlarmName',
  'DeploymentGroupName',
  'DeploymentConfigName',
  'ApplicationName',
  'FunctionName',
  'Name',
];

/** By the property that names it; else by its id, as AWS draws the name. */
function physicalName(resource: Part, id: string, names: Names): string {
  const properties = resource.at('Properties');
  const type = resource.at('Type').value;
  const keys = type === 'AWS::CodeDeploy::DeploymentGroup' ? ['DeploymentGroupName'] : NAME_KEYS;
  const key = keys.find((each) => properties.has(each));
  if (key === undefined) return id;
  const { value } = evaluated(properties.at(key), names);
  return typeof value === 'string' ? value : id;
}

const KNOWN_TYPES = ['String', 'Number', 'CommaDelimitedList', 'List<Number>'];

/** Of those that are given or have a default, checked; every other is a name that stands for it. */
function valuesOf(template: Part, given: Parameters): ReadonlyMap<string, Json> {
  const section = template.at('Parameters');
  const values = new Map<string, Json>();
  const checked: Record<string, Json> = {};
  for (const name of section.keys()) {
    const declared = section.at(name);
    const value = given.get(name) ?? declared.at('Default').maybe((each) => each.text());
    values.set(name, value ?? `<${name}>`);
    if (value !== undefined && KNOWN_TYPES.includes(declared.at('Type').text()))
      checked[name] = declared.value as JsonObject;
  }
  const nothing = { Nothing: { Type: 'Nothing' } };
  const facts = { Nothing: { properties: [], required: [], attributes: [] } };
  const read = readTemplate({ Parameters: checked, Resources: nothing }, facts);
  if (read.value === undefined) throw section.error(read.fault);
  const found = parameterValues(
    read.value,
    Object.keys(checked).flatMap((key) => (given.has(key) ? [{ key, value: given.get(key) ?? '' }] : [])),
  );
  if (found.value === undefined) throw section.error(found.fault);
  for (const [name, value] of Object.entries(found.value)) {
    const isList = read.value.parameters[name]?.type !== 'String' && read.value.parameters[name]?.type !== 'Number';
    values.set(name, isList ? value.split(',').map((each) => each.trim()) : value);
  }
  return values;
}

function propertiesOf(resource: Part, names: Names): Part {
  const properties = resource.at('Properties');
  return properties.isThere ? evaluated(properties, names) : as(properties, {});
}

function evaluated(part: Part, names: Names): Part {
  if (!part.isThere) return part;
  const found = attempt(() => evaluate(symbolic(part.value ?? null, names), names));
  if (found.fault !== undefined) throw part.error(found.fault);
  return as(part, found.value);
}

/** What only CloudFormation itself could work out becomes a name. */
function symbolic(value: Json, names: Names): Json {
  if (typeof value === 'string') return value.replaceAll('{{resolve:', '{{');
  if (Array.isArray(value)) return value.map((each: Json) => symbolic(each, names));
  if (!isObject(value)) return value;
  const [key = '', ...more] = Object.keys(value);
  const argument = value[key];
  if (more.length === 0 && ELSEWHERE.has(key) && argument !== undefined) {
    const found = evaluate(symbolic(argument, names), names);
    return typeof found === 'string' ? found : key;
  }
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, each]) => (each === undefined ? [] : [[name, symbolic(each, names)]])),
  );
}

const ELSEWHERE: ReadonlySet<string> = new Set(['Fn::ImportValue', 'Fn::GetAZs', 'Fn::Cidr', 'Fn::Transform']);

/** Another value in the same place. */
function as(part: Part, value: Json | undefined): Part {
  return new Part(part.file, part.path, value);
}

/** CloudFormation's spelling of members as the API has it; keys of an action's configuration stay as they are. */
function asApi(value: Json): Json {
  if (Array.isArray(value)) return value.map((each: Json) => asApi(each));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) =>
      each === undefined
        ? []
        : [[key.slice(0, 1).toLowerCase() + key.slice(1), key === 'Configuration' ? each : asApi(each)]],
    ),
  );
}
