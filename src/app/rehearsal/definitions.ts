/** Definitions as AWS's CLI gives and takes them, read from files: pipelines, deployment groups and configurations, alarms. */
import type { AlarmRule, AlarmValue } from '../../core/alarm/index.ts';
import { alarmOfOtherKind, type WireAlarm } from '../../core/alarm-fitness/index.ts';
import { JUDGE_TAG, type JudgeSettings, readJudgeTag } from '../../core/judge/index.ts';
import type { ActionDeclaration, PipelineDeclaration, StageDeclaration } from '../../core/pipeline-definition/index.ts';
import type { Routing } from '../../core/traffic-shift/index.ts';
import type { Part } from './source-file.ts';

/** A thing, and where it is written. */
export type Declared<T> = Readonly<{ value: T; part: Part }>;

export type GroupDeclaration = Readonly<{
  applicationName: string;
  deploymentGroupName: string;
  deploymentConfigName?: string;
  alarmConfiguration?: Readonly<{
    enabled?: boolean;
    ignorePollAlarmFailure?: boolean;
    alarms?: readonly Readonly<{ name?: string }>[];
  }>;
  autoRollbackConfiguration?: Readonly<{ enabled?: boolean; events?: readonly string[] }>;
  hooks?: readonly ('BeforeAllowTraffic' | 'AfterAllowTraffic')[];
  /** As its tag asks for. */
  judge?: JudgeSettings;
}>;

export type Definitions = Readonly<{
  pipelines: Map<string, Declared<PipelineDeclaration>>;
  /** By `APPLICATION/GROUP`. */
  groups: Map<string, Declared<GroupDeclaration>>;
  /** By name of the deployment configuration. */
  routings: Map<string, Declared<Routing>>;
  alarms: Map<string, Declared<WireAlarm>>;
  /** Minutes after which a build of the project is ended. */
  buildTimeouts: Map<string, Declared<number>>;
  /** By pipeline: stages whose inbound transition is disabled. */
  shut: Map<string, readonly string[]>;
}>;

export function noDefinitions(): Definitions {
  return {
    pipelines: new Map(),
    groups: new Map(),
    routings: new Map(),
    alarms: new Map(),
    buildTimeouts: new Map(),
    shut: new Map(),
  };
}

/** Throws `SettingError` for a name that is taken. */
export function declare<T>(known: Map<string, Declared<T>>, what: string, name: string, value: T, part: Part): void {
  const before = known.get(name)?.part;
  if (before !== undefined)
    throw part.error(
      `the ${what} ${name} is given already, by ${before.file.name}, line ${before.file.lineOf(before.path)}`,
    );
  known.set(name, { value, part });
}

const PIPELINE_KEYS = [
  'name',
  'roleArn',
  'artifactStore',
  'artifactStores',
  'stages',
  'version',
  'executionMode',
  'pipelineType',
  'variables',
  'triggers',
];
const STAGE_KEYS = ['name', 'blockers', 'actions', 'onFailure', 'onSuccess', 'beforeEntry'];
const ACTION_KEYS = [
  'name',
  'actionTypeId',
  'runOrder',
  'configuration',
  'commands',
  'outputArtifacts',
  'inputArtifacts',
  'outputVariables',
  'roleArn',
  'region',
  'namespace',
  'timeoutInMinutes',
  'environmentVariables',
];

export function readPipeline(part: Part): PipelineDeclaration {
  const pipeline = part.only(PIPELINE_KEYS);
  return {
    name: pipeline.at('name').text(),
    roleArn: pipeline.at('roleArn').text(),
    ...present({
      artifactStore: pipeline.at('artifactStore').value as PipelineDeclaration['artifactStore'],
      artifactStores: pipeline.at('artifactStores').value as PipelineDeclaration['artifactStores'],
      executionMode: pipeline.at('executionMode').maybe((mode) => mode.oneOf(['SUPERSEDED', 'QUEUED', 'PARALLEL'])),
      pipelineType: pipeline.at('pipelineType').maybe((type) => type.oneOf(['V1', 'V2'])),
      variables: pipeline.at('variables').value as PipelineDeclaration['variables'],
    }),
    stages: needed(pipeline.at('stages')).items().map(readStage),
  };
}

