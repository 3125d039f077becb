/** Definitions from files: what is recognised, and how a mistake is told. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { readDefinitions } from './from-files.ts';
import { chosen, groupFromFiles, pipelineFromFiles, pipelinePlan } from './plans.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-definitions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(content: string | object): string {
  files += 1;
  const path = join(folder, `${files}.${typeof content === 'string' ? 'yaml' : 'json'}`);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return path;
}

const example = (name: string): unknown => JSON.parse(readFileSync(`examples/rehearse/${name}`, 'utf8'));
type Pipeline = { name: string; stages: { name: string; actions: Record<string, unknown>[] }[] };
const pipelineOf = (change: (pipeline: Pipeline) => void): string => {
  const copy = example('pipeline.json') as { pipeline: Pipeline };
  change(copy.pipeline);
  return file(copy);
};
const group = 'examples/rehearse/deployment-group.json';
const alarms = 'examples/rehearse/alarms.json';
const none = new Map<string, string>();

const alarm = {
  AlarmName: 'errors',
  Namespace: 'AWS/Lambda',
  MetricName: 'Errors',
  Statistic: 'Sum',
  Period: 60,
  EvaluationPeriods: 1,
  Threshold: 1,
  ComparisonOperator: 'GreaterThanThreshold',
};

describe('readDefinitions()', () => {
  it('knows each file by its shape, as AWS gives it and as AWS takes it', () => {
    const bare = example('deployment-group.json') as object;
    const read = (...paths: string[]) => readDefinitions(paths, none).definitions;
    expect([...read(file({ deploymentGroupInfo: bare })).groups.keys()]).toEqual(['greeter/live']);
    expect([...read(file({ deploymentGroupsInfo: [bare] })).groups.keys()]).toEqual(['greeter/live']);
    expect([...read(group).groups.keys()]).toEqual(['greeter/live']);
    expect([...read(file((example('pipeline.json') as { pipeline: object }).pipeline)).pipelines.keys()]).toEqual([
      'greeter',
    ]);
    expect([...read(file({ ...alarm, ActionsEnabled: true })).alarms.keys()]).toEqual(['errors']);
    expect([...read(file([alarm, { ...alarm, AlarmName: 'more' }])).alarms.keys()]).toEqual(['errors', 'more']);
    const routing = { type: 'TimeBasedLinear', timeBasedLinear: { linearPercentage: 25, linearInterval: 3 } };
    const config = { deploymentConfigName: 'mine', computePlatform: 'Lambda', trafficRoutingConfig: routing };
    for (const each of [config, { deploymentConfigInfo: config }])
      expect(read(file(each)).routings.get('mine')?.value).toEqual({
        type: 'TimeBasedLinear',
        percent: 25,
        intervalMinutes: 3,
      });
    expect(read(file({ projects: [{ name: 'p', timeoutInMinutes: 9 }] })).buildTimeouts.get('p')?.value).toBe(9);
  });

  it('takes a folder: what is in it, its scenario, and what it passes over', () => {
    const { definitions, scenario } = readDefinitions(['examples/rehearse'], none);
    expect([...definitions.pipelines.keys()]).toEqual(['greeter', 'shop-prod']);
    expect(scenario).toBe('examples/rehearse/scenario.yaml');
    const own = mkdtempSync(join(folder, 'own-'));
    writeFileSync(join(own, 'package.json'), '{ "name": "x" }');
    expect(readDefinitions([own], none).passedOver).toEqual([join(own, 'package.json')]);
  });

  it.each([
    [
      'a file that is something else',
      () => file({ hello: 1 }),
      /\.json, line 1: expected a pipeline \(aws codepipeline get-pipeline\)/,
    ],
    ['what is neither JSON nor YAML', () => file('a: [1'), /\.yaml, line 1: /],
    ['no such file', () => join(folder, 'nothing.json'), /there is no such file/],
    [
      'an unknown key',
      () => pipelineOf(({ stages }) => Object.assign(stages[1]?.actions[0] ?? {}, { timeoutInMinute: 5 })),
      /\.json, line \d+, pipeline\.stages\[1\]\.actions\[0\]\.timeoutInMinute: unknown; known are name, actionTypeId/,
    ],
    [
      'a missing name',
      () => pipelineOf(({ stages }) => Reflect.deleteProperty(stages[1] ?? {}, 'name')),
      /\.json, line 35, pipeline\.stages\[1\]\.name: missing/,
    ],
    [
      'no number',
      () => file(JSON.stringify([{ ...alarm, Threshold: 'high' }], null, 1)),
      /line 9, \[0\]\.Threshold: expected a number, found "high"/,
    ],
    [
      'an unknown comparison',
      () => file({ ...alarm, ComparisonOperator: 'Above' }),
      /line 9, ComparisonOperator: "Above" is none of GreaterThanThreshold/,
    ],
    [
      'hosts',
      () => file({ deploymentConfigName: 'half', minimumHealthyHosts: { type: 'FLEET_PERCENT', value: 50 } }),
      /only deployments of Lambda functions are rehearsed/,
    ],
  ])('says of %s where and what', (_what, path, message) => {
    expect(() => readDefinitions([path()], none)).toThrow(message);
  });

  it('refuses what is given twice, and says by which file first', () => {
    expect(() => readDefinitions([group, group], none)).toThrow(
      'examples/rehearse/deployment-group.json, line 1: the deployment group greeter/live is given already, by examples/rehearse/deployment-group.json, line 1',
    );
  });
});

describe('pipelineFromFiles()', () => {
  const facts = (...paths: string[]) => pipelineFromFiles(readDefinitions(paths, none).definitions, 'greeter');

  it('finds the groups that the pipeline deploys to, and their alarms', () => {
    const { plan, remarks } = pipelinePlan(facts('examples/rehearse/pipeline.json', group, alarms));
    expect(plan.work).toMatchObject({
      'Source/Code': { kind: 'Source' },
      'Build/Package': { kind: 'Build' },
      'Deploy/Approve': { kind: 'Approval', notifies: false },
      'Deploy/Live': { kind: 'Deployment', group: 'greeter/live' },
    });
    expect(plan.groups['greeter/live']?.alarms.map(({ name }) => name)).toEqual(['greeter-errors', 'greeter-slow']);
    expect(plan.line.stages[2]?.actions.map(({ timeoutMs }) => timeoutMs)).toEqual([604_800_000, 432_000_000]);
    expect(remarks).toEqual([]);
  });

  it('says of an alarm that is not there', () => {
    const { remarks } = pipelinePlan(facts('examples/rehearse/pipeline.json', group));
    expect(remarks).toContain('greeter/live: the alarm greeter-slow took no part: it is not among the files');
  });

  it('plays an alarm on one query of Metrics, and says what the kinds are that take no part', () => {
    const { MetricName, Namespace, Statistic: Stat, Period, ...rest } = alarm;
    const query = { Id: 'm1', MetricStat: { Metric: { MetricName, Namespace }, Period, Stat } };
    const path = file({
      MetricAlarms: [
        { ...rest, AlarmName: 'greeter-errors', Metrics: [query] },
        { ...rest, AlarmName: 'greeter-slow', Metrics: [query, { Id: 'e1', Expression: 'm1 * 100' }] },
      ],
    });
    const { plan, remarks } = pipelinePlan(facts('examples/rehearse/pipeline.json', group, path));
    expect(plan.groups['greeter/live']?.alarms).toMatchObject([
      { name: 'greeter-errors', metric: 'Errors', statistic: 'Sum', definition: { rule: { period: 60 } } },
    ]);
    expect(remarks).toEqual([
      'greeter/live: the alarm greeter-slow took no part: it is an alarm on metric math, which Sluice’s CloudWatch does not run',
    ]);
  });

  it('plays actions of types that Sluice cannot run', () => {
    const path = pipelineOf(({ stages }) => {
      Object.assign(stages[0]?.actions[0] ?? {}, {
        actionTypeId: { category: 'Source', owner: 'AWS', provider: 'CodeStarSourceConnection', version: '1' },
        configuration: { ConnectionArn: 'x' },
      });
    });
    expect(pipelinePlan(facts(path, group)).plan.work['Source/Code']).toEqual({
      kind: 'Source',
      type: 'Source/CodeStarSourceConnection',
    });
  });

  it.each([
    [
      'a group that is not there',
      () => ['examples/rehearse/pipeline.json'],
      /pipeline\.json, line 44, pipeline\.stages\[2\]\.actions\[1\]\.configuration\.DeploymentGroupName: there is no deployment group greeter\/live among the files/,
    ],
    [
      'what breaks the rules of CodePipeline',
      () => [
        pipelineOf(({ stages }) => Object.assign(stages[1]?.actions[0] ?? {}, { inputArtifacts: [{ name: 'sauce' }] })),
        group,
      ],
      /line \d+, pipeline\.stages\[1\]\.actions\[0\]: Input Artifact Bundle sauce in action Package is not declared/,
    ],
    [
      'an unknown configuration',
      () => [
        'examples/rehearse/pipeline.json',
        file({ ...(example('deployment-group.json') as object), deploymentConfigName: 'mine' }),
      ],
      /line 4, deploymentConfigName: the deployment configuration mine is not among the files/,
    ],
  ])('says of %s where and what', (_what, paths, message) => {
    expect(() => facts(...paths())).toThrow(message);
  });
});

describe('chosen()', () => {
  const from = (...paths: string[]) => readDefinitions(paths, none).definitions;

  it('takes the only pipeline, the only group, or the one that is named', () => {
    expect(chosen(from('examples/rehearse/pipeline.json', group), undefined)).toEqual({ pipeline: 'greeter' });
    expect(chosen(from(group), undefined)).toEqual({ group: 'greeter/live' });
    expect(chosen(from('examples/rehearse'), 'greeter/live')).toEqual({ group: 'greeter/live' });
  });

  it.each([
    [['examples/rehearse'], undefined, 'say which pipeline: the files hold greeter, shop-prod'],
    [[alarms], undefined, 'the files hold neither a pipeline nor a deployment group'],
    [[group], 'x', 'x: the files hold greeter/live'],
  ])('says what there is in %s', (paths, name, message) => {
    expect(() => chosen(from(...paths), name)).toThrow(message);
  });
});

describe('a CloudFormation template', () => {
  const template = 'examples/rehearse/template.yaml';
  const read = (path: string, parameters: Readonly<Record<string, string>> = {}) =>
    readDefinitions([path], new Map(Object.entries(parameters))).definitions;

  it('is read with its functions, parameters and names worked in', () => {
    const definitions = read(template, { Stage: 'test', BakeMinutes: '3' });
    const facts = pipelineFromFiles(definitions, 'shop-test');
    expect([...facts.groups.keys()]).toEqual(['shop-test/live']);
    expect(facts.groups.get('shop-test/live')).toMatchObject({
      steps: [
        { weightPercent: 20, afterMs: 0 },
        { weightPercent: 100, afterMs: 180_000 },
      ],
      alarmNames: ['Errors'],
      rollsBackOnAlarm: true,
      alarms: [{ AlarmName: 'Errors', Dimensions: [{ Value: 'shop-test' }, { Value: 'shop-test:live' }, {}] }],
    });
    expect(facts.declaration).toMatchObject({ executionMode: 'QUEUED', roleArn: 'pipeline-role' });
    expect(pipelinePlan(facts).plan.work['Build/Package']).toMatchObject({ timeoutMs: 900_000 });
  });

  it.each([
    [{ BakeMinutes: '0' }, /line 2, Parameters: Parameter 'BakeMinutes' must be a number not less than 1/],
    [{ Bake: '1' }, /--parameters Bake: no template has a parameter of that name/],
  ])('refuses the parameters %j', (parameters, message) => {
    expect(() => read(template, parameters)).toThrow(message);
  });

  const stack = (resources: string, more = ''): string => file(`${more}Resources:\n${resources}`);

  it('follows conditions, imports and disabled transitions; a parameter without a value is a name', () => {
    const path = stack(
      `  Alarm:
    Type: AWS::CloudWatch::Alarm
    Condition: IsProduction
    Properties: { AlarmName: !Sub '\${Prefix}-errors', Namespace: Shop, MetricName: Errors, Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: GreaterThanThreshold, Statistic: Sum }
  Other:
    Type: AWS::CloudWatch::Alarm
    Condition: IsTest
    Properties: { Namespace: !ImportValue space, MetricName: Errors, Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: GreaterThanThreshold, Statistic: Sum }
`,
      `Parameters: { Prefix: { Type: 'AWS::SSM::Parameter::Value<String>' }, Stage: { Type: String, Default: prod } }
Conditions: { IsProduction: !Equals [!Ref Stage, prod], IsTest: !Not [!Condition IsProduction] }
`,
    );
    expect([...read(path).alarms.keys()]).toEqual(['<Prefix>-errors']);
    expect([...read(path, { Stage: 'x' }).alarms]).toMatchObject([['Other', { value: { Namespace: 'space' } }]]);
  });

  it('takes the deployment preferences of SAM for deployment groups', () => {
    const path = stack(
      `  Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: { Namespace: AWS/Lambda, MetricName: Errors, Period: 60, EvaluationPeriods: 1, Threshold: 1, ComparisonOperator: GreaterThanThreshold, Statistic: Sum }
  Greeter:
    Type: AWS::Serverless::Function
    Properties:
      AutoPublishAlias: live
      DeploymentPreference: { Type: Linear10PercentEvery1Minute, Alarms: [!Ref Errors], Hooks: { PostTraffic: !Ref Check } }
`,
      'Transform: AWS::Serverless-2016-10-31\n',
    );
    const definitions = read(path);
    expect(groupFromFiles(definitions, 'ServerlessDeploymentApplication/GreeterDeploymentGroup')).toMatchObject({
      steps: { length: 10 },
      hooks: ['AfterAllowTraffic'],
      alarmsEnabled: true,
      alarms: [{ AlarmName: 'Errors' }],
      rollsBackOnAlarm: true,
    });
  });

  it('knows a composite alarm for what it is', () => {
    const path = stack(`  Either:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties: { AlarmRule: !Sub 'ALARM("errors") OR ALARM("slow")' }
`);
    expect(read(path).alarms.get('Either')?.value).toMatchObject({ AlarmName: 'Either', otherKind: 'Composite' });
  });

  it('names the line and the key of a mistake, as they are written', () => {
    const path = stack(`  Alarm:
    Type: AWS::CloudWatch::Alarm
    Properties:
      Namespace: Shop
      MetricName: Errors
      Period: !Ref Nothing
`);
    expect(() => read(path)).toThrow(
      /\.yaml, line 7, Resources\.Alarm\.Properties\.Period: expected a number, found "Nothing"/,
    );
    const group = stack(`  Group:
    Type: AWS::CodeDeploy::DeploymentGroup
    Properties:
      ApplicationName: shop
      AutoRollbackConfiguration: { Enabled: true, Events: [DEPLOYMENT_FAILED] }
`);
    expect(() => read(group)).toThrow(
      /line 6, Resources\.Group\.Properties\.AutoRollbackConfiguration\.Events\[0\]: "DEPLOYMENT_FAILED" is none of/,
    );
  });
});