function readStage(part: Part): StageDeclaration {
  const stage = part.only(STAGE_KEYS);
  return {
    name: stage.at('name').text(),
    ...present({
      onFailure: stage.at('onFailure').value as StageDeclaration['onFailure'],
      onSuccess: stage.at('onSuccess').value,
      beforeEntry: stage.at('beforeEntry').value,
    }),
    actions: needed(stage.at('actions')).items().map(readAction),
  };
}

function readAction(part: Part): ActionDeclaration {
  const action = part.only(ACTION_KEYS);
  const type = action.at('actionTypeId').only(['category', 'owner', 'provider', 'version']);
  const names = (key: string) =>
    action
      .at(key)
      .items()
      .map((artifact) => ({ name: artifact.at('name').text() }));
  const text = (key: string): string | undefined => action.at(key).maybe((each) => each.text());
  const configuration = action.at('configuration');
  return {
    name: action.at('name').text(),
    actionTypeId: {
      category: type.at('category').text(),
      owner: type.at('owner').text(),
      provider: type.at('provider').text(),
      version: type.at('version').text(),
    },
    ...present({
      runOrder: action.at('runOrder').maybe(wholeNumber),
      timeoutInMinutes: action.at('timeoutInMinutes').maybe(wholeNumber),
      roleArn: text('roleArn'),
      region: text('region'),
      namespace: text('namespace'),
    }),
    configuration: Object.fromEntries(
      configuration.keys().map((key) => {
        const value = configuration.at(key);
        return [key, typeof value.value === 'object' ? JSON.stringify(value.value) : value.text()];
      }),
    ),
    inputArtifacts: names('inputArtifacts'),
    outputArtifacts: names('outputArtifacts'),
  };
}

export function readGroup(part: Part): GroupDeclaration {
  const platform = part.at('computePlatform');
  if (platform.isThere && platform.text() !== 'Lambda')
    throw platform.error('only deployments of Lambda functions are rehearsed');
  const alarms = part.at('alarmConfiguration');
  const rollback = part.at('autoRollbackConfiguration');
  return {
    applicationName: part.at('applicationName').text(),
    deploymentGroupName: part.at('deploymentGroupName').text(),
    ...present({
      deploymentConfigName: part.at('deploymentConfigName').maybe((name) => name.text()),
      alarmConfiguration: alarms.maybe(() => ({
        enabled: alarms.at('enabled').maybe((each) => each.flag()) ?? false,
        ignorePollAlarmFailure: alarms.at('ignorePollAlarmFailure').maybe((each) => each.flag()) ?? false,
        alarms: alarms
          .at('alarms')
          .items()
          .map((alarm) => ({ name: alarm.at('name').text() })),
      })),
      autoRollbackConfiguration: rollback.maybe(() => ({
        enabled: rollback.at('enabled').maybe((each) => each.flag()) ?? false,
        events: rollback
          .at('events')
          .items()
          .map((event) =>
            event.oneOf(['DEPLOYMENT_FAILURE', 'DEPLOYMENT_STOP_ON_ALARM', 'DEPLOYMENT_STOP_ON_REQUEST']),
          ),
      })),
      judge: readJudge(part.at('tags')),
    }),
  };
}

/** Tags are spelled Key and Value by the API, and otherwise once a template's properties have been put in its words. */
function readJudge(tags: Part): JudgeSettings | undefined {
  const either = (tag: Part, name: string): Part => (tag.has(name) ? tag.at(name) : tag.at(name.toLowerCase()));
  for (const tag of tags.items()) {
    if (either(tag, 'Key').value !== JUDGE_TAG) continue;
    const value = either(tag, 'Value');
    const read = readJudgeTag(value.text());
    if ('problem' in read) throw value.error(read.problem);
    return read.settings;
  }
  return undefined;
}

export function readRouting(part: Part): Routing {
  const routing = part.at('trafficRoutingConfig');
  if (!routing.isThere) throw routing.error('missing: only deployments of Lambda functions are rehearsed');
  const type = routing.at('type').oneOf(['AllAtOnce', 'TimeBasedCanary', 'TimeBasedLinear']);
  if (type === 'AllAtOnce') return { type };
  const [how, prefix] =
    type === 'TimeBasedCanary' ? (['timeBasedCanary', 'canary'] as const) : (['timeBasedLinear', 'linear'] as const);
  const percent = routing.at(how).at(`${prefix}Percentage`);
  const interval = routing.at(how).at(`${prefix}Interval`);
  if (wholeNumber(percent) < 1 || wholeNumber(percent) > 99) throw percent.error('expected 1 to 99');
  if (wholeNumber(interval) < 1) throw interval.error('expected whole minutes, 1 or more');
  return { type, percent: percent.number(), intervalMinutes: interval.number() };
}

const COMPARISONS: readonly AlarmRule['comparison'][] = [
  'GreaterThanThreshold',
  'GreaterThanOrEqualToThreshold',
  'LessThanThreshold',
  'LessThanOrEqualToThreshold',
];
const STATES: readonly AlarmValue[] = ['OK', 'ALARM', 'INSUFFICIENT_DATA'];

/** Of an alarm of a kind that is not rehearsed, only the name and what it is. */
export function readAlarm(part: Part): WireAlarm {
  const name = part.at('AlarmName').text();
  const state = part.at('StateValue').maybe((each) => each.oneOf(STATES)) ?? 'OK';
  if (part.has('ThresholdMetricId')) return alarmOfOtherKind(name, state, 'AnomalyBand');
  const queries = part.at('Metrics').items();
  const stat = queries[0]?.at('MetricStat');
  if (queries.length > 1 || stat?.isThere === false) return alarmOfOtherKind(name, state, 'MetricMath');
  const metric = stat === undefined ? part : stat.at('Metric');
  const text = (key: string): string | undefined => part.at(key).maybe((each) => each.text());
  return {
    AlarmName: name,
    StateValue: state,
    MetricName: metric.at('MetricName').text(),
    Namespace: metric.at('Namespace').text(),
    Dimensions: metric
      .at('Dimensions')
      .items()
      .map((each) => ({ Name: each.at('Name').text(), Value: each.at('Value').text() })),
    Period: (stat ?? part).at('Period').number(),
    EvaluationPeriods: wholeNumber(part.at('EvaluationPeriods')),
    Threshold: part.at('Threshold').number(),
    ComparisonOperator: part.at('ComparisonOperator').oneOf(COMPARISONS),
    ...present({
      Statistic: stat === undefined ? text('Statistic') : stat.at('Stat').text(),
      ExtendedStatistic: text('ExtendedStatistic'),
      DatapointsToAlarm: part.at('DatapointsToAlarm').maybe(wholeNumber),
      TreatMissingData: part
        .at('TreatMissingData')
        .maybe((each) => each.oneOf(['missing', 'ignore', 'breaching', 'notBreaching'])),
      EvaluateLowSampleCountPercentile: part
        .at('EvaluateLowSampleCountPercentile')
        .maybe((each) => each.oneOf(['evaluate', 'ignore'])),
    }),
  };
}

export function wholeNumber(part: Part): number {
  const value = part.number();
  if (!Number.isInteger(value) || value < 0) throw part.error('expected a whole number');
  return value;
}

function needed(part: Part): Part {
  if (!part.isThere) throw part.error('missing');
  return part;
}

function present<T extends object>(members: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as never;
}
